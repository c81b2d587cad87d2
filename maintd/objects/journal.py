"""Notes about a backup, kept beside the backups, which stay exactly what their manifests say.

`<folder>/<backup id>/<number>-<word>.json`. Their order is that of their numbers: a clock that jumps puts none of them
out of place. A note is never changed; of two that are written at once the store takes one.
"""

import re
from dataclasses import dataclass

from maintd.core.errors import Conflict
from maintd.core.ports import Store

_NOTE = re.compile(r"([0-9]{4,9})-([a-z]+)\.json")


@dataclass(frozen=True, order=True, slots=True)
class Note:
    """One of them."""

    number: int
    word: str
    path: str


async def notes(store: Store, folder: str, backup_id: str) -> list[Note]:
    """What was noted of that backup, the oldest first."""
    found = [path async for path in store.names(f"{folder}/{backup_id}/")]
    named = ((_NOTE.fullmatch(path.rpartition("/")[2]), path) for path in found)
    return sorted(Note(int(name[1]), name[2], path) for name, path in named if name)


def following(known: list[Note]) -> int:
    """The number of the next one."""
    return known[-1].number + 1 if known else 1


async def add(store: Store, folder: str, backup_id: str, word: str, data: bytes) -> str:
    """Write one more, and return its path. Raises what the store raises."""
    number = following(await notes(store, folder, backup_id))
    while True:
        path = path_of(folder, backup_id, number, word)
        try:
            await store.create(path, data)
        except Conflict:  # somebody else was quicker
            number += 1
        else:
            return path


def path_of(folder: str, backup_id: str, number: int, word: str) -> str:
    """Where that note lies."""
    return f"{folder}/{backup_id}/{number:04}-{word}.json"
