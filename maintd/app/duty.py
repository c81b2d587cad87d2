"""What the leader does: it rings the jobs, makes up for what was missed, and gives the dead their records."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

from maintd.app.contexts import now
from maintd.app.house import House
from maintd.config.jobs import Job
from maintd.core.errors import JobError, NotLeading
from maintd.core.guard import Guard
from maintd.core.ports import Log
from maintd.scheduling.alarm import Alarm
from maintd.scheduling.catchup import catch_up
from maintd.scheduling.claims import begin
from maintd.scheduling.entry import Entries
from maintd.scheduling.pending import Due
from maintd.scheduling.roll import roll_call
from maintd.telemetry.complaints import Complaints

_NO_TIME = timedelta(0)
_RETRY_SECONDS = 2.0


class Duty:
    """Of one `serve`. `lead` is the work of one reign, for the elector.

    `alone`: no other replica is meant to be there. Then what only observes is rung also while nobody can be elected:
    that the API server is away is no reason to stop measuring.
    """

    def __init__(self, house: House, stop: asyncio.Event, log: Log, *, alone: bool) -> None:
        self._house = house
        self._leadership = house.leadership
        self._stop = stop
        self._log = log
        self._complaints = Complaints(log)
        self._alone = alone
        self._jobs: dict[str, Job] = {}
        self._alarm: Alarm | None = None
        self._rung_since = now()
        self._drained_by: float | None = None
        self.others_lead: Callable[[], bool] = lambda: False
        """Whether another process is known to lead."""
        self.chores: Callable[[], Coroutine[Any, Any, None]] | None = None
        """What else only the leader does, until cancelled."""

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs as they are now, by name."""
        return self._jobs

    @property
    def last_wakeup(self) -> datetime | None:
        """When due jobs were last looked for; None where that is another's duty."""
        return self._alarm.last_wakeup if self._alarm else None

    def overdue(self) -> timedelta:
        """How long the oldest due instant has waited for its ring."""
        return self._alarm.overdue() if self._alarm else _NO_TIME

    def next_due(self, name: str) -> datetime | None:
        """When the job rings next, here or wherever the leader is."""
        if self._alarm:
            return self._alarm.next_due(name)
        job = self._jobs.get(name)
        return job.schedule.after(now()) if job and job.schedule and job.enabled else None

    def take(self, jobs: dict[str, Job]) -> None:
        """Use these jobs. An unchanged job keeps its due time; what runs already runs on as it was."""
        if self._alarm:  # first it rings what had fallen due under a schedule that goes: that job must still be there
            self._alarm.set(_schedules(jobs))
        self._jobs = jobs
        if self._leadership.reign:
            self._house.state.later(roll_call(jobs.values(), now()))

    def begin_to_ring(self) -> None:
        """Ring what falls due from now on, unless that is done already."""
        if self._alarm is None:
            self._rung_since = now()
            self._alarm = Alarm(self._ring, log=self._log)
            self._alarm.set(_schedules(self._jobs))
            self._alarm.start()

    async def lead(self, reign: Guard) -> None:
        """One reign, until `stop`; then what runs is drained. Cancelled when the reign is lost."""
        self._leadership.begin(reign)
        chores = [asyncio.create_task(self.chores(), name="chores")] if self.chores else []
        try:
            self.begin_to_ring()
            await self._until_stopped(self._enthroned(reign))
            await self.drain()
        except BaseException:
            await self._step_down()
            raise
        finally:
            for chore in chores:
                chore.cancel()
            self._leadership.end()

    async def drain(self) -> None:
        """Ring no more, let what runs come to its end, and write down what is known. Nothing new the second time."""
        self._silence()
        clock = asyncio.get_running_loop().time
        if self._drained_by is None:
            grace = self._house.settings.grace.total_seconds()
            self._drained_by = clock() + grace
            self._log.info("daemon stopping", running=sorted(self._house.runner.running()), grace_seconds=grace)
        await self._house.runner.drain(max(0.0, self._drained_by - clock()))
        await self._house.state.close()  # while what is written is still ours to write

    async def _step_down(self) -> None:
        self._leadership.end()
        if not self._alone:
            self._silence()
        await self._house.runner.dismiss(all_of_it=not self._alone)
        if not self._alone:
            self._house.state.forget()

    def _silence(self) -> None:
        if self._alarm:
            self._alarm.stop()
            self._alarm = None

    async def _until_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        """`work` goes on beside us and ends with us; what it raises is raised."""
        working, stopping = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
            await stopping
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    async def _enthroned(self, reign: Guard) -> None:
        """Take over from the reign before. Tried until it works: without it nothing that acts or protects starts."""
        while True:
            try:
                before = await self._fenced(reign)
                break
            except NotLeading:
                raise
            except JobError as error:
                self._complaints.say("state not taken over", str(error), retry_seconds=_RETRY_SECONDS)
                await asyncio.sleep(_RETRY_SECONDS)
        self._leadership.crown()
        state, runner = self._house.state, self._house.runner
        await catch_up(runner, list(self._jobs.values()), before, self._rung_since, self._log)
        for name, claim in runner.orphans.found():
            await runner.orphans.settle(name, claim)
            job = self._jobs.get(name)
            if job is not None:
                runner.rerun(job, claim)
        await state.flush()  # what was missed is missed once, also if we die within the minute
        self._log.info("state taken over", epoch=reign.epoch, jobs=len(state.entries))

    async def _fenced(self, reign: Guard) -> Entries:
        """The entries as the reign before left them, once no earlier reign can claim any more."""
        found: Entries = {}

        def change(entries: Entries) -> None:
            begin(entries, reign.epoch)
            roll_call(self._jobs.values(), now())(entries)
            found.clear()
            found.update(entries)

        await self._house.state.change(change)
        return found

    def _leads(self) -> bool:
        """A process that stood still may ring before it has noticed that its reign ran out meanwhile."""
        try:
            self._leadership.seconds_left()
        except NotLeading:
            return False
        return True

    def _ring(self, due: Due) -> None:
        if not self._leads() and (self.others_lead() or not self._alone):
            self._silence()  # whoever leads next finds what fell due from here on
            return
        self._house.runner.ring(self._jobs[due.job], due)


def _schedules(jobs: dict[str, Job]) -> dict[str, Any]:
    return {name: job.schedule for name, job in jobs.items() if job.schedule and job.enabled}
