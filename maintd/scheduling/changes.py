"""Changes of entries, as functions: done here at once, and done again to whatever stands in the home."""

from collections.abc import Callable, Iterable

from maintd.scheduling.entry import BLANK, Entries, JobState

Edit = Callable[[JobState], JobState]
Change = Callable[[Entries], None]
"""Changes entries in place: of one job, of several, or of all. It may raise; then nothing is changed."""


def on(job: str, edit: Edit) -> Change:
    """The edit of one entry; what a newer maintd wrote is left as it is."""

    def change(entries: Entries) -> None:
        entry = entries.get(job, BLANK)
        entries[job] = entry if entry.newer else edit(entry)

    return change


def applied(changes: Iterable[Change], entries: Entries) -> Entries:
    """The entries as they are once all of that is done."""
    changed = dict(entries)
    for change in changes:
        change(changed)
    return changed


def written(texts: dict[str, str], found: Entries, entries: Entries) -> dict[str, str]:
    """The texts of the entries as they are now; what was not changed keeps its text to the letter."""
    return {job: texts[job] if entry is found.get(job) else entry.text() for job, entry in entries.items()}
