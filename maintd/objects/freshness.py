"""When each job's last complete backup was made, and when the last that is known to be readable was read back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from maintd.core.errors import Unreadable
from maintd.core.ports import Store
from maintd.objects import archive, verification

_LOOK_BACK = 400
"""Backups that are looked through for a job that has made none."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Of one job's backups. None: never, as far as the store tells."""

    complete: datetime | None = None
    """When the newest complete one was begun: what it holds is as old as that."""
    verified: datetime | None = None
    """When the newest complete one whose last verification found nothing was verified."""


@dataclass(frozen=True, slots=True)
class _Made:
    job: str
    complete: bool
    began: datetime


class Freshnesses:
    """Asks the store, which alone knows what is still there; a manifest never changes, and is read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._made: dict[str, _Made] = {}

    async def look(self, jobs: frozenset[str]) -> dict[str, Freshness]:
        """Of these jobs. Raises what the store raises: then nothing new is known."""
        found = {job: Freshness() for job in jobs}
        ever_verified = await verification.verified(self._store) if jobs else frozenset()
        async for backup_id, made in self._newest():
            known = found.get(made.job)
            if known and made.complete and not known.verified:
                verified = await self._verified(backup_id) if backup_id in ever_verified else None
                found[made.job] = Freshness(known.complete or made.began, verified)
            if all(each.verified for each in found.values()):
                break
        return found

    async def _newest(self) -> AsyncIterator[tuple[str, _Made]]:
        ids = (await archive.ids(self._store))[:_LOOK_BACK]
        self._made = {name: self._made[name] for name in ids if name in self._made}
        unknown = [name for name in ids if name not in self._made]
        async for backup in archive.some(self._store, unknown):
            if backup.manifest:
                self._made[backup.id] = _Made(backup.job, backup.complete, backup.manifest.started)
        for name in ids:
            if name in self._made:
                yield name, self._made[name]

    async def _verified(self, backup_id: str) -> datetime | None:
        try:
            found = await verification.newest(self._store, backup_id)
        except Unreadable:
            return None
        return found.ended if found and found.ok and found.complete else None
