"""What the kind that prunes backups is handed: it deletes, or in a dry run says that it would."""

from typing import Literal, Protocol

from maintd.core.errors import JobError
from maintd.core.outcome import Change
from maintd.core.resource import ObjectRef


class Erases(Protocol):
    """Deletes one backup. Raises JobError."""

    async def erase(self, backup_id: str) -> None: ...


class Erasure:
    """core.ports.Eraser of one run."""

    def __init__(self, erases: Erases, mode: Literal["act", "dry-run", "run"]) -> None:
        self._erases = erases
        self._acting = mode == "act"

    async def erase(self, backup: ObjectRef, reason: str) -> Change:
        """Delete it; one that cannot be deleted does not keep the next from being tried."""
        if not self._acting:
            return Change(object=backup, verb="delete", result="planned", reason=reason)
        try:
            await self._erases.erase(backup.name)
        except JobError as error:
            return Change(object=backup, verb="delete", result="failed", reason=str(error))
        return Change(object=backup, verb="delete", result="done", reason=reason)
