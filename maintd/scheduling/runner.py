"""Owns every task that runs a job: start, deadline, end, drain; and one record a ring."""

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack
from datetime import datetime
from typing import Any, TypeVar

from maintd.config.jobs import Job
from maintd.core.failpoints import reach
from maintd.core.kind import Context
from maintd.core.outcome import Run, Status, new_run_id
from maintd.core.ports import Log
from maintd.scheduling.admission import Admission
from maintd.scheduling.attempt import Attempt, Verdict
from maintd.scheduling.claims import Claims, Leadership
from maintd.scheduling.entry import Claim, JobState
from maintd.scheduling.obstacle import Obstacle
from maintd.scheduling.orphans import Orphans
from maintd.scheduling.pending import Due
from maintd.scheduling.records import Records, Sink
from maintd.scheduling.ring import Mode, Ring
from maintd.scheduling.state import State
from maintd.scheduling.turns import Crowd

R = TypeVar("R", bound=Run | None)


class Runner:
    """Of one process."""

    def __init__(
        self,
        open_context: Callable[[Ring, JobState], AbstractAsyncContextManager[Context]],
        state: State,
        sink: Sink,
        log: Log,
        *,
        clock: Callable[[], datetime],
        leadership: Leadership,
        recall: Callable[[str], Awaitable[Run]],
        max_running: int = 8,
    ) -> None:
        """`recall` reads the record that a run has already, as History.read does."""
        self._open_context = open_context
        self._state = state
        self._sink = sink
        self._clock = clock
        crowd = Crowd()
        self._records = Records(state, sink, crowd)
        self._rings: dict[str, Ring] = {}
        self._identity = leadership.identity
        self.orphans = Orphans(state, self._records, clock, recall, self._abandoned)
        self.claims = Claims(state, leadership, clock=clock, settle=self.orphans.settle)
        self._admission = Admission(state, self.claims, crowd, log, clock=clock, size=max_running)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._attempts: dict[str, tuple[Ring, Attempt]] = {}
        Run.model_rebuild()  # now, and not while a thousand runs wait for their first record

    def running(self) -> dict[str, str]:
        """Job → run id of what is under way or waits for its turn."""
        return {name: ring.run_id for name, ring in self._admission.busy.items()}

    def claiming(self) -> bool:
        """Whether something is under way, or waits for its turn, whose start is written down."""
        return any(ring.claims for ring in self._admission.busy.values())

    def latest(self, name: str) -> datetime | None:
        """The last due instant of that job which is in hand here and has not ended."""
        dues = (ring.due for ring in self._rings.values() if ring.job.name == name and ring.due)
        return max(dues, default=None)

    def under_way(self) -> list[Ring]:
        """What has started and not ended."""
        return [ring for ring, _ in self._attempts.values()]

    def resize(self, max_running: int) -> None:
        """Take a new `max_running`; what runs already runs on and is not counted again."""
        self._admission.resize(max_running)

    def ring(self, job: Job, due: Due) -> None:
        """A job is due; of the due instants that the ring stands for all but the last are missed."""
        if due.before:
            before = f"before {due.at:%Y-%m-%d %H:%M:%S} UTC passed and could not be rung"
            self.missed(job, due.before, due.folded - 1, f"{due.said(due.folded - 1)} {before}")
        self._keep(self._one, self._made(job, job.mode, due=due.at))

    def rerun(self, job: Job, claim: Claim) -> None:
        """Start a run again that was cut off, if its kind allows that and it is not too late."""
        if claim.due is None or claim.rerun_of or not job.kind.idempotent:
            return
        ring = self._made(job, job.mode, due=claim.due, rerun_of=claim.run_id)
        if ring.latest and self._clock() <= ring.latest:
            self._keep(self._one, ring)

    def missed(self, job: Job, due: datetime, count: int, why: str) -> None:
        """So many due instants, the last of them `due` or before it, were never started: one record of that."""

        async def keep(ring: Ring) -> Run:
            return await self._records.keep(ring, ring.unstarted(self._clock(), Status.MISSED, why, count=count))

        self._keep(keep, self._made(job, job.mode, due=due))

    async def run_now(self, job: Job, mode: Mode, *, actor: str, reason: str) -> Run:
        """Run a job because somebody asked; returns its record."""
        run = await self._keep(self._one, self._made(job, mode, trigger="manual", actor=actor, reason=reason))
        if run is None:
            raise RuntimeError("a run by hand ended without a record")
        return run

    async def drain(self, grace: float) -> None:
        """Start nothing more, wait `grace` seconds for what runs, then cancel it and wait for its record."""
        self._admission.waits.end()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        self.interrupt()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def dismiss(self, *, all_of_it: bool) -> None:
        """The reign is over: stop what was claimed in it, or all, and wait for the records."""
        if all_of_it:
            self._admission.waits.cut()
        stopped = [attempt for ring, attempt in self._attempts.values() if all_of_it or ring.claims]
        for attempt in stopped:
            attempt.interrupt("another maintd may lead by now, and this one may change nothing any more")
        if stopped:
            await asyncio.wait([attempt.over for attempt in stopped])

    def interrupt(self, run_id: str = "", why: str = "") -> None:
        """Stop that run, or all that run now; each of them ends in a record."""
        for ring, attempt in self._attempts.values():
            if run_id in ("", ring.run_id):
                attempt.interrupt(why)

    def _made(self, job: Job, mode: Mode, **more: Any) -> Ring:
        now = self._clock()
        return Ring(job, new_run_id(job.name, now, secrets.token_hex(3)), now, mode, **more)

    def _keep(self, work: Callable[[Ring], Coroutine[Any, Any, R]], ring: Ring) -> asyncio.Task[R]:
        """From now to the end of its record the ring is in hand."""
        task = asyncio.create_task(work(ring))
        self._tasks.add(task)
        self._rings[ring.run_id] = ring
        task.add_done_callback(lambda task: self._ended(task, ring))
        return task

    def _ended(self, task: asyncio.Task[Any], ring: Ring) -> None:
        self._tasks.discard(task)
        del self._rings[ring.run_id]

    def _abandoned(self, claim: Claim) -> bool:
        """A claim of our own that is not in hand: a write that was given up, and was done all the same."""
        return claim.holder == self._identity and claim.run_id not in self._rings

    async def _one(self, ring: Ring) -> Run | None:
        try:
            admitted = await self._admission.enter(ring)
        except Exception as error:  # noqa: BLE001 - whatever it was, this ring has its record and the next one comes
            admitted = _defect(error)
        match admitted:
            case None:
                return None
            case Obstacle():
                return await self._records.keep(ring, ring.kept_back(self._clock(), admitted))
            case _:
                return await self._started(admitted)

    async def _started(self, ring: Ring) -> Run:
        name, started = ring.job.name, self._clock()
        with ExitStack() as busy:  # whatever is raised here, a job that stayed busy would never run again
            busy.callback(self._admission.leave, name)
            try:
                self._sink.started(ring)
                verdict = await self._work(ring)
                reach("run-ended")
            finally:
                self._admission.give(ring)
            if verdict.left_behind is not None:  # it did not stop when told to, and is busy until it really ends
                busy.pop_all()
                busy.callback(verdict.left_behind.add_done_callback, lambda _: self._admission.leave(name))
            if not ring.claims:  # else the next of this job would be written down beside a claim that is still open
                busy.close()
            ended = self._clock()
            await self._records.way()  # to make a record costs a third of a start
            return await self._records.keep(ring, ring.finished(started, ended, verdict), verdict.memory)

    async def _work(self, ring: Ring) -> Verdict:
        state = self._state.of(ring.job.name)
        attempt = Attempt(ring.job, lambda: self._open_context(ring, state))
        self._attempts[ring.run_id] = ring, attempt
        try:
            return await attempt.verdict()
        finally:
            del self._attempts[ring.run_id]


def _defect(error: Exception) -> Obstacle:
    said = f"a defect of maintd: {error!r}; report it"
    return Obstacle(said, status=Status.CRASHED, error=said, traceback="".join(traceback.format_exception(error)))
