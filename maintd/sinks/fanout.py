"""Every record to every sink: one that fails or hangs hides neither the record from the others nor itself."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, Protocol

from maintd.config.jobs import Job
from maintd.core.errors import MaintdError
from maintd.core.outcome import Run
from maintd.core.ports import Log
from maintd.core.units import format_duration


class Start(Protocol):
    """A run that starts now."""

    @property
    def run_id(self) -> str: ...
    @property
    def job(self) -> Job: ...
    @property
    def mode(self) -> Literal["act", "dry-run", "run"]: ...
    @property
    def due(self) -> datetime | None: ...


class Sink(Protocol):
    """One place where records go."""

    name: str

    def started(self, start: Start) -> None:
        """Take note of a run that starts."""
        ...

    async def emit(self, run: Run) -> None:
        """Take the record; raise when that is not possible."""
        ...


class Fanout:
    """Hands each record to all sinks at once."""

    def __init__(
        self,
        sinks: Sequence[Sink],
        log: Log,
        *,
        on_failure: Callable[[str], None] = lambda _: None,
        deadline: timedelta = timedelta(seconds=40),
    ) -> None:
        """`on_failure` is told the name of a sink that did not take a record."""
        self._sinks = sinks
        self._log = log
        self._on_failure = on_failure
        self._deadline = deadline
        self._left_behind: set[asyncio.Task[None]] = set()
        self.failing: dict[str, str] = {}
        """Sink → why, for those that did not take the last record."""

    def started(self, start: Start) -> None:
        """Tell every sink of a run that starts; never raises."""
        for sink in self._sinks:
            try:
                sink.started(start)
            except Exception as error:  # noqa: BLE001 - a run starts, whatever becomes of the word of it
                self._log.error("start not noted", sink=sink.name, why=repr(error), run_id=start.run_id)

    async def emit(self, run: Run) -> Mapping[str, str]:
        """Hand over the record of a run that ended; what did not take it, and why. Never raises."""
        tasks = {
            sink.name: asyncio.create_task(sink.emit(run), name=f"{sink.name} {run.run_id}") for sink in self._sinks
        }
        if tasks:
            await asyncio.wait(tasks.values(), timeout=self._deadline.total_seconds())
        self.failing = {name: why for name, task in tasks.items() if (why := self._failure(task))}
        for name, why in self.failing.items():
            self._log.error("record not kept", sink=name, why=why, job=run.job, kind=run.kind, run_id=run.run_id)
            self._on_failure(name)
        return self.failing

    def _failure(self, task: asyncio.Task[None]) -> str:
        if not task.done():
            # Cancelled but not awaited: what does not answer may not answer to that either.
            self._left_behind.add(task)
            task.add_done_callback(self._forget)
            task.cancel()
            return f"did not answer within {format_duration(self._deadline)}"
        if task.cancelled():
            return "was cancelled"
        error = task.exception()
        return str(error) if isinstance(error, MaintdError) else repr(error) if error else ""

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._left_behind.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that nobody is told of it twice
