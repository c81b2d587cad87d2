"""The backups with what is known of each: whether it was verified, whether it is pinned."""

import asyncio
from dataclasses import dataclass

from maintd.core.errors import Unreadable
from maintd.core.ports import Store
from maintd.objects import archive, pins, verification
from maintd.objects.archive import Backup
from maintd.objects.verification import Verification

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Entry:
    """One backup."""

    backup: Backup
    verified: Verification | None
    """The last verification; None: it was never verified, or `problem` says why that is unknown."""
    pinned: bool
    problem: str = ""


async def inventory(store: Store, limit: int) -> list[Entry]:
    """The newest so many, newest first: how much is read depends on `limit` and not on how many there are."""
    ever_verified, ever_pinned = await asyncio.gather(verification.verified(store), pins.noted(store))
    turn = asyncio.Semaphore(_AT_ONCE)

    async def completed(backup: Backup) -> Entry:
        async with turn:
            return await entry(
                store, backup, look_verified=backup.id in ever_verified, look_pinned=backup.id in ever_pinned
            )

    found = [backup async for backup in archive.backups(store, limit=limit)]
    return list(await asyncio.gather(*map(completed, found)))


async def entry(store: Store, backup: Backup, *, look_verified: bool = True, look_pinned: bool = True) -> Entry:
    """All that is known of one. Raises what the store raises."""
    pinned = look_pinned and await pins.pinned(store, backup.id)
    try:
        found = await verification.newest(store, backup.id) if look_verified else None
    except Unreadable as error:
        return Entry(backup, None, pinned, str(error))
    return Entry(backup, found, pinned)
