"""Who may run now: overlap, the queue of one, `max_running`, lateness, drain; and one record a ring."""

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from maintd.config.jobs import Job
from maintd.core.kind import Context
from maintd.core.outcome import Run, Status, new_run_id
from maintd.core.text import counted
from maintd.core.units import format_duration
from maintd.scheduling.attempt import Attempt, Verdict
from maintd.scheduling.hold import Hold, holding
from maintd.scheduling.ring import Mode, Ring
from maintd.scheduling.state import JobState, LastRun, State
from maintd.scheduling.turns import Turns

GIVE_WAY_SECONDS = 5.0
"""How long a record may wait while other runs wait to start."""

Memory = dict[str, Any] | None
"""What a job remembers from a run; None where that is what it remembered before."""
Ended = Callable[[], tuple[Run, Memory]]
"""How a ring ended, ready to be made into a record once nobody waits to start."""


class Sink(Protocol):
    """Where records go. `emit` never raises; it returns what could not take the record, and why."""

    def started(self, ring: Ring) -> None: ...

    async def emit(self, run: Run) -> Mapping[str, str]: ...


@dataclass(slots=True)
class _Place:
    """A ring that waits for the run before it of the same job."""

    ring: Ring
    turn: asyncio.Future[None]


class Runner:
    """Owns every task that runs a job."""

    def __init__(
        self,
        open_context: Callable[[Ring, JobState], AbstractAsyncContextManager[Context]],
        state: State,
        sink: Sink,
        *,
        clock: Callable[[], datetime],
        max_running: int = 8,
    ) -> None:
        self._open_context = open_context
        self._state = state
        self._sink = sink
        self._clock = clock
        self._turns = Turns(max_running)
        self._busy: dict[str, Ring] = {}
        self._queued: dict[str, _Place] = {}
        self._tasks: set[asyncio.Task[Run]] = set()
        self._waits: set[asyncio.Future[None]] = set()
        self._attempts: set[Attempt] = set()
        self._draining = False
        self._crowd = 0
        """How many wait for a turn under `max_running`."""
        self._calm = asyncio.Event()
        self._calm.set()
        Run.model_rebuild()  # now, and not while a thousand runs wait for their first record

    def running(self) -> dict[str, str]:
        """Job → run id of what is under way or waits for its turn."""
        return {name: ring.run_id for name, ring in self._busy.items()}

    def resize(self, max_running: int) -> None:
        """Take a new `max_running`; what runs already runs on and is not counted again."""
        self._turns = Turns(max_running)

    def ring(self, job: Job, due: datetime, folded: int = 1) -> None:
        """A job is due. `folded` counts the due instants this ring stands for: all but the last are missed."""
        if folded > 1:
            passed = f"{counted(folded - 1, 'due instant')} before {due:%H:%M:%S} UTC passed and could not be rung"
            unrung = self._made(job, job.mode, due=due)
            self._keep(self._recorded(unrung, unrung.unstarted(self._clock(), Status.MISSED, passed, count=folded - 1)))
        self._keep(self._one(self._made(job, job.mode, due=due)))

    async def run_now(self, job: Job, mode: Mode, *, actor: str, reason: str) -> Run:
        """Run a job because somebody asked; returns its record."""
        return await self._keep(self._one(self._made(job, mode, trigger="manual", actor=actor, reason=reason)))

    async def drain(self, grace: float) -> None:
        """Start nothing more, wait `grace` seconds for what runs, then cancel it and wait for its record."""
        self._draining = True
        for wait in [*self._waits]:
            wait.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        self.interrupt()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def interrupt(self) -> None:
        """Stop what runs now; each of them ends in a record."""
        for attempt in self._attempts:
            attempt.interrupt()

    def _made(self, job: Job, mode: Mode, **more: Any) -> Ring:
        now = self._clock()
        return Ring(job, new_run_id(job.name, now, secrets.token_hex(3)), now, mode, **more)

    def _keep(self, work: Coroutine[Any, Any, Run]) -> asyncio.Task[Run]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _one(self, ring: Ring) -> Run:
        ended = await self._admitted(ring)
        with contextlib.suppress(TimeoutError):  # starts come before records, while many jobs are due at once
            async with asyncio.timeout(GIVE_WAY_SECONDS):
                await self._calm.wait()
        return await self._recorded(ring, *ended())

    async def _admitted(self, ring: Ring) -> Ended:
        """Wait for the run before it, then for a turn; what of that could not be had is the record."""
        name = ring.job.name
        if name in self._busy and (ring.job.overlap == "skip" or name in self._queued):
            return self._skipped(ring)
        if name in self._busy:
            place = self._queued[name] = _Place(ring, asyncio.get_running_loop().create_future())
            if not await self._waited(place.turn):
                return self._stopping(ring)
        self._busy[name] = ring
        turns = self._turns
        if not await self._took(turns):
            self._release(name)
            return self._stopping(ring)
        try:
            return await self._started(ring)
        finally:
            turns.give()

    async def _took(self, turns: Turns) -> bool:
        self._crowd += 1
        self._calm.clear()
        try:
            return await self._waited(turns.take())
        finally:
            self._crowd -= 1
            if not self._crowd:
                self._calm.set()

    async def _waited(self, wait: asyncio.Future[None]) -> bool:
        """False where the drain came first."""
        if not wait.done():
            self._waits.add(wait)
            await asyncio.wait({wait})
            self._waits.discard(wait)
        return not wait.cancelled()

    async def _started(self, ring: Ring) -> Ended:
        started = self._clock()
        late = started - ring.due if ring.due else timedelta(0)
        deadline = ring.job.start_deadline
        if self._draining or (deadline and late > deadline):
            self._release(ring.job.name)
            return self._stopping(ring) if self._draining else self._too_late(ring)
        hold = await holding(self._state, started) if ring.mode == "act" else None
        if hold:
            self._release(ring.job.name)
            return self._held(ring, hold)
        self._sink.started(ring)
        verdict = await self._work(ring)
        self._release_after(ring.job.name, verdict)
        ended = self._clock()
        return lambda: (ring.finished(started, ended, verdict), verdict.memory)

    async def _work(self, ring: Ring) -> Verdict:
        state = self._state.of(ring.job.name)
        attempt = Attempt(ring.job, lambda: self._open_context(ring, state))
        self._attempts.add(attempt)
        try:
            return await attempt.verdict()
        finally:
            self._attempts.discard(attempt)

    def _skipped(self, ring: Ring) -> Ended:
        place = self._queued.get(ring.job.name)
        other = place.ring.run_id if place else self._busy[ring.job.name].run_id
        summary = f"{other} of the same job {'waits to run next' if place else 'is still running'}"
        return self._unstarted(ring, Status.SKIPPED, summary, in_the_way=other)

    def _held(self, ring: Ring, hold: Hold) -> Ended:
        summary = (
            f"a restore is under way, and nothing may act meanwhile; at the latest until {hold.until:%H:%M:%S} UTC"
        )
        return self._unstarted(ring, Status.SKIPPED, summary, in_the_way=hold.by)

    def _stopping(self, ring: Ring) -> Ended:
        return self._unstarted(ring, Status.MISSED, "maintd was stopping before its turn came")

    def _too_late(self, ring: Ring) -> Ended:
        limit = format_duration(ring.job.start_deadline or timedelta(0))
        summary = f"could not start within its start_deadline of {limit}"
        return self._unstarted(ring, Status.MISSED, summary)

    def _unstarted(self, ring: Ring, status: Status, summary: str, **more: Any) -> Ended:
        at = self._clock()
        return lambda: (ring.unstarted(at, status, summary, **more), None)

    async def _recorded(self, ring: Ring, run: Run, memory: Memory = None) -> Run:
        if ring.job.remembers:
            last = LastRun.of(run)
            self._state.note(run.job, lambda entry: entry.listing(last) if ring.aside else entry.after(last, memory))
        await self._sink.emit(run)
        if ring.mode == "act":
            await self._state.flush()
        return run

    def _release_after(self, name: str, verdict: Verdict) -> None:
        if verdict.left_behind is None:
            self._release(name)
        else:  # it did not stop when told to: the job stays busy until it really ends
            verdict.left_behind.add_done_callback(lambda _: self._release(name))

    def _release(self, name: str) -> None:
        """Hand the job over to the ring that waits for it, or free it."""
        place = self._queued.pop(name, None)
        if place is None or place.turn.done():
            del self._busy[name]
        else:
            self._busy[name] = place.ring
            place.turn.set_result(None)
