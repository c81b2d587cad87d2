"""Every backup there is, as far as pruning needs to know it."""

import asyncio
from datetime import timedelta

from maintd.core.errors import Unreadable
from maintd.core.ports import Store
from maintd.core.text import counted
from maintd.objects import archive, pins, verification
from maintd.objects.archive import Backup
from maintd.objects.backup_retention import Candidate
from maintd.objects.verification import Verification

CLOCKS_APART = timedelta(days=1)
"""With more than this between two clocks nobody knows when something was."""
UNFINISHED = "it has no manifest: its run has not ended or was stopped, or a deletion of it was"
_AT_ONCE = 8


async def census(store: Store) -> list[Candidate]:
    """The newest first. Raises what the store raises: half of a list says nothing of which is the newest."""
    ever_verified, ever_pinned = await verification.verified(store), await pins.noted(store)
    turn = asyncio.Semaphore(_AT_ONCE)

    async def known(backup: Backup) -> Candidate:
        async with turn:
            pinned = backup.id in ever_pinned and await pins.pinned(store, backup.id)
            return await _candidate(store, backup, pinned, looked=backup.id in ever_verified)

    return list(await asyncio.gather(*[known(backup) async for backup in archive.backups(store)]))


async def _candidate(store: Store, backup: Backup, pinned: bool, *, looked: bool) -> Candidate:
    if backup.manifest is None:
        return Candidate(backup.id, pinned=pinned, unknown=backup.problem or UNFINISHED)
    apart = abs(backup.manifest.started - backup.at)
    if apart > CLOCKS_APART:
        why = f"when it was made maintd's clock and the API server's were {counted(apart.days, 'day')} apart"
        return Candidate(backup.id, backup.job, pinned=pinned, unknown=f"{why}: nobody knows how old it is")
    try:
        found = await verification.newest(store, backup.id) if looked else None
    except Unreadable as error:
        return Candidate(backup.id, backup.job, pinned=pinned, unknown=str(error))
    whole = backup.complete and (found is None or found.ok)
    return Candidate(backup.id, backup.job, complete=whole, verified=whole and _good(found), pinned=pinned)


def _good(found: Verification | None) -> bool:
    return found is not None and found.ok and found.complete
