"""Rings each job when it is due: the one place that knows APScheduler, which says when and nothing else.

It runs none of our work: it wakes us for a job, `Pending` says which instants fell due, and we ring. So nothing is
dropped for being late, for being many, or for being under way, and there is nothing that a shutdown could cancel.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.executors.base import BaseExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.schedulers.base import STATE_RUNNING
from apscheduler.triggers.base import BaseTrigger

from maintd.config.jobs import Schedule
from maintd.core.ports import Log
from maintd.scheduling.pending import Due, Pending

LONGEST_WAIT = timedelta(seconds=30)
"""Timers count the monotonic clock: after a suspend or a clock step this is how late a ring can be."""
AFTER_FAILURE = timedelta(seconds=1)
SMALL_STEP = timedelta(hours=3)
"""A clock set back by no more than this makes nothing due again; more is a correction, as in Debian's cron(8)."""


class Alarm:
    """Calls `ring(due)` in the loop's thread for what falls due; `set`, `start`, then `stop`, once.

    Each due instant of a job is rung once, unless the clock is set back by more than SMALL_STEP: then what is due again
    is rung again, and whoever must not do it twice looks into the claims.
    """

    def __init__(self, ring: Callable[[Due], object], *, log: Log) -> None:
        self._ring = ring
        self._log = log
        self._jobs: dict[str, Pending] = {}
        self._rings: deque[Due] = deque()
        self._scheduler = _Scheduler(self._looked, self._failed)
        self._looked_at = 0.0
        self.last_wakeup: datetime | None = None
        """When due jobs were last looked for, successfully."""

    def set(self, schedules: Mapping[str, Schedule]) -> None:
        """Ring by these schedules from now on. A job whose schedule is equal keeps its due time.

        What had fallen due under a schedule that goes is rung first.
        """
        now = _now()
        changed = [pending for name, pending in self._jobs.items() if schedules.get(name) != pending.schedule]
        taken = {pending.job: self._remove(pending, now) for pending in changed}
        for name, schedule in schedules.items():
            if name not in self._jobs:
                self._add(Pending(name, schedule, max(now, taken.get(name, now)), self._log))
        self._ring_all()

    def start(self) -> None:
        """Begin to ring, in the running loop: first what fell due since `set`."""
        self._looked_at = asyncio.get_running_loop().time()
        self._scheduler.start()
        for pending in self._jobs.values():
            self._schedule(pending)

    def stop(self) -> None:
        """Ring no more, from this moment on."""
        if self._scheduler.running:
            self._scheduler.pause()  # at once, where shutdown waits for the next turn of the loop
            self._scheduler.shutdown(wait=False)

    def next_due(self, name: str) -> datetime | None:
        """The next instant that the job will be rung for, UTC; None where it is unknown or there is none."""
        pending = self._jobs.get(name)
        return pending.due if pending else None

    def overdue(self) -> timedelta:
        """How long the oldest due instant has waited for its ring; zero while all is well.

        Never longer than the monotonic time since the last look, so that a clock step is no alarm.
        """
        oldest = min((pending.due for pending in self._jobs.values() if pending.due), default=None)
        if oldest is None or self._scheduler.state != STATE_RUNNING:
            return timedelta(0)
        unattended = timedelta(seconds=asyncio.get_running_loop().time() - self._looked_at)
        return max(timedelta(0), min(_now() - oldest, unattended))

    def _add(self, pending: Pending) -> None:
        self._jobs[pending.job] = pending
        if self._scheduler.running:
            self._schedule(pending)

    def _schedule(self, pending: Pending) -> None:
        wake = pending.due or pending.wake(_now())
        if wake is not None:
            self._scheduler.add_job(
                partial(self._fall_due, pending),
                _Trigger(pending),
                id=pending.job,
                name=pending.job,
                next_run_time=wake,
            )

    def _remove(self, pending: Pending, now: datetime) -> datetime:
        self._fall_due(pending, now)
        del self._jobs[pending.job]
        if self._scheduler.get_job(pending.job):
            self._scheduler.remove_job(pending.job)
        return pending.since

    def _fall_due(self, pending: Pending, now: datetime | None = None) -> None:
        due = pending.take(now or _now())
        if due is not None:
            self._rings.append(due)

    def _looked(self) -> None:
        now = _now()
        if self.last_wakeup and now < self.last_wakeup:
            self._set_back(now, self.last_wakeup - now)
        self.last_wakeup = now
        self._looked_at = asyncio.get_running_loop().time()
        self._ring_all()

    def _set_back(self, now: datetime, step: timedelta) -> None:
        """Silence until the old time is reached again could last a day, or years after a bad one."""
        again = step > SMALL_STEP
        self._log.warning("clock set back", seconds=step.total_seconds(), due_again=again)
        for pending in self._jobs.values() if again else ():
            if self._scheduler.get_job(pending.job):
                self._scheduler.remove_job(pending.job)
            pending.restart(now)
            self._schedule(pending)

    def _failed(self) -> None:
        """APScheduler raised half-way through its jobs: look through all of them ourselves."""
        self._log.error("wake-up failed", retry_seconds=AFTER_FAILURE.total_seconds(), exc_info=True)
        for pending in self._jobs.values():
            self._fall_due(pending)
        self._ring_all()

    def _ring_all(self) -> None:
        while self._rings and self._scheduler.state == STATE_RUNNING:
            due = self._rings.popleft()
            try:
                self._ring(due)
            except Exception:  # noqa: BLE001 - one ring that fails must not silence the others
                self._log.error("ring failed", job=due.job, due=due.at, exc_info=True)


def _now() -> datetime:
    return datetime.now(UTC)


class _Trigger(BaseTrigger):  # type: ignore[misc] # apscheduler has no types
    """A schedule as APScheduler asks for it."""

    def __init__(self, pending: Pending) -> None:
        self._pending = pending

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:  # noqa: ARG002
        return self._pending.wake(now)


class _Executor(BaseExecutor):  # type: ignore[misc] # apscheduler has no types
    """Calls the job's function there and then: no threads, no tasks, no count of instances, no grace time."""

    def submit_job(self, job: Any, run_times: list[datetime]) -> None:
        self._do_submit_job(job, run_times)

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:  # noqa: ARG002
        job.func()


class _Scheduler(AsyncIOScheduler):  # type: ignore[misc] # apscheduler has no types
    """Wakes up again whatever happened, and never sleeps long."""

    def __init__(self, looked: Callable[[], None], failed: Callable[[], None]) -> None:
        super().__init__(timezone=UTC, executors={"default": _Executor()}, job_defaults={"misfire_grace_time": None})
        self._looked = looked
        self._failed = failed

    def wakeup(self) -> None:
        self._eventloop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        if self.state != STATE_RUNNING:
            return
        self._stop_timer()
        wait: float | None = AFTER_FAILURE.total_seconds()
        try:
            wait = self._process_jobs()
        except Exception:  # noqa: BLE001 - whatever it was, the next wake-up must come
            self._failed()
            return
        finally:
            longest = LONGEST_WAIT.total_seconds()
            self._start_timer(longest if wait is None else min(wait, longest))
        self._looked()
