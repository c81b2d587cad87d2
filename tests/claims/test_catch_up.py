"""What fell due while nobody rang is run once or recorded as missed; nothing passes in silence."""

from datetime import UTC, datetime, timedelta

import pytest

from maintd.scheduling.catchup import catch_up
from maintd.scheduling.cron import Cron
from maintd.scheduling.entry import JobState
from maintd.scheduling.roll import REMEMBERED, roll_call
from maintd.telemetry.logs import get

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ROLES = ("act", "protect", "observe")
RUN = ("ok", 1)
TABLE = {  # down from, until, and what becomes of an hourly job: run-once; acting and skip; the others and skip
    "1 s": (NOON - timedelta(seconds=0.5), NOON + timedelta(seconds=0.5), [RUN], [RUN], [("missed", 1)]),
    "90 s": (NOON - timedelta(seconds=29), NOON + timedelta(seconds=61), [RUN], [("missed", 1)], [("missed", 1)]),
    "20 min": (NOON - timedelta(minutes=5), NOON + timedelta(minutes=15), [RUN], [("missed", 1)], [("missed", 1)]),
    "25 h": (NOON - timedelta(hours=1), NOON + DAY, [("missed", 24), RUN], [("missed", 24), RUN], [("missed", 25)]),
    "40 days": (
        NOON,
        NOON + 40 * DAY - timedelta(minutes=5),
        [("missed", 958), RUN],
        [("missed", 959)],
        [("missed", 959)],
    ),
}


def hourly(make, name="tidy", **more):
    return make(name, when="0 * * * *", schedule=Cron("0 * * * *", "Etc/UTC"), **more)


async def told(replica):
    """What became of each job, by name."""
    await replica.records(1)
    found = {}
    for run in replica.told.runs:
        found.setdefault(run.job, []).append((str(run.status), run.count))
    return {name: sorted(endings) for name, endings in found.items()}


@pytest.mark.parametrize(("down", "back", "once", "acting", "others"), TABLE.values(), ids=TABLE.keys())
async def test_what_becomes_of_what_fell_due_while_maintd_was_down(realm, make, down, back, once, acting, others):
    realm.moment, rules = back, ("run-once", "skip")
    one = realm.replica(epoch=1, stores=False)
    await one.lead()
    jobs = [hourly(make, f"{role}-{rule}", role=role, on_missed=rule) for role in ROLES for rule in rules]
    await catch_up(one.runner, jobs, {job.name: JobState(since=down) for job in jobs}, back, get("test"))

    assert await told(one) == {
        "act-run-once": once,
        "protect-run-once": once,
        "observe-run-once": once,
        "act-skip": acting,
        "protect-skip": others,
        "observe-skip": others,
    }


async def test_what_was_made_up_for_is_not_made_up_for_again(realm, make):
    realm.moment = NOON + timedelta(minutes=15)
    one, job = realm.replica(epoch=1, stores=False), hourly(make, role="protect", on_missed="run-once")
    await one.lead()
    before = {"tidy": JobState(since=NOON - timedelta(hours=2))}
    await catch_up(one.runner, [job], before, realm.now(), get("test"))
    await one.records(2)
    await catch_up(one.runner, [job], one.state.entries, realm.now(), get("test"))

    assert await told(one) == {"tidy": [("missed", 1), ("ok", 1)]}


async def test_later_than_its_start_deadline_nothing_is_made_up_for(realm, make):
    realm.moment = NOON + timedelta(minutes=15)
    one = realm.replica(epoch=1, stores=False)
    job = hourly(make, role="protect", on_missed="run-once", start_deadline=timedelta(minutes=10))
    await catch_up(one.runner, [job], {"tidy": JobState(since=NOON - timedelta(minutes=1))}, realm.now(), get("test"))

    assert await told(one) == {"tidy": [("missed", 1)]}


async def test_what_is_in_hand_here_is_not_found_missing(realm, make):
    realm.moment = NOON + timedelta(seconds=2)
    one, job = realm.replica(epoch=1, stores=False), hourly(make, on_missed="run-once")
    one.throne.over = True  # it waits to be written down, and nobody leads
    one.ring(job, NOON)
    await catch_up(one.runner, [job], {"tidy": JobState(since=NOON - timedelta(minutes=1))}, realm.now(), get("test"))
    one.throne.over = False

    assert await told(one) == {"tidy": [("ok", 1)]}


async def test_a_clock_that_was_a_year_ahead_for_a_moment_does_not_hide_what_is_missed_now(realm, make):
    realm.moment = NOON + timedelta(minutes=15)
    one, ahead = realm.replica(epoch=1, stores=False), NOON + 365 * DAY
    entries = {"tidy": JobState(since=NOON - timedelta(minutes=1), last_due=ahead)}
    await catch_up(one.runner, [hourly(make, role="observe")], entries, realm.now(), get("test"))

    assert await told(one) == {"tidy": [("missed", 1)]}
    assert one.state.of("tidy").last_due == NOON


def called(entries, jobs, now=NOON):
    found = dict(entries)
    roll_call(jobs, now)(found)
    return found


def test_a_new_job_counts_from_now_on(make):
    assert called({}, [hourly(make)])["tidy"].accounted(NOON) == NOON


def test_a_schedule_that_was_edited_while_maintd_was_down_counts_from_now_on_and_an_equal_one_from_before(make):
    before = called({}, [hourly(make)])
    edited = make(when="5 * * * *", schedule=Cron("5 * * * *", "Etc/UTC"))
    later = NOON + timedelta(hours=3)

    assert called(before, [hourly(make)], later)["tidy"].accounted(later) == NOON
    assert called(before, [edited], later)["tidy"].accounted(later) == later


def test_a_job_that_was_away_counts_from_its_return_and_one_that_stays_away_is_dropped_after_a_while(make):
    here = called({}, [hourly(make)]) | {"leader.epoch": JobState(epoch=3)}
    away = called(here, [], NOON + DAY)
    back = called(away, [hourly(make)], NOON + 2 * DAY)
    late = called(away, [], NOON + DAY + REMEMBERED)
    later = called(late, [], NOON + DAY + REMEMBERED + timedelta(seconds=1))

    assert (back["tidy"].accounted(NOON + 2 * DAY), back["tidy"].gone) == (NOON + 2 * DAY, None)
    assert (late["tidy"].gone, set(later)) == (NOON + DAY, {"leader.epoch"})


def test_what_a_newer_maintd_wrote_is_not_called_and_not_dropped(make):
    newer = JobState(format=2)

    assert called({"tidy": newer, "gone": newer}, [hourly(make)], NOON + 99 * DAY) == {"tidy": newer, "gone": newer}
