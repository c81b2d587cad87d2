"""One look through one area of a store, which deletes what is older than its term."""

from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from maintd.core.errors import Denied
from maintd.core.outcome import run_path
from maintd.storage.prunable import begun, run_of, written
from maintd.storage.pruning import Pruner

_MOST_DENIED = 10
"""One object that somebody holds back must not keep those behind it; where all are denied there is no use in asking."""


@dataclass(slots=True)
class Sweep:
    """What is to go, and what became of it. One object after another: a store that is in use is not held up."""

    pruner: Pruner
    before: datetime
    """What was written before then is deleted."""
    keep: frozenset[str] = frozenset()
    """Ids of runs whose records and evidence stay, however old they are."""
    most: int = 100_000
    """Deletions; what is left then is left for the next time."""
    deleted: int = 0
    left_alone: int = 0
    """Objects and folders that are none of ours."""
    _denied: list[Denied] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """False where it ended before everything was seen."""
        return self.deleted < self.most

    async def run(self, area: str) -> None:
        """Look through `area`, which is one of prunable.AREAS.

        Raises Denied, when all was tried or a few were denied, or Transient; what is gone stays gone.
        """
        await self._look_into(f"{area}/")
        if self._denied:
            raise self._denied[0]

    async def _look_into(self, folder: str) -> None:
        async with aclosing(self.pruner.entries(folder)) as names:
            async for name in names:
                if not self.complete:
                    return
                if name.endswith("/"):
                    await self._folder(folder + name)
                else:
                    await self._object(folder + name)

    async def _folder(self, path: str) -> None:
        earliest = begun(path)
        if earliest is None:
            self.left_alone += 1
        elif earliest < self.before and run_of(path) not in self.keep:
            await self._look_into(path)

    async def _object(self, path: str) -> None:
        at = written(path)
        if at is None:
            self.left_alone += 1
        elif at < self.before and run_of(path) not in self.keep:
            await self._delete(path)

    async def _delete(self, path: str) -> None:
        try:
            # The record before the lists that it refers to: wherever this ends, no record is left without them.
            if path.startswith("runs/") and path != (record := run_path(run_of(path))):
                await self.pruner.delete(record, self.before)
            await self.pruner.delete(path, self.before)
        except Denied as error:
            self._denied.append(error)
            if len(self._denied) >= _MOST_DENIED:
                raise
        else:
            self.deleted += 1
