"""The known faults of APScheduler 3.11.3, each with its fence and the tests that fail when the fence is taken away.

1 to 5: CronTrigger loses, doubles and misreads. Fence: `Cron`.
    test_cron, test_clock_changes, test_a_midnight_job_rings_each_day_over_a_clock_change
6: an exception while jobs are looked through; the timer is never set again and `running` stays True. Fence: `_look`.
    test_a_store_that_raises_makes_nothing_later_than_a_second, test_a_schedule_that_raises_delays_its_own_job_…
7: what is a second late is dropped. Fence: `_Executor`; and `Pending` still has what was not taken.
    test_clocks_that_jump_at_random_double_nothing_and_delay_nothing_long
8: what falls due while an earlier run goes on is dropped. Fence: `_Executor`.
    test_a_ring_does_not_wait_for_the_run_before_it
9: shutdown takes effect a turn later, and cancels what runs. Fence: `stop`, and that rings are no jobs of its own.
    test_nothing_rings_once_the_alarm_has_stopped, test_what_a_ring_started_outlives_the_alarm
10: SystemExit and KeyboardInterrupt are swallowed. Fence: rings come after the look.
    test_a_ring_that_must_end_the_process_does
11: a job that is added again is computed from now. Fence: `set` leaves equal schedules alone.
    test_a_job_whose_schedule_is_equal_keeps_its_due_time, test_no_due_instant_is_lost_or_doubled_by_reloads_…
13: functions run in the loop's default executor, beside DNS. Fence: `_Executor`.
    test_a_job_rings_in_the_thread_of_the_loop_and_takes_no_other
15: timers count the monotonic clock. Fence: LONGEST_WAIT.
    test_after_a_suspend_what_passed_rings_within_thirty_seconds

12 (listeners) and 14 (an unknown executor's name) cannot be reached, since neither is used; 16 (nothing survives a
restart) is not the alarm's to mend: what ran is remembered in the state.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.jobstores.memory import MemoryJobStore

from maintd.scheduling.alarm import Alarm
from maintd.scheduling.cron import Cron
from maintd.scheduling.every import Every
from maintd.scheduling.pending import Due


@dataclass
class Faulty:
    """Every minute, but for the calls that raise."""

    bad_calls: range
    calls: list[datetime] = field(default_factory=list)

    def after(self, instant: datetime) -> datetime | None:
        self.calls.append(instant)
        if len(self.calls) in self.bad_calls:
            raise ZeroDivisionError("a third party's schedule")
        return Cron("* * * * *").after(instant)

    def words(self) -> str:
        return "Every minute"


def minutes(*numbers: int) -> list[datetime]:
    return [datetime(2026, 11, 23, 14, minute, tzinfo=UTC) for minute in numbers]


@pytest.mark.parametrize("bad_calls", [range(1, 3), range(2, 4), range(3, 4), range(1, 8)])
def test_a_schedule_that_raises_delays_its_own_job_and_no_other(world, bell, log, bad_calls):
    async def main() -> None:
        alarm = Alarm(bell, log=log)
        alarm.set({"bad": Faulty(bad_calls), "good": Cron("* * * * *")})
        alarm.start()
        await asyncio.sleep(600)

    world.run(main())

    assert bell.dues("good") == minutes(*range(44, 54))
    assert sum(folded for job, _, folded in bell.rung if job == "bad") == 10
    assert bell.dues("bad")[-1:] == minutes(53)
    assert log.events("error") == [("schedule failed", "bad")] * len(bad_calls)


def test_a_store_that_raises_makes_nothing_later_than_a_second(world, bell, log, monkeypatch):
    """Half-way through the due jobs, at every wake-up for two minutes."""
    update, failing = MemoryJobStore.update_job, range(60, 180)

    def update_job(self: MemoryJobStore, job: object) -> None:
        if int(world.monotonic) in failing:
            raise RuntimeError("no update")
        update(self, job)

    monkeypatch.setattr(MemoryJobStore, "update_job", update_job)

    async def main() -> None:
        alarm = Alarm(bell, log=log)
        alarm.set({name: Cron("* * * * *") for name in ("a", "b", "c")})
        alarm.start()
        await asyncio.sleep(300)

    world.run(main())

    assert sorted(bell.rung) == [(job, due, 1) for job in "abc" for due in minutes(44, 45, 46, 47, 48)]
    assert max(bell.late) < timedelta(seconds=1.1)
    assert ("wake-up failed", None) in log.events("error")


def test_a_clock_set_back_while_jobs_are_looked_through_loses_none(world, bell, log):
    class Stepping(Faulty):
        def after(self, instant: datetime) -> datetime | None:
            if instant == minutes(44)[0]:
                world.step(-10)
            return super().after(instant)

    async def main() -> None:
        alarm = Alarm(bell, log=log)
        alarm.set({"a": Stepping(range(0)), "b": Cron("* * * * *")})
        alarm.start()
        await asyncio.sleep(180)

    world.run(main())

    assert (bell.dues("a"), bell.dues("b")) == (minutes(44, 45), minutes(44, 45))


def test_a_ring_that_raises_silences_no_other(world, bell, log):
    def ring(due: Due) -> None:
        if due.job == "b":
            raise RuntimeError("cannot take it")
        bell(due)

    async def main() -> None:
        alarm = Alarm(ring, log=log)
        alarm.set({name: Cron("* * * * *") for name in ("a", "b", "c")})
        alarm.start()
        await asyncio.sleep(120)

    world.run(main())

    assert bell.rung == [(job, due, 1) for due in minutes(44, 45) for job in ("a", "c")]
    assert log.events("error") == [("ring failed", "b")] * 2


def test_a_logger_that_raises_stops_nothing(world, bell):
    class Broken:
        def __getattr__(self, level: str) -> object:
            raise OSError("stdout is gone")

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        alarm = Alarm(bell, log=Broken())
        alarm.set({"bad": Faulty(range(2, 9)), "good": Cron("* * * * *")})
        alarm.start()
        await asyncio.sleep(600)

    world.run(main())

    assert bell.dues("good") == minutes(*range(44, 54))


def test_a_ring_does_not_wait_for_the_run_before_it(world, log):
    started = []

    async def run(due: datetime) -> None:
        started.append(due)
        await asyncio.sleep(1000)

    async def main() -> None:
        tasks = []
        alarm = Alarm(lambda due: tasks.append(asyncio.create_task(run(due.at))), log=log)
        alarm.set({"slow": Cron("* * * * *")})
        alarm.start()
        await asyncio.sleep(240)

    world.run(main())

    assert started == minutes(44, 45, 46, 47)


def test_what_a_ring_started_outlives_the_alarm(world, log):
    async def main() -> list[str]:
        tasks = []
        alarm = Alarm(lambda _: tasks.append(asyncio.create_task(asyncio.sleep(100, "whole"))), log=log)
        alarm.set({"job": Every(timedelta(minutes=1), "job")})
        alarm.start()
        await asyncio.sleep(60)
        alarm.stop()
        return await asyncio.gather(*tasks)

    assert world.run(main()) == ["whole"]


@pytest.mark.parametrize("fatal", [SystemExit, KeyboardInterrupt])
def test_a_ring_that_must_end_the_process_does(world, log, fatal):
    def ring(*_: object) -> None:
        raise fatal

    async def main() -> None:
        alarm = Alarm(ring, log=log)
        alarm.set({"job": Cron("* * * * *")})
        alarm.start()
        await asyncio.sleep(120)

    with pytest.raises(fatal):
        world.run(main())


def test_the_host_zone_is_never_asked(world, bell, log, monkeypatch):
    """APScheduler reads /etc/localtime and TZ unless told, and raises where they are odd."""
    monkeypatch.setenv("TZ", "Mars/Olympus")
    monkeypatch.setattr("tzlocal.unix._cache_tz", None)

    async def main() -> None:
        alarm = Alarm(bell, log=log)
        alarm.set({"job": Cron("* * * * *")})
        alarm.start()
        await asyncio.sleep(61)

    world.run(main())

    assert bell.rung == [("job", *minutes(44), 1)]
