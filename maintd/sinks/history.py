"""The history of runs in the store: one object a run, and back again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from maintd.core.errors import Conflict, JobError, Missing
from maintd.core.failpoints import reach
from maintd.core.outcome import Run, run_path
from maintd.core.ports import Log, Store
from maintd.sinks.fanout import Start
from maintd.sinks.record import LISTS, cut, from_record, parts, to_record, without
from maintd.storage.paths import MAX_OBJECT

T = TypeVar("T")
_LONG_LIST = MAX_OBJECT // 8


_AT_ONCE = 8
"""Records that are read at the same time: from a bucket each takes two round trips."""
_SHORT = 100
"""Entries in its lists up to which a record is written quicker than a thread is asked to."""


class History:
    """Writes each run where its id says, and reads runs back."""

    name = "history"

    def __init__(self, store: Store, log: Log) -> None:
        self._store = store
        self._log = log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="records")

    def started(self, start: Start) -> None:
        """Nothing: a record is of a run that has ended."""

    async def emit(self, run: Run) -> None:
        """Write the record. Its lists are written first, beside it, where it would be too large with them."""
        path = run_path(run.run_id)
        data = await self._off_loop(to_record, run)
        if len(data) > MAX_OBJECT:
            run = await self._lightened(run)
            data = await self._off_loop(to_record, run)
        if len(data) > MAX_OBJECT:
            data = to_record(cut(run, MAX_OBJECT))
        reach("record-before")
        try:
            await self._store.create(path, data)
        except Conflict:  # the run was cut off, and whoever leads since has said so
            self._log.warning("record kept before, by another maintd", path=path)
        reach("record-after")

    async def read(self, run_id: str) -> Run:
        """One record. Raises Missing, or Unreadable when it is not what was written."""
        path = run_path(run_id)
        try:
            return from_record(await self._store.read(path), self._store.url(path))
        except Missing as error:
            raise Missing(
                f"there is no record of {run_id} in {self._store.url('')}; `maintd runs` lists them"
            ) from error

    async def recent(self, limit: int, job: str | None = None) -> list[Run]:
        """The newest runs, of one job or of all, newest first. A record that cannot be read is said in the log."""
        found: list[Run] = []
        async for some in self._newest(job, min(limit, _AT_ONCE)):
            found += filter(None, await asyncio.gather(*map(self._read_if_possible, some)))
            if len(found) >= limit:
                break
        return found[:limit]

    async def _newest(self, job: str | None, at_once: int) -> AsyncIterator[list[str]]:
        """Ids of runs, newest first, so many at a time."""
        some: list[str] = []
        async for path in self._store.names("runs/", reverse=True):
            run_id = _run_id(path)
            if run_id is None or (job is not None and _job(run_id) != job):
                continue
            some.append(run_id)
            if len(some) == at_once:
                yield some
                some = []
        yield some

    async def _read_if_possible(self, run_id: str) -> Run | None:
        try:
            return await self.read(run_id)
        except JobError as error:
            self._log.warning("record not read", path=run_path(run_id), why=str(error))
            return None

    async def _off_loop(self, call: Callable[..., T], *args: object) -> T:
        """A record may have a hundred thousand lines: writing them out holds up no other job."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call, *args)

    async def _lightened(self, run: Run) -> Run:
        """The run without its long lists, once they are written beside its record."""
        moved: dict[str, list[str]] = {}
        for name in LISTS:
            pieces = await self._off_loop(parts, getattr(run, name), MAX_OBJECT)
            if sum(map(len, pieces)) > _LONG_LIST:
                moved[name] = [f"{run_path(run.run_id)[:-5]}.{name}.{n:04}.ndjson" for n in range(1, len(pieces) + 1)]
                for path, piece in zip(moved[name], pieces, strict=True):
                    await self._store.create(path, piece)
        return without(run, moved)


def _run_id(path: str) -> str | None:
    """The id of the run whose record lies there; None for what is no record."""
    run_id = path.rpartition("/")[2].removesuffix(".json")
    try:
        return run_id if run_path(run_id) == path else None
    except Missing:
        return None


def _job(run_id: str) -> str:
    return run_id.partition("-")[2].rpartition("-")[0]
