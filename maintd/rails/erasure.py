"""What the kind that prunes backups is handed: it deletes, or in a dry run says that it would.

Before each deletion a note of it is written, `evidence/<run id>/backups/<backup id>.json`: a process that is killed
leaves no record of what it deleted, and what was noted and is no longer whole was deleted by that run.
"""

import asyncio
import json
from contextlib import suppress
from typing import Literal, Protocol

from maintd.core.errors import Conflict, JobError
from maintd.core.outcome import Change
from maintd.core.ports import Store
from maintd.core.resource import ObjectRef


class Erases(Protocol):
    """Deletes one backup. Raises JobError."""

    async def erase(self, backup_id: str) -> None: ...


class Erasure:
    """core.erasing.Eraser of one run."""

    def __init__(self, erases: Erases, store: Store, run_id: str, mode: Literal["act", "dry-run", "run"]) -> None:
        self._erases = erases
        self._store = store
        self._run_id = run_id
        self._acting = mode == "act"
        self._changes: list[Change] = []

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every deletion so far: for the record of a run that ended before its kind could return them."""
        return tuple(self._changes)

    async def erase(self, backup: ObjectRef, reason: str) -> Change:
        """Delete it; one that cannot be deleted does not keep the next from being tried."""
        change = Change(object=backup, verb="delete", result="planned", reason=reason)
        if self._acting:
            change = await self._erased(change)
        self._changes.append(change)
        return change

    async def _erased(self, change: Change) -> Change:
        try:
            noted = change.model_copy(update={"evidence": await self._note(change)})
        except JobError as error:
            return _failed(change, f"evidence could not be written, so it was left alone: {error}")
        try:
            await self._erases.erase(change.object.name)
        except JobError as error:
            return _failed(noted, str(error))
        except asyncio.CancelledError:
            self._changes.append(_failed(noted, "stopped on the way: part of it is gone, and it is no backup any more"))
            raise
        return noted.model_copy(update={"result": "done"})

    async def _note(self, change: Change) -> str:
        path = f"evidence/{self._run_id}/backups/{change.object.name}.json"
        note = {"format": 1, "run_id": self._run_id, "deleted": change.object.name, "reason": change.reason}
        with suppress(Conflict):  # an earlier attempt of this run wrote it
            await self._store.create(path, json.dumps(note).encode() + b"\n")
        return path


def _failed(change: Change, reason: str) -> Change:
    return change.model_copy(update={"result": "failed", "reason": reason})
