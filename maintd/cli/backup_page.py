"""One backup for people, and for programs."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from maintd.cli.tables import age, now, table, utc
from maintd.core.rehearsal import Answers
from maintd.core.text import counted, sized
from maintd.objects.answers_report import named
from maintd.objects.backup_changes import came_and_went, changes, counts
from maintd.objects.backup_manifest import Manifest
from maintd.objects.inventory import Entry

_NONE = "-"
"""The namespace of what is in none."""


def page(entry: Entry, before: Manifest | None, url: str) -> str:
    """All that a person wants to know of it, the most important first. `before`: the one that it is held against."""
    parts = ["\n".join(_facts(entry, url))]
    if manifest := entry.backup.manifest:
        parts += filter(None, (_not_whole(manifest), _contents(manifest), _left_out(manifest)))
        parts += filter(None, (_changes(before, manifest), _claims(manifest)))
    return "\n\n".join(parts)


def _facts(entry: Entry, url: str) -> Iterator[str]:
    backup, manifest = entry.backup, entry.backup.manifest
    yield f"backup    {backup.id}, {backup.state}"
    yield f"began     {utc(backup.at)}, {age(backup.at, now())}"
    if backup.problem:
        yield f"problem   {backup.problem}"
    elif manifest is None:
        why = "its run has not ended or was stopped, or a deletion of it was"
        yield f"problem   it has no manifest, so it is no backup: {why}"
    yield from _holds(manifest) if manifest else ()
    yield f"verified  {entry.problem or verified_words(entry)}"
    for damage in entry.verified.damaged if entry.verified else ():
        yield f"DAMAGED   {damage.path}: {damage.why}"
    yield from _answers(entry.verified.answers) if entry.verified and entry.verified.answers else ()
    yield f"pinned    {'yes' if entry.pinned else 'no'}"
    yield f"lies in   {url}"


def _answers(asked: Answers) -> Iterator[str]:
    """What a restore would not get done, and what nobody knows; all of it is in the verification."""
    for lead, some in (("refused  ", asked.refused), ("unchecked", asked.unchecked)):
        for answer in some:
            yield f"{lead} {named(answer)}: {answer.why}"


def _holds(manifest: Manifest) -> Iterator[str]:
    files = counted(len(manifest.files), "file")
    yield f"holds     {counted(manifest.objects, 'object')} in {files}, {sized(manifest.size)}"
    yield f"of        cluster {manifest.cluster}, {manifest.server_version}, by the run {manifest.run_id}"
    covered, excluded = (", ".join(names) for names in (manifest.namespaces, manifest.exclude_namespaces))
    yield f"covers    {covered or 'all namespaces'}" + (f", without {excluded}" if excluded else "")


def _not_whole(manifest: Manifest) -> str:
    rows = [(str(problem), problem.why, problem.remedy) for problem in manifest.not_whole]
    return table(("NOT IN IT", "WHY", "REMEDY"), rows) if rows else ""


def _contents(manifest: Manifest) -> str:
    files, size = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for file in manifest.files:
        files[file.resource, file.namespace] += 1
        size[file.resource, file.namespace] += file.size
    rows = [
        (space or _NONE, resource, f"{number:,}", files[resource, space], sized(size[resource, space]))
        for (resource, space), number in sorted(counts(manifest).items(), key=lambda item: item[0][::-1])
    ]
    return table(("NAMESPACE", "KIND", "OBJECTS", "FILES", "BYTES"), rows) if rows else ""


def _left_out(manifest: Manifest) -> str:
    rows = [
        (row.resource, "unlisted" if row.count is None else f"{row.count:,}", row.rule, row.reason)
        for row in sorted(manifest.left_out, key=lambda row: (row.count is None, -(row.count or 0), row.resource))
    ]
    return table(("LEFT OUT", "OBJECTS", "RULE", "REASON"), rows) if rows else ""


def _changes(before: Manifest | None, manifest: Manifest) -> str:
    if before is None:
        return "There is none before it, of the same job and the same namespaces, that it could be compared with."
    found, (came, went) = changes(before, manifest), came_and_went(before, manifest)
    lines = [f"New kinds since {before.id}: {', '.join(came)}"] * bool(came)
    lines += [f"Kinds gone since {before.id}: {', '.join(went)}"] * bool(went)
    if not found:
        return "\n".join([*lines, f"As many objects of each kind in each namespace as in {before.id}."])
    rows = [(each.namespace or _NONE, each.resource, f"{each.before:,}", f"{each.now:,}") for each in found]
    return "\n".join([*lines, table((f"SINCE {before.id}", "KIND", "BEFORE", "NOW"), rows)])


def _claims(manifest: Manifest) -> str:
    rows = [
        (claim.namespace, claim.name, claim.request, claim.storage_class, claim.volume)
        for claim in manifest.volumes.claims
    ]
    heading = ("NAMESPACE", "PERSISTENTVOLUMECLAIM", "SIZE", "CLASS", "VOLUME")
    return f"{manifest.volumes.note}\n{table(heading, rows)}" if rows else ""


def verified_words(entry: Entry) -> str:
    """`2h ago (read)`, `2h ago (apply: 1 refused)`, `DAMAGED 2h ago (read)`, `never`, or that it is unknown."""
    if entry.problem:
        return "unknown"
    if entry.verified is None:
        return "never"
    found = entry.verified
    when, result = age(found.ended, now()), found.result
    if not found.ok:
        return f"{result} {when} ({found.depth})"
    return f"{when} ({found.depth})" if result == "ok" else f"{when} ({found.depth}: {result})"


def whole(entry: Entry, before: Manifest | None) -> dict[str, Any]:
    """The same for programs."""
    manifest = entry.backup.manifest
    if manifest is None:
        return {}
    kept = {"run_id", "cluster", "kube_system_uid", "server_version", "namespaces", "exclude_namespaces"}
    return {
        **manifest.model_dump(mode="json", include=kept),
        "contents": [
            {"resource": resource, "namespace": space, "objects": number}
            for (resource, space), number in sorted(counts(manifest).items())
        ],
        "left_out": [row.model_dump(mode="json") for row in manifest.left_out],
        "not_whole": [row.model_dump(mode="json") for row in manifest.not_whole],
        "compared_with": before.id if before else None,
        "changes": _changed(before, manifest) if before else [],
        "volumes": manifest.volumes.model_dump(mode="json"),
        "damaged": [damage.model_dump() for damage in entry.verified.damaged] if entry.verified else [],
        "answers": entry.verified.answers.model_dump() if entry.verified and entry.verified.answers else None,
    }


def _changed(before: Manifest, now_: Manifest) -> list[dict[str, Any]]:
    return [
        {"resource": each.resource, "namespace": each.namespace, "before": each.before, "now": each.now}
        for each in changes(before, now_)
    ]
