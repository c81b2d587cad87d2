"""What became of the number of objects from one backup to the next."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from maintd.core.errors import JobError
from maintd.core.outcome import Finding
from maintd.core.ports import Store
from maintd.core.text import counted
from maintd.objects import archive
from maintd.objects.archive import Backup
from maintd.objects.backup_manifest import Manifest

_LARGEST_DROP = 0.3
_MANY = 10
"""As many objects of a kind do not all go by themselves, however few they are of the whole."""
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
    old, new = _by_kind(before, not_asked), _by_kind(now, not_asked)
    lost = [(kind, number, new[kind]) for kind, number in old.items() if new[kind] < number]
    gone = [(kind, was, now) for kind, was, now in lost if was >= _MANY and not now]
    if new.total() < old.total() * (1 - _LARGEST_DROP):
        share = 1 - new.total() / old.total()
        said = f", {share:.0%} fewer than the {old.total():,} of {before.id}: {_told(lost)}"
    elif gone:
        said = f", and none of a kind that {before.id} has many of: {_told(gone)}"
    else:
        return None
    return Finding(
        subject="objects",
        message=f"{counted(new.total(), 'object')}{said}",
        remedy=f"see what is gone: maintd diff {before.id}; if all of it was to go, the next backup is compared anew",
    )


def _by_kind(manifest: Manifest, not_asked: Collection[str]) -> Counter[str]:
    found = Counter[str]()
    for (resource, _), number in counts(manifest).items():
        if resource not in not_asked:
            found[resource] += number
    return found


def _told(lost: Iterable[tuple[str, int, int]]) -> str:
    worst: Sequence[tuple[str, int, int]] = sorted(lost, key=lambda row: row[2] - row[1])
    said = ", ".join(f"{kind} {old:,} → {new:,}" for kind, old, new in worst[:_MOST])
    return said + (f" and {len(worst) - _MOST} more kinds" if len(worst) > _MOST else "")


def _scope(manifest: Manifest) -> tuple[object, ...]:
    return Backup(manifest.id, manifest).job, manifest.namespaces, manifest.exclude_namespaces
