"""What a verification found, kept beside the backups: `verifications/<backup id>/<number>-<depth>.json`."""

from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from maintd.core.errors import Unreadable
from maintd.core.outcome import Frozen
from maintd.core.ports import Store
from maintd.objects import journal

VERIFICATIONS = "verifications"
Depth = Literal["read"]


class Damage(Frozen):
    """An object of the store that is not what the manifest says."""

    path: str
    """Relative to the cluster's folder."""
    why: str


class Verification(Frozen):
    """One backup, read back once from its first byte to its last. There is none of what could not all be read."""

    format: int = 1
    backup: str
    depth: Depth = "read"
    run_id: str
    started: datetime
    ended: datetime
    complete: bool
    """Whether the backup holds all of its scope: what can be read may still be partial."""
    files: int = 0
    objects: int = 0
    size: int = 0
    """Bytes, unpacked."""
    stored_size: int = 0
    encrypted: tuple[str, ...] = ()
    """Files of which the ciphertext alone was held against the manifest."""
    damaged: tuple[Damage, ...] = ()

    @property
    def ok(self) -> bool:
        """Every byte is the one that was written, and what is not encrypted is YAML with the objects that it names."""
        return not self.damaged

    @property
    def result(self) -> str:
        """`ok` or `DAMAGED`."""
        return "ok" if self.ok else "DAMAGED"


async def keep(store: Store, verification: Verification) -> str:
    """Write it, and return its path."""
    data = verification.model_dump_json(indent=1).encode() + b"\n"
    return await journal.add(store, VERIFICATIONS, verification.backup, verification.depth, data)


async def verified(store: Store) -> frozenset[str]:
    """Ids of the backups that were ever verified, found with one look; it may have been in vain."""
    return frozenset(await store.folders(VERIFICATIONS))


async def newest(store: Store, backup_id: str) -> Verification | None:
    """What the last verification of that backup found. Raises Unreadable where that cannot be told."""
    found = await journal.notes(store, VERIFICATIONS, backup_id)
    return await _read(store, found[-1].path, backup_id) if found else None


async def _read(store: Store, path: str, backup_id: str) -> Verification:
    try:
        verification = Verification.model_validate_json(await store.read(path))
    except ValidationError as error:
        raise Unreadable(f"{store.url(path)} is no verification that this maintd can read: {error}") from error
    if verification.backup != backup_id:
        raise Unreadable(f"{store.url(path)} is a verification of {verification.backup}")
    return verification
