"""A process that dies, or is deposed, leaves claims behind: each run ends in exactly one record all the same."""

import asyncio
import multiprocessing
import signal
from datetime import timedelta

import pytest

from maintd.core import failpoints
from maintd.core.outcome import Outcome
from maintd.scheduling.entry import Claim


async def forever(ctx, params):
    await asyncio.Event().wait()
    raise AssertionError


def gated(opened):
    async def run(ctx, params):
        await opened.wait()
        return Outcome("it went on living")

    return run


async def begun(replica):
    async with asyncio.timeout(10):
        while not replica.told.begun:
            await asyncio.sleep(0.005)
    return replica.told.begun[0].run_id


async def settled(replica):
    await replica.state.look()
    for name, claim in replica.runner.orphans.found():
        await replica.runner.orphans.settle(name, claim)


def kept(replica, job="tidy"):
    return [(run.run_id, str(run.status)) for run in replica.state.of(job).last_runs]


async def test_the_run_of_a_dead_holder_is_interrupted_and_its_claim_closed(realm, make):
    dead, next_one = realm.replica("dead", epoch=1), realm.replica("next", epoch=2)
    await dead.lead()
    dead.ring(make("tidy", forever), realm.now())
    run_id = await begun(dead)
    await settled(next_one)
    assert next_one.told.runs == []  # its reign lasts as far as anybody knows
    await next_one.lead()
    await settled(next_one)
    [record] = next_one.told.runs

    assert (record.run_id, record.status, record.epoch, realm.stored()) == (run_id, "interrupted", 1, [run_id])
    assert record.summary.startswith("dead, where it ran, is gone; what it had changed by then is in its log lines")
    assert (next_one.state.of("tidy").open_claim, kept(next_one)) == (None, [(run_id, "interrupted")])


async def test_who_takes_over_and_the_next_start_of_the_job_find_the_same_claim_and_tell_of_it_once(realm, make):
    dead, next_one = realm.replica("dead", epoch=1), realm.replica("next", epoch=2)
    await dead.lead()
    dead.ring(make("tidy", forever), realm.now())
    run_id = await begun(dead)
    await next_one.lead()
    [(name, claim)] = next_one.runner.orphans.found()
    await asyncio.gather(*(next_one.runner.orphans.settle(name, claim) for _ in range(3)))

    assert [(run.run_id, str(run.status)) for run in next_one.told.runs] == [(run_id, "interrupted")]


async def test_a_deposed_process_that_lives_on_does_not_write_over_the_record_of_its_run(realm, make):
    opened = asyncio.Event()
    old, new = realm.replica("old", epoch=1), realm.replica("new", epoch=2)
    await old.lead()
    old.ring(make("tidy", gated(opened)), realm.now())
    run_id = await begun(old)
    await new.lead()
    await settled(new)
    opened.set()
    await old.records(1)
    await old.state.look()

    assert (realm.stored(), (await new.history.read(run_id)).status) == ([run_id], "interrupted")


async def test_what_a_deposed_process_had_recorded_itself_is_what_the_state_says_and_is_told_once(realm, make):
    old, new = realm.replica("old", epoch=1), realm.replica("new", epoch=2)
    await old.lead()
    held = asyncio.Event()
    old.state.flush = held.wait  # its record reaches the store, and the state does not hear of it
    old.ring(make(), realm.now())
    async with asyncio.timeout(10):
        while not realm.stored():
            await asyncio.sleep(0.005)
    await new.lead()
    await settled(new)
    held.set()

    assert (new.told.runs, kept(new)) == ([], [(realm.stored()[0], "ok")])
    assert new.state.of("tidy").open_claim is None


async def test_what_was_noted_under_an_old_reign_is_forgotten_and_not_written_over_newer_memories(realm, make):
    old, new = realm.replica("old", epoch=1), realm.replica("new", epoch=2)
    await old.state.load()
    old.state.note("looks", lambda entry: entry.model_copy(update={"memory": {"seen": "long ago"}}))
    await new.state.update("looks", lambda entry: entry.model_copy(update={"memory": {"seen": "now"}}))
    old.state.forget()
    await old.state.update("other", lambda entry: entry)
    await new.state.look()

    assert new.state.of("looks").memory == {"seen": "now"}


async def test_who_may_not_write_sees_what_others_write_although_something_of_its_own_waits(realm):
    follower, leader = realm.replica("follower"), realm.replica("leader", epoch=1)
    follower.state.note("looks", lambda entry: entry.model_copy(update={"memory": {"a": 1}}))
    await leader.lead()
    before = (realm.folder / "state/state.json").read_bytes()
    await follower.state.look()

    assert follower.state.of("leader.epoch").epoch == 1
    assert (realm.folder / "state/state.json").read_bytes() == before


RERUNS = {
    "what is idempotent, in time": ({"idempotent": True}, {}, True),
    "what is not": ({}, {}, False),
    "too late": ({"idempotent": True, "start_deadline": timedelta(0)}, {}, False),
    "what made up for another itself": ({"idempotent": True}, {"rerun_of": "the first"}, False),
    "by hand": ({"idempotent": True}, {"due": None}, False),
}


@pytest.mark.parametrize(("terms", "claimed", "again"), RERUNS.values(), ids=RERUNS.keys())
async def test_only_what_is_idempotent_and_in_time_is_run_again_and_only_once(realm, make, terms, claimed, again):
    new, due = realm.replica("new", epoch=2), realm.now() - timedelta(seconds=1)
    await new.lead()
    cut_off = {"run_id": "r", "due": due, "holder": "dead", "epoch": 1, "at": due, "until": due, "kind": "k"}
    claim = Claim.model_validate(cut_off | {"mode": "run"} | claimed)
    new.runner.rerun(make("save", role="protect", on_missed="run-once", **terms), claim)

    assert [(run.status, run.rerun_of, run.due) for run in await new.records(int(again))] == [("ok", "r", due)] * again


async def test_the_claim_of_a_write_that_was_given_up_and_done_all_the_same_is_settled(realm, make):
    one = realm.replica("one", epoch=1)
    await one.lead()
    now = realm.now()
    late = {"run_id": "20261122T120000Z-tidy-late", "due": now, "holder": "one", "epoch": 1, "at": now, "until": now}
    claim = Claim.model_validate(late | {"kind": "k", "mode": "act"})
    await one.state.update("tidy", lambda entry: entry.model_copy(update={"open_claim": claim}))
    opened = asyncio.Event()
    one.ring(make("busy", gated(opened)), now)
    await begun(one)
    await one.orders.look()
    opened.set()

    assert (one.state.of("tidy").open_claim, kept(one)) == (None, [(claim.run_id, "interrupted")])
    assert [(run.job, str(run.status)) for run in await one.records(2)] == [("tidy", "interrupted"), ("busy", "ok")]


async def test_who_typed_buries_nobody_for_the_leader(realm, make):
    dead, leader, laptop = realm.replica("dead", epoch=1), realm.replica("leader", epoch=2), realm.replica("laptop")
    await dead.lead()
    dead.ring(make("tidy", forever), realm.now())
    run_id = await begun(dead)
    await leader.lead()
    await laptop.orders.look()
    assert laptop.told.runs == []
    await leader.orders.look()

    assert [run.run_id for run in leader.told.runs] == [run_id]


STEPS = {
    "claim-before:1": [],
    "state-save-before:1": [],
    "state-save-after:1": ["interrupted"],
    "claim-after:1": ["interrupted"],
    "run-ended:1": ["interrupted"],
    "record-before:1": ["interrupted"],
    "record-after:1": ["ok"],
    "state-save-before:2": ["ok"],
    "state-save-after:2": ["ok"],
}
"""Where the process is killed → how the one record of its run says that it ended; none where nothing was claimed."""


@pytest.mark.parametrize(("point", "statuses"), STEPS.items())
async def test_killed_at_any_step_each_start_has_one_record_and_the_state_says_the_same(realm, make, point, statuses):
    await realm.replica("decree", epoch=1).lead()

    async def live() -> None:
        failpoints.arm(failpoints.parse(f"{point}:kill"))
        one = realm.replica("one", epoch=1)
        one.ring(make(), realm.now())
        await one.records(1)
        await one.state.close()

    child = multiprocessing.get_context("fork").Process(target=lambda: asyncio.Runner().run(live()))
    child.start()
    await asyncio.to_thread(child.join, 20)
    next_one = realm.replica("next", epoch=2)
    await next_one.lead()
    await settled(next_one)
    records = [str((await next_one.history.read(run_id)).status) for run_id in realm.stored()]

    assert child.exitcode == -signal.SIGKILL
    assert (records, [status for _, status in kept(next_one)]) == (statuses, statuses)
    assert next_one.state.of("tidy").open_claim is None
