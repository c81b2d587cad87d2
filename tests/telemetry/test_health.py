"""Whether the daemon lives, and whether it says what is wrong."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta

import pytest

from maintd.telemetry.health import Answer, Health
from maintd.telemetry.lag import Pulse


def health(silent: float = 0.0, overdue: float = 0.0, **troubles: str) -> Health:
    said = {name: lambda text=text: text for name, text in troubles.items()}
    return Health(lambda: silent, lambda: timedelta(seconds=overdue), said)


def test_a_daemon_whose_loop_turns_and_whose_scheduler_is_on_time_lives():
    assert health(silent=29, overdue=30).live() == Answer(good=True, text="alive")


@pytest.mark.parametrize(
    ("silent", "overdue", "text"),
    [
        (31, 0, "event loop: has stood still for 31 s"),
        (0, 31, "scheduler: has stood still for 31 s"),
        (40, 50, "event loop: has stood still for 40 s\nscheduler: has stood still for 50 s"),
    ],
)
def test_one_that_stands_still_for_more_than_30_s_does_not(silent, overdue, text):
    assert health(silent, overdue).live() == Answer(good=False, text=text)


def test_what_is_away_is_no_reason_to_be_killed():
    troubled = health(state="the API server did not answer", store="the bucket is gone")

    assert troubled.live().good


def test_it_is_ready_from_the_start_of_its_schedule_to_its_end():
    daemon = health()

    answers = [daemon.ready()]
    daemon.started()
    answers.append(daemon.ready())
    daemon.stopping()
    answers.append(daemon.ready())

    assert answers == [Answer(False, "starting"), Answer(True, "ready"), Answer(False, "stopping")]


def test_troubles_are_told_in_one_line_each_and_leave_it_ready():
    daemon = health(config="jobs.yaml:6:16: unknown key\n    older_then: 6h\n    ^", store="", state="it is away")
    daemon.started()

    assert daemon.ready() == Answer(
        good=True,
        text="ready\nconfig: jobs.yaml:6:16: unknown key older_then: 6h ^\nstore: ok\nstate: it is away",
    )


async def test_the_pulse_tells_how_late_the_loop_is():
    late: list[float] = []
    beating = asyncio.create_task(Pulse(late.append, period_seconds=0.01).run())
    while len(late) < 3:
        await asyncio.sleep(0.001)
    before = len(late)

    time.sleep(0.2)  # what the pulse is there to find
    while len(late) < before + 3:
        await asyncio.sleep(0.001)

    beating.cancel()
    with suppress(asyncio.CancelledError):
        await beating
    assert max(late[before:]) > 0.15
    assert min(late) >= 0


async def test_before_its_first_beat_a_pulse_is_not_silent():
    assert Pulse(lambda _: None).silent_seconds() == 0


async def test_a_pulse_that_stopped_is_silent_for_longer_and_longer():
    pulse = Pulse(lambda _: None, period_seconds=0.01)
    beating = asyncio.create_task(pulse.run())
    await asyncio.sleep(0.05)
    beating.cancel()
    with suppress(asyncio.CancelledError):
        await beating

    first = pulse.silent_seconds()
    await asyncio.sleep(0.05)

    assert pulse.silent_seconds() >= first + 0.04
