"""A store that loses neither records nor samples while it is away: they wait in a folder beside the process."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Self

from maintd.core.errors import Conflict, JobError, Missing, Refused, Transient, Unreadable
from maintd.core.failpoints import reach
from maintd.core.ports import Fetched, Log, Staging, Store, Stored
from maintd.core.text import counted, sized
from maintd.storage.backlog import Backlog, Waiting
from maintd.storage.encoding import encode

_KEPT = ("runs/", "samples/")
"""What cannot be made again. A backup that is not in the store is none; evidence must be there before a deletion."""
_LONGEST_PAUSE = 30.0
_LAST_TRY = 5.0
_BETWEEN_LINES = 60.0


class SpooledStore:
    """The store, as core.ports.Store describes it, but that it takes records and samples at any time.

    They reach it in the order they came. Nothing is ever overwritten: what the store has already, byte for byte,
    counts as handed over. A process that starts on the same folder goes on where another ended.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        limit: int,
        log: Log,
        *,
        patience: timedelta = timedelta(seconds=10),
        pause: timedelta = timedelta(seconds=2),
    ) -> None:
        """At most `limit` bytes wait in the folder; `patience` is how long an object waits for the store itself.

        `pause` is how soon after a failure the store is tried again; it doubles up to half a minute.
        """
        self._store = store
        self._backlog = Backlog(folder, limit)
        self._log = log
        self._patience = patience.total_seconds()
        self._pause = pause.total_seconds()
        self._changing = asyncio.Lock()
        self._filled = asyncio.Event()
        self._why = ""
        self._told, self._told_at = "", float("-inf")
        self._overflowed = False
        self.lost = 0
        """Objects that neither the store nor the folder could keep."""

    @property
    def waiting_bytes(self) -> int:
        """Of what waits."""
        return self._backlog.bytes

    @property
    def problem(self) -> str:
        """What waits, and why; empty while nothing does."""
        if not self._backlog:
            return ""
        waiting = f"{counted(len(self._backlog), 'object')} ({sized(self.waiting_bytes)}) wait"
        lost = f", it cannot keep more and {counted(self.lost, 'object')} were LOST" if self._overflowed else ""
        return f"{waiting} in {self._backlog.folder}{lost}: {self._why}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Hands over what waits, also what an earlier process left, and at the end tries for a few seconds more."""
        await self.open()
        handing_over = asyncio.create_task(self.run(), name="spool")
        try:
            yield self
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LAST_TRY), self._changing:  # a removal that has begun is finished
                    handing_over.cancel()
            handing_over.cancel()
            await asyncio.gather(handing_over, return_exceptions=True)
            await self.close()

    async def open(self) -> None:
        """Take over what an earlier process left. Never raises: the daemon runs without a spool too."""
        try:
            await self._backlog.load()
        except JobError as error:
            self._log.warning("spool not read", spool=str(self._backlog.folder), why=str(error))
        if self._backlog:
            self._why = "an earlier process left them"
            self._log.warning("spool taken over", objects=len(self._backlog), why=self.problem)
            self._filled.set()

    async def create(self, path: str, data: bytes) -> Stored:
        """Write one object to the store; a record or sample that it does not take now, to the folder.

        While some wait the next ones wait behind them. Raises as the store does; Transient for one that is lost.
        """
        if not path.startswith(_KEPT):
            return await self._store.create(path, data)
        if not self._backlog:
            try:
                async with asyncio.timeout(self._patience):
                    return await self._store.create(path, data)
            except (Conflict, Refused):
                raise
            except TimeoutError:
                self._note(f"the store took nothing within {self._patience:g} s")
            except JobError as error:
                self._note(str(error))
        return await self._keep(path, data)

    async def read(self, path: str) -> bytes:
        """From the store; what waits is not there yet."""
        return await self._store.read(path)

    async def fetch(self, path: str) -> Fetched:
        """From the store."""
        return await self._store.fetch(path)

    def names(self, prefix: str, *, reverse: bool = False) -> AsyncIterator[str]:
        """Of the store."""
        return self._store.names(prefix, reverse=reverse)

    async def folders(self, folder: str) -> list[str]:
        """Of the store."""
        return await self._store.folders(folder)

    def staging(self) -> AbstractAsyncContextManager[Staging]:
        """Of the store: a backup does not wait."""
        return self._store.staging()

    def url(self, path: str) -> str:
        """Where it is, or will be."""
        return self._store.url(path)

    async def run(self) -> None:
        """Hand over what waits, until cancelled."""
        while True:
            await self._filled.wait()
            self._filled.clear()
            handed_over, pause = 0, self._pause
            while waiting := self._backlog.first():
                if await self._hand_over(waiting):
                    handed_over, pause = handed_over + 1, self._pause
                else:
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, _LONGEST_PAUSE)
            if handed_over:
                self._told, self._overflowed = "", False
                self._log.info("spool handed over", objects=handed_over, store=self.url(""), lost=self.lost)

    async def close(self) -> None:
        """Try once more, for a few seconds, and say what stays behind."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_TRY):
                while (waiting := self._backlog.first()) and await self._hand_over(waiting):
                    pass
        if self._backlog:
            self._log.warning("spool left behind", objects=len(self._backlog), why=self.problem)

    async def _keep(self, path: str, data: bytes) -> Stored:
        try:
            async with self._changing:
                reach("spool-append-before")
                await self._backlog.append(path, data)
                reach("spool-append-after")
        except JobError as error:
            self.lost += 1
            if not self._overflowed:
                self._log.error("spool overflowed", lost=path, why=str(error), store=self._why)
            self._overflowed = True
            raise Transient(f"{path} is LOST: {error}; and the store: {self._why}") from error
        self._filled.set()
        return encode("", data).stored

    async def _hand_over(self, waiting: Waiting) -> bool:
        """True when it waits no longer: the store has it, or will never take it."""
        try:
            reach("spool-hand-over-before")
            if why := await self._offer(waiting):
                self.lost += 1
                self._log.error("spooled object lost", lost=waiting.path, why=why)
            reach("spool-hand-over-after")
            async with self._changing:
                await self._backlog.remove_first()
        except Exception as error:  # noqa: BLE001 - what waits must not wait for ever because of one surprise
            self._note(str(error) if isinstance(error, JobError) else repr(error))
            return False
        return True

    async def _offer(self, waiting: Waiting) -> str:
        """Why the store will never take it; empty once it is there. Raises JobError where it may take it later."""
        try:
            data = await self._backlog.read(waiting)
        except (Missing, Unreadable) as error:
            return str(error)
        try:
            await self._store.create(waiting.path, data)
        except Refused as error:
            return str(error)
        except Conflict as error:
            # A reply that was lost, or the same file left by two processes.
            return "" if await self._store.read(waiting.path) == data else str(error)
        return ""

    def _note(self, why: str) -> None:
        """Why the store does not take what waits; the log is told of each cause, no more than once a minute."""
        self._why = why
        now = time.monotonic()
        if why != self._told and now - self._told_at >= _BETWEEN_LINES:
            self._told, self._told_at = why, now
            self._log.warning("records kept aside", why=why, spool=str(self._backlog.folder))
