"""What a verification found, kept beside the backups: `verifications/<backup id>/<number>-<depth>.json`."""

from datetime import datetime
from typing import Literal

from pydantic import ValidationError

from maintd.core.errors import Unreadable
from maintd.core.failpoints import reach
from maintd.core.outcome import Frozen
from maintd.core.ports import Store
from maintd.core.rehearsal import Answers
from maintd.objects import journal

VERIFICATIONS = "verifications"
Depth = Literal["read", "apply"]


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
    answers: Answers | None = None
    """What an API server said to every object; None at depth `read`, and of a backup that is damaged."""

    @property
    def ok(self) -> bool:
        """Every byte is the one that was written, and what is not encrypted is YAML with the objects that it names."""
        return not self.damaged

    @property
    def result(self) -> str:
        """`ok`, `DAMAGED`, or of what is not damaged `3 refused, 2 unchecked`."""
        if not self.ok:
            return "DAMAGED"
        asked = self.answers
        counts = ((asked.refusals, "refused"), (asked.open_questions, "unchecked")) if asked else ()
        return ", ".join(f"{number:,} {said}" for number, said in counts if number) or "ok"


async def keep(store: Store, verification: Verification) -> str:
    """Write it, and return its path."""
    data = verification.model_dump_json(indent=1).encode() + b"\n"
    reach("verify-note-before")
    path = await journal.add(store, VERIFICATIONS, verification.backup, verification.depth, data)
    reach("verify-note-after")
    return path


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
