"""A pause, a cancel: written into the state by whoever may, and obeyed by every replica within seconds."""

import asyncio
from datetime import timedelta

import pytest

from maintd.core.outcome import Outcome
from maintd.scheduling import orders as orders_module
from maintd.scheduling.entry import Cancel, Pause
from maintd.scheduling.judgement import EVERYTHING

ROLES = ("act", "protect", "observe")


async def forever(ctx, params):
    await asyncio.Event().wait()
    return Outcome("never")


async def begun(replica, number):
    async with asyncio.timeout(10):
        while len(replica.told.begun) < number:
            await asyncio.sleep(0.005)
    return {start.job.name: start.run_id for start in replica.told.begun}


async def wish(realm, name, **wishes):
    """What the commands do, from a process of its own."""
    laptop = realm.replica("laptop")
    await laptop.state.update(name, lambda entry: entry.model_copy(update=wishes))


def pause(realm, lasting=timedelta(hours=2)):
    return Pause(until=realm.now() + lasting, by="ann@laptop", reason="migration")


@pytest.fixture
async def leader(realm):
    one = realm.replica("leader", epoch=1)
    await one.lead()
    return one


async def test_a_paused_job_is_skipped_and_its_record_says_by_whom_until_when_and_why(realm, leader, make):
    paused = pause(realm)
    await wish(realm, "tidy", paused=paused)
    leader.ring(make(), realm.now())
    leader.ring(make("other"), realm.now())
    records = {run.job: run for run in await leader.records(2)}

    assert {name: str(run.status) for name, run in records.items()} == {"tidy": "skipped", "other": "ok"}
    assert records["tidy"].summary == f"paused by ann@laptop until {paused.until:%Y-%m-%d %H:%M} UTC: migration"


async def test_a_pause_that_is_over_is_none(realm, leader, make):
    await wish(realm, "tidy", paused=pause(realm, -timedelta(seconds=1)))
    leader.ring(make(), realm.now())

    assert [str(run.status) for run in await leader.records(1)] == ["ok"]


async def test_pausing_everything_stops_what_acts_and_only_that_running_or_due(realm, leader, make):
    for role in ROLES:
        leader.ring(make(f"{role}-runs", forever, role=role), realm.now())
    await begun(leader, 3)
    await wish(realm, EVERYTHING, paused=pause(realm))
    for role in ROLES:
        leader.ring(make(f"{role}-due", role=role), realm.now())
    await leader.orders.look()
    async with asyncio.timeout(10):
        while len(leader.told.runs) < 4:
            await asyncio.sleep(0.005)
    found = {run.job: str(run.status) for run in leader.told.runs}

    assert found == {"act-runs": "interrupted", "act-due": "skipped", "protect-due": "ok", "observe-due": "ok"}
    assert "all that acts is paused by ann@laptop" in next(
        run.summary for run in leader.told.runs if run.job == "act-runs"
    )


async def test_who_runs_a_job_by_hand_is_stopped_too(realm, make):
    laptop = realm.replica("other laptop")
    typed = asyncio.create_task(laptop.runner.run_now(make("tidy", forever), "act", actor="bob", reason=""))
    await begun(laptop, 1)
    await wish(realm, EVERYTHING, paused=pause(realm))
    await laptop.orders.look()

    assert str((await typed).status) == "interrupted"
    assert str((await laptop.runner.run_now(make(), "act", actor="bob", reason="")).status) == "skipped"
    assert str((await laptop.runner.run_now(make(), "dry-run", actor="bob", reason="")).status) == "ok"


async def test_what_waits_for_its_turn_does_not_act_once_it_is_paused(realm, make):
    one, opened = realm.replica("leader", epoch=1, max_running=1), asyncio.Event()
    await one.lead()

    async def held(ctx, params):
        await opened.wait()
        return Outcome("done")

    one.ring(make("first", held, role="protect"), realm.now())
    await begun(one, 1)
    one.ring(make("second"), realm.now())
    async with asyncio.timeout(10):
        while not one.state.of("second").open_claim:
            await asyncio.sleep(0.005)
    await wish(realm, EVERYTHING, paused=pause(realm))
    await one.orders.look()
    opened.set()
    records = {run.job: str(run.status) for run in await one.records(2)}

    assert (records, one.state.of("second").open_claim) == ({"first": "ok", "second": "skipped"}, None)


@pytest.mark.parametrize("role", ROLES)
async def test_a_cancelled_run_is_interrupted_says_by_whom_and_leaves_no_wish_behind(realm, leader, make, role):
    leader.ring(make("tidy", forever, role=role), realm.now())
    run_id = (await begun(leader, 1))["tidy"]
    await wish(realm, "tidy", cancel=Cancel(run_id=run_id, by="ann@laptop", reason="wrong night"))
    await leader.orders.look()
    [record] = await leader.records(1)
    seen = realm.replica("laptop")
    await seen.state.load()

    assert record.status == "interrupted"
    assert record.summary == "stopped from outside before it was done: cancelled by ann@laptop: wrong night"
    assert [str(run.status) for run in seen.state.of("tidy").last_runs] == ["interrupted"]
    assert (seen.state.of("tidy").cancel, seen.state.of("tidy").open_claim) == (None, None)


async def test_a_wish_to_end_another_run_ends_none(realm, leader, make):
    opened = asyncio.Event()

    async def held(ctx, params):
        await opened.wait()
        return Outcome("done")

    leader.ring(make("tidy", held), realm.now())
    await begun(leader, 1)
    await wish(realm, "tidy", cancel=Cancel(run_id="20261122T120000Z-tidy-other", by="ann@laptop"))
    await leader.orders.look()
    opened.set()

    assert [str(run.status) for run in await leader.records(1)] == ["ok"]


async def test_the_state_is_read_often_while_something_acts_and_seldom_while_nothing_does(
    realm, leader, make, monkeypatch
):
    monkeypatch.setattr(orders_module, "BUSY_SECONDS", 0.02)
    monkeypatch.setattr(orders_module, "IDLE_SECONDS", 60.0)
    looks, look = [], leader.orders.look

    async def counted():
        looks.append(realm.now())
        await look()

    leader.orders.look = counted
    orders = asyncio.create_task(leader.orders.run())
    await asyncio.sleep(0.2)
    idle = len(looks)
    leader.ring(make("tidy", forever), realm.now())
    run_id = (await begun(leader, 1))["tidy"]
    await wish(realm, "tidy", cancel=Cancel(run_id=run_id, by="ann@laptop"))
    await leader.records(1)
    orders.cancel()

    assert (idle <= 1, len(looks) > idle) == (True, True)
