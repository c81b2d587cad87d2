"""The alarm on its own clock: it rings on time, in step, and neither twice nor never."""

import asyncio
import random
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from maintd.config.jobs import Schedule
from maintd.scheduling.alarm import Alarm
from maintd.scheduling.cron import Cron
from maintd.scheduling.every import Every
from maintd.scheduling.pending import MOST_COUNTED
from maintd.scheduling.schedule import upcoming

SECOND = timedelta(seconds=1)


@pytest.fixture
def alarm(bell, log) -> Alarm:
    return Alarm(bell, log=log)


def every(seconds: float) -> Every:
    return Every(timedelta(seconds=seconds), "job")


@dataclass(frozen=True)
class Counted:
    """A schedule that remembers what it was asked."""

    schedule: Schedule
    asked: list[datetime] = field(default_factory=list, compare=False)

    def after(self, instant: datetime) -> datetime | None:
        self.asked.append(instant)
        return self.schedule.after(instant)

    def words(self) -> str:
        return self.schedule.words()


def between(schedule: Schedule, start: datetime, end: datetime) -> list[datetime]:
    """The due instants in (start, end]."""
    found = []
    while (start := schedule.after(start)) is not None and start <= end:
        found.append(start)
    return found


def test_a_job_rings_at_each_due_instant_to_the_millisecond(world, alarm, bell):
    async def main() -> None:
        alarm.set({"quarterly": Cron("*/15 * * * *")})
        alarm.start()
        await asyncio.sleep(3600)

    world.run(main())

    assert bell.rung == [
        ("quarterly", datetime(2026, 11, 23, *at, tzinfo=UTC), 1) for at in ((14, 45), (15, 0), (15, 15), (15, 30))
    ]
    assert max(bell.late) < timedelta(milliseconds=1)


def test_a_thousand_jobs_of_one_second_all_ring_in_it(world, alarm, bell):
    async def main() -> None:
        alarm.set({f"job-{number}": Cron("50 14 * * *") for number in range(1000)})
        alarm.start()
        await asyncio.sleep(3600)

    world.run(main())

    due = datetime(2026, 11, 23, 14, 50, tzinfo=UTC)
    assert sorted(bell.rung) == sorted((f"job-{number}", due, 1) for number in range(1000))
    assert max(bell.late) < timedelta(milliseconds=1)


def test_a_period_keeps_its_cadence_through_a_day_without_drift(world, alarm, bell):
    start = world.now

    async def main() -> None:
        alarm.set({"job": every(67)})
        alarm.start()
        await asyncio.sleep(86_400)

    world.run(main())

    assert bell.dues("job") == between(every(67), start, start + timedelta(days=1))
    assert max(bell.late) < timedelta(milliseconds=1)


def test_a_loop_that_was_blocked_rings_once_for_what_passed_and_is_back_in_step(world, alarm, bell):
    async def main() -> None:
        alarm.set({"job": every(10)})
        alarm.start()
        await asyncio.sleep(1)
        world.pass_by(45)
        await asyncio.sleep(20)

    start = world.now
    world.run(main())

    dues = between(every(10), start, start + timedelta(seconds=66))
    passed = sum(due <= start + timedelta(seconds=46) for due in dues)
    assert bell.rung == [("job", dues[passed - 1], passed), *(("job", due, 1) for due in dues[passed:])]


def test_a_midnight_job_rings_each_day_over_a_clock_change(world, alarm, bell):
    """APScheduler's own cron trigger loses the day after."""
    world.set(datetime(2026, 3, 7, 12, tzinfo=UTC))

    async def main() -> None:
        alarm.set({"nightly": Cron("30 0 * * *", "America/New_York")})
        alarm.start()
        await asyncio.sleep(4 * 86_400)

    world.run(main())

    assert bell.dues("nightly") == [
        datetime(2026, 3, 8, 5, 30, tzinfo=UTC),
        *(datetime(2026, 3, day, 4, 30, tzinfo=UTC) for day in (9, 10, 11)),
    ]


def test_a_job_rings_in_the_thread_of_the_loop_and_takes_no_other(world, log):
    threads = []

    async def main() -> None:
        alarm = Alarm(lambda _: threads.append(threading.current_thread()), log=log)
        alarm.set({"job": every(1)})
        alarm.start()
        await asyncio.sleep(3)

    world.run(main())

    assert threads == [threading.main_thread()] * 3
    assert [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")] == []


def test_what_falls_due_between_set_and_start_is_rung(world, alarm, bell):
    async def main() -> None:
        alarm.set({"job": Cron("44 14 * * *")})
        world.pass_by(90)
        alarm.start()
        await asyncio.sleep(1)

    world.run(main())

    assert bell.rung == [("job", datetime(2026, 11, 23, 14, 44, tzinfo=UTC), 1)]


def test_nothing_rings_once_the_alarm_has_stopped(world, alarm, bell):
    async def main() -> None:
        alarm.set({"job": every(1)})
        alarm.start()
        await asyncio.sleep(2.25)
        asyncio.get_running_loop().call_later(1, alarm.stop)  # in the same turn as the wake-up before it
        world.pass_by(5)
        await asyncio.sleep(60)
        alarm.stop()

    world.run(main())

    assert len(bell.rung) == 2


def test_an_alarm_that_never_started_can_be_stopped(alarm):
    alarm.stop()

    assert (alarm.overdue(), alarm.last_wakeup, alarm.next_due("job")) == (timedelta(0), None, None)


def test_a_schedule_that_ends_is_let_go(world, alarm, bell):
    world.set(datetime(9999, 12, 31, 23, 58, 30, tzinfo=UTC))

    async def main() -> None:
        alarm.set({"job": Cron("* * * * *"), "none": Cron("0 0 29 2 *")})
        alarm.start()
        await asyncio.sleep(80)
        assert (alarm.next_due("job"), alarm.next_due("none")) == (None, None)
        alarm.set({})

    world.run(main())

    assert bell.dues("job") == [datetime(9999, 12, 31, 23, 59, tzinfo=UTC)]


def test_next_due_is_what_will_be_rung_next(world, alarm):
    async def main() -> None:
        alarm.set({"job": Cron("*/15 * * * *")})
        assert alarm.next_due("job") == datetime(2026, 11, 23, 14, 45, tzinfo=UTC)
        alarm.start()
        await asyncio.sleep(180)
        assert alarm.next_due("job") == datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
        assert alarm.next_due("other") is None

    world.run(main())


# Reload


def test_a_job_whose_schedule_is_equal_keeps_its_due_time(world, alarm, bell):
    """A period that is set anew more often than it falls due must still fall due."""
    start = world.now

    async def main() -> None:
        alarm.set({"job": every(1)})
        alarm.start()
        for _ in range(100):
            await asyncio.sleep(0.6)
            alarm.set({"job": every(1)})

    world.run(main())

    assert bell.dues("job") == between(every(1), start, start + timedelta(seconds=60))


def test_an_equal_schedule_is_left_alone(world, alarm):
    schedule = Counted(every(1))

    async def main() -> None:
        alarm.set({"job": schedule})
        alarm.start()
        for _ in range(10):
            alarm.set({"job": Counted(every(1), schedule.asked)})

    world.run(main())

    assert len(schedule.asked) == 1


def test_a_job_that_falls_due_at_the_reload_is_neither_lost_nor_doubled(world, alarm, bell):
    old = {"kept": Cron("45 14 * * *"), "changed": Cron("45 14 * * *"), "gone": Cron("45 14 * * *")}
    new = {"kept": Cron("45 14 * * *"), "changed": Cron("45-46 14 * * *"), "new": Cron("45,47 14 * * *")}

    async def main() -> None:
        alarm.set(old)
        alarm.start()
        await asyncio.sleep(119)
        world.pass_by(1.5)
        alarm.set(new)
        await asyncio.sleep(600)

    world.run(main())

    at = {minute: datetime(2026, 11, 23, 14, minute, tzinfo=UTC) for minute in (45, 46, 47)}
    assert sorted(bell.rung) == [
        ("changed", at[45], 1),
        ("changed", at[46], 1),
        ("gone", at[45], 1),
        ("kept", at[45], 1),
        ("new", at[47], 1),
    ]


def test_a_changed_job_takes_its_new_times_and_no_old_ones(world, alarm, bell):
    async def main() -> None:
        alarm.set({"job": Cron("0 15 * * *")})
        alarm.start()
        await asyncio.sleep(60)
        alarm.set({"job": Cron("0 14,16 * * *")})
        await asyncio.sleep(7200)

    world.run(main())

    assert bell.rung == [("job", datetime(2026, 11, 23, 16, 0, tzinfo=UTC), 1)]


def test_a_set_before_the_start_waits_for_it(world, alarm, bell):
    async def main() -> None:
        alarm.set({"job": Cron("44 14 * * *")})
        world.pass_by(90)
        alarm.set({})
        assert bell.rung == []
        alarm.start()
        await asyncio.sleep(1)

    world.run(main())

    assert bell.dues("job") == [datetime(2026, 11, 23, 14, 44, tzinfo=UTC)]


@pytest.mark.parametrize("seed", range(5))
def test_no_due_instant_is_lost_or_doubled_by_reloads_at_any_moment(world, alarm, bell, seed):
    chance = random.Random(seed)
    schedules = [every(2), every(3), every(5), Cron("* * * * *"), Cron("*/2 * * * *")]
    expected: dict[str, list[datetime]] = {name: [] for name in "abcd"}

    async def main() -> None:
        alarm.start()
        now: dict[str, Schedule] = {}
        for _ in range(200):
            start = world.now
            alarm.set(now)
            if chance.random() < 0.3:
                world.pass_by(chance.choice([0.001, 0.4, 1]))
            await asyncio.sleep(chance.choice([0, 0.25, 0.5, 1, 1.999, 2]))
            if chance.random() < 0.3:
                world.pass_by(chance.choice([0.001, 0.4, 1]))
            for name, schedule in now.items():
                expected[name] += between(schedule, start, world.now)
            now = {name: chance.choice(schedules) for name in expected if chance.random() < 0.8}
        alarm.set({})

    world.run(main())

    assert {name: bell.dues(name) for name in expected} == expected
    assert {folded for _, _, folded in bell.rung} == {1}


# Clocks that jump


def test_after_a_suspend_what_passed_rings_within_thirty_seconds(world, alarm, bell):
    async def main() -> None:
        alarm.set({"job": Cron("0 15 * * *")})
        alarm.start()
        await asyncio.sleep(1)
        world.step(3600)
        await asyncio.sleep(30)

    world.run(main())

    assert bell.dues("job") == [datetime(2026, 11, 23, 15, 0, tzinfo=UTC)]


def test_a_clock_set_back_doubles_nothing_and_is_said(world, alarm, bell, log):
    async def main() -> None:
        alarm.set({"job": Cron("*/15 * * * *")})
        alarm.start()
        await asyncio.sleep(3600)
        world.step(-3600)
        await asyncio.sleep(2 * 3600)

    world.run(main())

    assert bell.dues("job") == upcoming(Cron("*/15 * * * *"), datetime(2026, 11, 23, 14, 43, tzinfo=UTC), 8)
    assert ("clock set back", None) in log.events("warning")


def test_a_clock_set_back_a_day_is_a_correction_and_jobs_ring_again_at_once(world, alarm, bell):
    """It was a day ahead, and rang tomorrow's instants: nobody waits a day in silence for the next."""

    async def main() -> None:
        alarm.set({"job": Cron("*/15 * * * *")})
        alarm.start()
        await asyncio.sleep(1200)
        world.step(86_400)
        await asyncio.sleep(1200)
        world.step(-86_400)
        await asyncio.sleep(1200)

    world.run(main())

    today = [due for due in bell.dues("job") if due.day == 23]
    assert today == [datetime(2026, 11, 23, *at, tzinfo=UTC) for at in ((14, 45), (15, 0), (15, 30))]


def test_a_job_changed_after_the_clock_went_back_does_not_repeat_what_it_rang(world, alarm, bell):
    async def main() -> None:
        alarm.set({"job": Cron("*/15 * * * *")})
        alarm.start()
        await asyncio.sleep(1200)
        world.step(-1200)
        alarm.set({"job": Cron("*/5 * * * *")})
        await asyncio.sleep(1500)

    world.run(main())

    assert bell.dues("job") == [datetime(2026, 11, 23, *at, tzinfo=UTC) for at in ((14, 45), (15, 0), (15, 5))]


@pytest.mark.parametrize("seed", range(10))
def test_clocks_that_jump_at_random_double_nothing_and_delay_nothing_long(world, alarm, bell, seed):
    chance = random.Random(seed)
    rung_after: list[tuple[datetime, float]] = []

    async def main() -> None:
        furthest = world.now
        alarm.set({"job": Cron("*/10 * * * *")})
        alarm.start()
        for _ in range(60):
            await asyncio.sleep(chance.uniform(0, 900))
            furthest = max(furthest, world.now)
            world.step(chance.choice([3600, -3600, 86_400, -10_700, 600, 0.5, -0.5]))
            await asyncio.sleep(30.001)
            furthest = max(furthest, world.now)
            rung_after.append((furthest, sum(folded for _, _, folded in bell.rung)))

    start = world.now
    world.run(main())

    dues = bell.dues("job")
    assert len(set(dues)) == len(dues)
    assert dues == sorted(dues)
    assert rung_after == [(furthest, len(between(Cron("*/10 * * * *"), start, furthest))) for furthest, _ in rung_after]


def test_a_month_asleep_costs_one_ring_and_little_work(world, alarm, bell):
    schedule = Counted(every(1))

    async def main() -> None:
        alarm.set({"job": schedule})
        alarm.start()
        await asyncio.sleep(0.5)
        world.step(40 * 86_400)
        await asyncio.sleep(0.9)

    world.run(main())

    ((_, due, folded),) = bell.rung
    assert folded == MOST_COUNTED
    assert bell.late[0] < SECOND
    assert due in between(every(1), due - SECOND, due)
    assert len(schedule.asked) < MOST_COUNTED + 100


# What liveness asks


def test_an_alarm_that_is_not_woken_becomes_overdue(world, alarm):
    async def main() -> None:
        alarm.set({"job": Cron("*/15 * * * *")})
        alarm.start()
        await asyncio.sleep(61)
        assert alarm.overdue() == timedelta(0)
        alarm._scheduler._stop_timer()
        await asyncio.sleep(120)
        assert alarm.overdue() == pytest.approx(61 * SECOND, abs=SECOND / 10)

    world.run(main())


def test_a_clock_step_alone_is_not_overdue(world, alarm):
    async def main() -> None:
        alarm.set({"job": Cron("*/15 * * * *")})
        alarm.start()
        await asyncio.sleep(10)
        world.step(86_400)
        assert alarm.overdue() <= 30 * SECOND
        await asyncio.sleep(30)
        assert alarm.overdue() == timedelta(0)

    world.run(main())


def test_an_idle_alarm_still_wakes_up(world, alarm):
    async def main() -> None:
        alarm.start()
        await asyncio.sleep(100)
        assert world.now - alarm.last_wakeup <= 30 * SECOND

    world.run(main())
