"""How large all entries together may be: a ConfigMap takes 1 MiB, and without room no job could be claimed."""

from collections.abc import Callable, Mapping

from maintd.scheduling.entry import JobState

LARGEST = 900 * 1024
"""Bytes, keys included."""


def fitted(texts: dict[str, str]) -> dict[str, str]:
    """The same entries, made small enough: first older runs go, then long summaries, at last large memories."""
    for trim in (_runs(3, 160), _runs(1, 80), _runs(1, 0), _without_memory):
        if size(texts) <= LARGEST:
            break
        texts = {job: trim(JobState.model_validate_json(text)) for job, text in texts.items()}
    return texts


def size(texts: Mapping[str, str]) -> int:
    """Bytes of these entries."""
    return sum(len(job) + len(text.encode()) for job, text in texts.items())


def _runs(number: int, summary: int) -> Callable[[JobState], str]:
    def trim(entry: JobState) -> str:
        kept = (run.model_copy(update={"summary": run.summary[:summary]}) for run in entry.last_runs[:number])
        return entry.model_copy(update={"last_runs": tuple(kept)}).text()

    return trim


def _without_memory(entry: JobState) -> str:
    """A kind that remembers nothing starts its comparison anew, and says so; a claim or a pause must not be lost."""
    return entry.model_copy(update={"memory": {}}).text()
