"""Deleting a whole backup: a capability that one kind is handed and no other."""

from typing import Protocol

from maintd.core.outcome import Change
from maintd.core.resource import ObjectRef


class Eraser(Protocol):
    """Deletes whole backups."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every deletion of this run so far: for the record of a run that ended before its kind could return them."""
        ...

    async def erase(self, backup: ObjectRef, reason: str) -> Change:
        """Delete it, its manifest first. In a dry run the change is `planned`; one that did not work is `failed`."""
        ...


class NoEraser:
    """Of a kind that does not say that it erases backups."""

    changes: tuple[Change, ...] = ()

    async def erase(self, *_: object, **__: object) -> Change:
        """A defect of the kind, and said so."""
        raise RuntimeError("a kind asked to delete a backup and does not say that it erases backups")
