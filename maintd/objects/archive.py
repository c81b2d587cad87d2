"""The backups in a store: which there are, in what state, and what is in one."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import yaml

from maintd.core.errors import ConfigError, Missing, Unreadable
from maintd.core.ports import Fetched, Store
from maintd.core.resource import Json
from maintd.core.text import counted
from maintd.objects.backup_manifest import Manifest, NewerFormat, StoredFile, opened

BACKUPS = "backups"
_ID = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{6}")
_LIST_THEM = "`maintd backups` lists them"
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Backup:
    """A folder under `backups/`. Without a manifest it is no backup: unfinished, or not as it was written."""

    id: str
    manifest: Manifest | None = None
    problem: str = ""
    """Why the manifest cannot be used; empty where there is none, too."""
    newer: bool = False
    """That is because a later maintd wrote it: nothing is wrong with it."""
    untrusted: bool = False
    """That is because it is not signed with the key that is asked for: its bytes are those that were written."""

    @property
    def at(self) -> datetime:
        """When it was begun, as its id says."""
        return began(self.id)

    @property
    def job(self) -> str:
        """Which job made it; empty where that cannot be told."""
        return self.manifest.run_id[17:].rpartition("-")[0] if self.manifest else ""

    @property
    def state(self) -> str:
        """`complete`, `partial: 2 kinds`, `unfinished`, `damaged`, `newer format`, or `untrusted`."""
        if self.problem:
            return "newer format" if self.newer else "untrusted" if self.untrusted else "damaged"
        if self.manifest is None:
            return "unfinished"
        missed = {row.resource for row in self.manifest.not_whole}
        return f"partial: {counted(len(missed), 'kind')}" if missed else "complete"

    @property
    def complete(self) -> bool:
        """Everything in its scope is in it, or was left out on purpose."""
        return self.manifest is not None and self.manifest.complete


def is_id(name: str) -> bool:
    """Whether a folder's name is one that a backup has."""
    return _ID.fullmatch(name) is not None


def began(backup_id: str) -> datetime:
    """The instant in an id, UTC. ValueError for what is no id."""
    return datetime.strptime(backup_id[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


async def ids(store: Store) -> list[str]:
    """Of all that is there, the newest first; folders of other names are none of ours."""
    return sorted(filter(is_id, await store.folders(BACKUPS)), reverse=True)


async def backup(store: Store, backup_id: str, *, verify_key: str = "") -> Backup:
    """What is in the folder of that id. Raises what the store raises, but for what is missing or damaged.

    `verify_key`, as objects.signature.public_key() spells it: what is not signed with it has no manifest to use.
    """
    try:
        data = await store.read(f"{BACKUPS}/{backup_id}/manifest.json")
        manifest = opened(data)
    except Missing:
        return Backup(backup_id)
    except (Unreadable, ValueError) as error:
        why = f"its manifest cannot be used: {error}"
        return Backup(backup_id, problem=why, newer=isinstance(error, NewerFormat))
    if manifest.id != backup_id:
        return Backup(backup_id, problem=f"its manifest is that of {manifest.id}")
    why = _mistrusted(data, verify_key) if verify_key else ""
    return Backup(backup_id, problem=why, untrusted=True) if why else Backup(backup_id, manifest)


def _mistrusted(data: bytes, verify_key: str) -> str:
    try:
        opened(data, verify_key)
    except ValueError as error:
        return f"its manifest cannot be used: {error}"
    return ""


async def backups(
    store: Store, *, limit: int | None = None, before: str = "", verify_key: str = ""
) -> AsyncIterator[Backup]:
    """All of them, or so many, the newest first; several are read at a time, since from a bucket each takes long.

    `before` is an id: only those that are older.
    """
    known = [name for name in await ids(store) if not before or name < before][:limit]
    async for found in some(store, known, verify_key=verify_key):
        yield found


async def some(store: Store, wanted: Sequence[str], *, verify_key: str = "") -> AsyncIterator[Backup]:
    """Those of these ids, in this order."""
    for start in range(0, len(wanted), _AT_ONCE):
        together = (backup(store, name, verify_key=verify_key) for name in wanted[start : start + _AT_ONCE])
        for found in await asyncio.gather(*together):
            yield found


async def find(store: Store, wanted: str = "", *, as_of: datetime | None = None, verify_key: str = "") -> Backup:
    """The one that `wanted` is the id of, or the beginning of one; without it, the newest with a manifest.

    `as_of` leaves out what was begun later. Raises ConfigError, with what to type, for none and for several.
    """
    known = [name for name in await ids(store) if as_of is None or began(name) <= as_of]
    if wanted:
        one = _only(wanted, [name for name in known if name.startswith(wanted)])
        return await backup(store, one, verify_key=verify_key)
    for name in known:
        found = await backup(store, name, verify_key=verify_key)
        if found.manifest:
            return found
    when = f" begun by {as_of:%Y-%m-%dT%H:%M:%SZ}" if as_of else ""
    first = _LIST_THEM if known or as_of else "a job of kind backup makes one: maintd run JOB"
    raise ConfigError(f"there is no backup{when} in {store.url(BACKUPS)}; {first}")


def _only(wanted: str, matching: Sequence[str]) -> str:
    if not matching:
        raise ConfigError(f"no backup is called {wanted}; {_LIST_THEM}")
    if len(matching) > 1:
        raise ConfigError(f"{wanted} could be any of {', '.join(matching[:5])}; write more of it")
    return matching[0]


async def fetch(store: Store, backup_id: str, file: StoredFile) -> Fetched:
    """A file of a backup, as its manifest names it. Raises Missing or Unreadable, naming the object."""
    path = f"{BACKUPS}/{backup_id}/{file.path}"
    found = await store.fetch(path)
    stored = found.stored
    expected = (file.size, file.sha256, file.stored_size, file.stored_sha256)
    if (stored.size, stored.sha256) != expected[:2]:
        raise Unreadable(f"{store.url(path)} is not what its manifest names: it was changed after it was written")
    if (stored.stored_size, stored.stored_sha256) != expected[2:]:
        raise Unreadable(f"{store.url(path)} means the same, but its stored bytes are not those that were written")
    return found


def documents(data: bytes, file: StoredFile) -> list[Json]:
    """The objects in a file. Raises Unreadable where they are not what the manifest counts."""
    try:
        found: list[Any] = list(yaml.load_all(data, yaml.CSafeLoader))
    except yaml.YAMLError as error:
        raise Unreadable(f"{file.path} is not YAML: {error}") from error
    if len(found) != file.count or not all(isinstance(document, dict) for document in found):
        raise Unreadable(f"{file.path} holds {counted(len(found), 'object')}, and its manifest counts {file.count:,}")
    return found
