"""One run of a kind, from the first call to a verdict: its deadline, its retries, and what each ending means."""

import asyncio
import json
import random
import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

from maintd.config.jobs import Job
from maintd.core.errors import JobError, NotLeading, Refused, Transient
from maintd.core.kind import Context
from maintd.core.outcome import Change, Outcome, Status
from maintd.core.units import format_duration

LINGER_SECONDS = 10.0
"""How long a kind that was told to stop may take to do so before it is left behind."""
LARGEST_MEMORY = 8_192


@dataclass(slots=True)
class Verdict:
    """How the work ended."""

    status: Status
    outcome: Outcome
    error: str = ""
    traceback: str = ""
    attempts: int = 1
    memory: dict[str, Any] | None = None
    """What to remember; None where the kind never got so far or remembers too much."""
    left_behind: asyncio.Task[Outcome] | None = field(default=None, repr=False)
    """A task that did not stop when it was cancelled; its job stays busy until it does."""


class _OverrunError(Exception):
    """The deadline of the run has passed."""


class Attempt:
    """Runs `job` once, with retries, inside its deadline; `open_context` hands out what the run may touch."""

    def __init__(self, job: Job, open_context: Callable[[], AbstractAsyncContextManager[Context]]) -> None:
        self._job = job
        self._open = open_context
        self._attempts = 0
        self._memory: dict[str, Any] | None = None
        self._changes: tuple[Change, ...] = ()
        self._left_behind: asyncio.Task[Outcome] | None = None
        self._why = ""
        self._interrupted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when there is a verdict."""

    def interrupt(self, why: str = "") -> None:
        """Stop the run from outside; `verdict` returns once it has stopped."""
        if not self._interrupted.done():
            self._why = why
            self._interrupted.set_result(None)

    async def verdict(self) -> Verdict:
        """Never raises, not even when cancelled: a cancelled run is `interrupted`, and that is its verdict."""
        try:
            outcome = await self._until_done()
            status, error, trace = outcome.judged(), "", ""
        except BaseException as raised:  # noqa: BLE001 - whatever a kind raises ends in a record, SystemExit too
            status, error = _meaning(raised, self._job, self._why)
            trace = "".join(traceback.format_exception(raised)) if status is Status.CRASHED else ""
            outcome = Outcome(error, changes=self._changes)
        finally:
            if not self.over.done():
                self.over.set_result(None)
        return Verdict(
            status, outcome, error, trace, self._attempts, memory=self._remembered(), left_behind=self._left_behind
        )

    async def _until_done(self) -> Outcome:
        deadline = asyncio.get_running_loop().time() + self._job.timeout.total_seconds()
        while True:
            self._attempts += 1
            try:
                return await self._within(deadline)
            except Transient as error:
                pause = self._pause(error)
                if self._attempts >= self._job.retry.attempts:
                    raise
                if asyncio.get_running_loop().time() + pause >= deadline:
                    raise
                await asyncio.wait({self._interrupted}, timeout=pause)
                if self._interrupted.done():
                    raise asyncio.CancelledError from error

    async def _within(self, deadline: float) -> Outcome:
        task = asyncio.create_task(self._once(), name=f"run {self._job.name}")
        either: set[asyncio.Future[Any]] = {task, self._interrupted}
        left = deadline - asyncio.get_running_loop().time()
        try:
            await asyncio.wait(either, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise asyncio.CancelledError if self._interrupted.done() else _OverrunError
        except BaseException:
            await self._stop(task)
            raise
        try:
            return task.result()
        finally:
            del task, either  # an error of the task's would hold this frame, which holds the task

    async def _once(self) -> Outcome:
        async with self._open() as context:
            try:
                return await self._job.kind.run(context, self._job.params)
            except (SystemExit, KeyboardInterrupt) as error:  # out of a task these two would end the daemon
                raise RuntimeError(f"the kind raised {type(error).__name__}: {error}") from error
            finally:
                self._memory = dict(context.memory)
                self._changes = (*context.gate.changes, *context.eraser.changes)

    async def _stop(self, task: asyncio.Task[Outcome]) -> None:
        task.cancel()
        await asyncio.wait({task}, timeout=LINGER_SECONDS)
        if not task.done():
            self._left_behind = task

    def _pause(self, error: Transient) -> float:
        backoff = self._job.retry.backoff.total_seconds() * 2.0 ** (self._attempts - 1)
        asked = error.retry_after.total_seconds() if error.retry_after else 0.0
        return max(asked, backoff * random.uniform(0.8, 1.2))  # noqa: S311 - spreads load, guards nothing

    def _remembered(self) -> dict[str, Any] | None:
        try:
            size = len(json.dumps(self._memory))
        except (TypeError, ValueError, RecursionError):
            return None
        return self._memory if size <= LARGEST_MEMORY else None


def _meaning(error: BaseException, job: Job, why: str) -> tuple[Status, str]:
    match error:
        case _OverrunError():
            limit = format_duration(job.timeout)
            return (
                Status.TIMED_OUT,
                f"stopped at its deadline of {limit}; give the job a longer timeout if it needs one",
            )
        case asyncio.CancelledError():
            return Status.INTERRUPTED, f"stopped from outside before it was done{f': {why}' if why else ''}"
        case NotLeading():
            return Status.INTERRUPTED, str(error)
        case Refused():
            return Status.REFUSED, str(error)
        case JobError():
            return Status.FAILED, str(error)
        case _:
            return Status.CRASHED, f"a defect of maintd or of the kind {job.kind.name}: {type(error).__name__}: {error}"
