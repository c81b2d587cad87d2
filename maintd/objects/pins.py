"""Which backups are pinned: kept from pruning until somebody unpins them.

`pins/<backup id>/0001-pin.json`, `0002-unpin.json`, `0003-pin.json` …: the highest number says how it is. Odd ones pin
and even ones unpin, so two people who pin at once write the same name, and one of them is told that it is pinned.
"""

import json
from datetime import datetime

from maintd.core.errors import Conflict
from maintd.core.ports import Store
from maintd.objects.journal import following, notes, path_of

PINS = "pins"
PIN, UNPIN = "pin", "unpin"


async def noted(store: Store) -> frozenset[str]:
    """Ids of the backups that were ever pinned, found with one look."""
    return frozenset(await store.folders(PINS))


async def pinned(store: Store, backup_id: str) -> bool:
    """Whether it is pinned now."""
    found = await notes(store, PINS, backup_id)
    return bool(found) and found[-1].word != UNPIN


async def pin(store: Store, backup_id: str, *, on: bool, at: datetime, by: str, reason: str) -> bool:
    """Pin it, or unpin it. False where it was so already."""
    known = await notes(store, PINS, backup_id)
    if (bool(known) and known[-1].word != UNPIN) is on:
        return False
    number, word = following(known), PIN if on else UNPIN
    said = {"format": 1, "backup": backup_id, "pinned": on, "at": at.isoformat(), "by": by, "reason": reason}
    try:
        await store.create(path_of(PINS, backup_id, number, word), json.dumps(said, indent=1).encode() + b"\n")
    except Conflict:
        return False
    return True
