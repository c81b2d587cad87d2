"""What became of the number of objects from one backup to the next."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from maintd.core.errors import JobError
from maintd.core.outcome import Finding
from maintd.core.ports import Store
from maintd.core.text import counted
from maintd.objects import archive
from maintd.objects.archive import Backup
from maintd.objects.backup_manifest import Manifest

_LARGEST_DROP = 0.3
_LOOK_BACK = 60
"""Backups among which the one before is looked for."""
_MOST = 5


@dataclass(frozen=True, order=True, slots=True)
class Change:
    """Of one kind, in one namespace or in none."""

    resource: str
    namespace: str
    before: int
    now: int


async def one_before(store: Store, manifest: Manifest, *, complete: bool) -> Manifest | None:
    """The last backup of the same job and the same namespaces; `complete`: the last that was."""
    async for older in archive.backups(store, before=manifest.id, limit=_LOOK_BACK):
        found = older.manifest
        if found and _scope(found) == _scope(manifest) and (found.complete or not complete):
            return found
    return None


def counts(manifest: Manifest) -> Counter[tuple[str, str]]:
    """Objects by (resource, namespace)."""
    found = Counter[tuple[str, str]]()
    for file in manifest.files:
        found[file.resource, file.namespace] += file.count
    return found


def changes(before: Manifest, now: Manifest) -> list[Change]:
    """Where the numbers are not the same."""
    old, new = counts(before), counts(now)
    return sorted(Change(*key, old[key], new[key]) for key in old.keys() | new.keys() if old[key] != new[key])


def came_and_went(before: Manifest, now: Manifest) -> tuple[list[str], list[str]]:
    """Kinds that were read in one of them alone."""
    old, new = ({read.resource for read in manifest.lists} for manifest in (before, now))
    return sorted(new - old), sorted(old - new)


async def drop(store: Store, manifest: Manifest) -> Finding | None:
    """Where it holds far less than the last complete one did, or that cannot be told. Never raises a JobError."""
    try:
        before = await one_before(store, manifest, complete=True)
    except JobError as error:
        said = f"how many objects the backup before it had could not be read: {error}"
        return Finding(subject="objects", message=said, remedy=f"maintd backups {manifest.id} compares them")
    return _drop(before, manifest) if before else None


def _drop(before: Manifest, now: Manifest) -> Finding | None:
    """Kinds that the job leaves out now, or could not read, are no loss: the one was asked for, the other is told."""
    not_asked = {row.resource for row in now.left_out if row.count is None} | {row.resource for row in now.not_whole}
    of_kind = Counter[str](), Counter[str]()
    for totals, manifest in zip(of_kind, (before, now), strict=True):
        for (resource, _), number in counts(manifest).items():
            if resource not in not_asked:
                totals[resource] += number
    old, new = of_kind[0].total(), of_kind[1].total()
    if new >= old * (1 - _LARGEST_DROP):
        return None
    lost = [(kind, number, of_kind[1][kind]) for kind, number in of_kind[0].items() if of_kind[1][kind] < number]
    fewer = f"{1 - new / old:.0%} fewer than the {old:,} of {before.id}"
    return Finding(
        subject="objects",
        message=f"{counted(new, 'object')}, {fewer}: {_told(lost)}",
        remedy=f"see what is gone: maintd diff {before.id}; if all of it was to go, the next backup is compared anew",
    )


def _told(lost: Iterable[tuple[str, int, int]]) -> str:
    worst: Sequence[tuple[str, int, int]] = sorted(lost, key=lambda row: row[2] - row[1])
    said = ", ".join(f"{kind} {old:,} → {new:,}" for kind, old, new in worst[:_MOST])
    return said + (f" and {len(worst) - _MOST} more kinds" if len(worst) > _MOST else "")


def _scope(manifest: Manifest) -> tuple[object, ...]:
    return Backup(manifest.id, manifest).job, manifest.namespaces, manifest.exclude_namespaces
