"""What acts or protects is written down before it starts, and is started once a due instant."""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.outcome import Outcome
from maintd.sandbox.faults import Fault, html
from maintd.scheduling.claims import FENCE
from maintd.scheduling.entry import FORMAT, JobState
from maintd.scheduling.homes import NAME, ConfigMapHome, state_needs

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def home(sandbox, tmp_path):
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    yield ConfigMapHome(ClusterReader(api), ClusterWriter(api), "default")
    await api.close()


def writes(sandbox):
    return [asked for asked in sandbox.requests if asked.verb in ("create", "update") and "configmaps" in asked.path]


def entry(realm, name):
    return json.loads((realm.folder / "state/state.json").read_text())["jobs"][name]


def gated(opened, started=None):
    async def run(ctx, params):
        if started is not None:
            started.set()
        await opened.wait()
        return Outcome("done")

    return run


async def under_way(replica, number):
    async with asyncio.timeout(10):
        while len(replica.told.begun) < number:
            await asyncio.sleep(0.005)


async def test_all_that_fall_due_together_are_claimed_in_one_write(sandbox, home, realm, make):
    one, opened = realm.replica(epoch=1, home=home), asyncio.Event()
    await one.lead()
    before = len(writes(sandbox))
    for number in range(60):
        one.ring(make(f"job-{number}", gated(opened)), realm.now())
    await under_way(one, 60)

    assert len(writes(sandbox)) - before == 1
    opened.set()
    records = await one.records(60)
    assert Counter(run.status for run in records) == {"ok": 60}


async def test_an_observer_is_not_claimed_and_writes_nothing_before_the_flush(sandbox, home, realm, make):
    one = realm.replica(epoch=1, home=home)
    await one.lead()
    before = len(writes(sandbox))
    for number in range(10):
        one.ring(make(f"job-{number}", role="observe"), realm.now())
    await one.records(10)

    assert len(writes(sandbox)) == before


async def test_two_leaders_at_once_start_no_due_instant_twice(realm, make):
    starts = Counter()

    async def counting(ctx, params):
        starts[ctx.job, instant] += 1
        await asyncio.sleep(0)
        return Outcome("done")

    two = [realm.replica(name, epoch=1, stores=False) for name in ("a", "b")]
    await two[0].lead()
    jobs = [make(f"job-{number}", counting) for number in range(100)]
    for round_ in range(10):
        instant = realm.now() + timedelta(milliseconds=round_)
        for replica in two if round_ % 2 else reversed(two):
            for each in jobs:
                replica.ring(each, instant)
            await asyncio.sleep(0.002 * (round_ % 3))
        await asyncio.gather(*(replica.records(100 * (round_ + 1)) for replica in two))

    assert (len(starts), set(starts.values())) == (1000, {1})
    assert Counter(run.status for replica in two for run in replica.told.runs) == {"ok": 1000, "skipped": 1000}


async def test_two_leaders_on_one_config_map_start_no_due_instant_twice_with_the_rights_that_state_asks_for(
    cluster_backend, realm, make
):
    space = await cluster_backend.namespace()
    apis = [await Api.connect(await cluster_backend.grant(state_needs(space))) for _ in range(2)]
    homes = [ConfigMapHome(ClusterReader(api), ClusterWriter(api), space) for api in apis]
    two = [realm.replica(name, epoch=1, home=home, stores=False) for name, home in zip("ab", homes, strict=True)]
    await two[0].lead()
    jobs = [make(f"job-{number}", start_deadline=timedelta(seconds=20)) for number in range(30)]
    for round_ in range(3):
        instant = realm.now()
        for replica in two:
            for each in jobs:
                replica.ring(each, instant)
        await asyncio.gather(*(replica.records(30 * (round_ + 1)) for replica in two))
    for replica in two:
        await replica.runner.drain(0)
        await replica.state.close()
    for api in apis:
        await api.close()

    starts = Counter((start.job.name, start.due) for replica in two for start in replica.told.begun)
    assert (len(starts), set(starts.values())) == (90, {1})
    assert Counter(run.status for replica in two for run in replica.told.runs) == {"ok": 90, "skipped": 90}


@pytest.mark.parametrize("asked_again", [True, False], ids=["its-nonce-is-read", "and-reading-its-nonce-fails"])
async def test_a_claim_whose_reply_was_lost_is_known_again_and_started_once(sandbox, home, realm, make, asked_again):
    one = realm.replica(epoch=1, home=home)
    await one.lead()
    sandbox.faults.append(Fault("update", "*/configmaps*", reset="after"))
    if not asked_again:
        sandbox.faults.append(Fault("get", "*/configmaps*", nth=2, answer=html()))
    one.ring(make(), realm.now())
    [record] = await one.records(1)

    assert (record.status, len(one.told.begun)) == ("ok", 1)
    kept = json.loads(sandbox.get("v1", "ConfigMap", NAME, "default")["data"]["tidy"])
    assert "open_claim" not in kept


async def test_a_claim_waits_for_a_home_that_is_away_or_answers_nonsense(sandbox, home, realm, make):
    one = realm.replica(epoch=1, home=home)
    await one.lead()
    sandbox.faults.append(Fault("get", "*/configmaps*", times=2, answer=html()))
    one.ring(make(), realm.now())
    [record] = await one.records(1)

    assert (record.status, record.waited_seconds > 0.4) == ("ok", True)


async def test_what_could_not_be_written_down_until_it_was_too_late_is_missed_and_says_why(realm, make):
    one = realm.replica(epoch=1)
    await one.lead()
    blocked = realm.folder / "state/state.json"
    blocked.rename(realm.folder / "aside")
    blocked.mkdir()
    one.ring(make(start_deadline=timedelta(seconds=0.2)), realm.now())
    [record] = await one.records(1)
    blocked.rmdir()

    assert (record.status, one.told.begun) == ("missed", [])
    assert "could not be written down before it" in record.summary
    assert "Is a directory" in record.summary


async def test_by_hand_a_backup_is_made_without_a_claim_and_nothing_is_changed(realm, make, monkeypatch):
    monkeypatch.setattr("maintd.scheduling.admission.BY_HAND", timedelta(seconds=0.1))
    one = realm.replica()
    (realm.folder / "state/state.json").mkdir(parents=True)
    saved = await one.runner.run_now(make("save", role="protect"), "run", actor="ann", reason="")
    tidied = await one.runner.run_now(make(), "act", actor="ann", reason="")

    assert (saved.status, tidied.status) == ("ok", "failed")
    assert [start.job.name for start in one.told.begun] == ["save"]


async def test_an_older_reign_claims_nothing_once_a_later_one_has_begun(realm, make):
    old, new = realm.replica("old", epoch=1), realm.replica("new", epoch=2)
    await old.lead()
    await new.lead()
    old.ring(make(start_deadline=timedelta(seconds=0.1)), realm.now())
    [record] = await old.records(1)

    assert (record.status, old.told.begun) == ("missed", [])
    assert "another maintd leads since, in reign 2; this one was reign 1" in record.error
    assert entry(realm, FENCE)["epoch"] == 2


async def test_a_reign_that_is_not_the_latest_cannot_begin(realm):
    old, new = realm.replica("old", epoch=1), realm.replica("new", epoch=2)
    await new.lead()

    with pytest.raises(Exception, match="reign 1 is not the latest"):
        await old.lead()


async def test_a_run_by_hand_and_the_leader_do_not_run_the_same_job_at_once(realm, make):
    leader, laptop = realm.replica("leader", epoch=3), realm.replica("laptop")
    await leader.lead()
    opened, started = asyncio.Event(), asyncio.Event()
    typed = asyncio.create_task(
        laptop.runner.run_now(make("tidy", gated(opened, started)), "act", actor="a", reason="")
    )
    await asyncio.wait_for(started.wait(), 10)
    leader.ring(make(), realm.now())
    [record] = await leader.records(1)
    opened.set()

    assert record.status == "skipped"
    assert record.summary == f"{(await typed).run_id} of the same job is still running in laptop"


async def test_an_entry_of_a_newer_maintd_is_left_alone_and_its_job_not_started(realm, make):
    newer = {"format": FORMAT + 1, "claims": ["what an older maintd cannot know"]}
    (realm.folder / "state").mkdir()
    (realm.folder / "state/state.json").write_text(json.dumps({"format": 1, "jobs": {"tidy": newer}}))
    one = realm.replica(epoch=1)
    await one.lead()
    one.ring(make(), realm.now())
    one.ring(make("other"), realm.now())
    records = {run.job: run for run in await one.records(2)}

    assert {name: str(run.status) for name, run in records.items()} == {"tidy": "failed", "other": "ok"}
    assert "a newer maintd wrote the entry of tidy" in records["tidy"].summary
    await one.state.close()
    assert entry(realm, "tidy") == newer


async def test_a_hold_that_cannot_be_read_crashes_what_acts_and_no_backup_beside_it(realm, make):
    (realm.folder / "state").mkdir()
    damaged = {"restore.hold": {"format": 1, "hold": {"somebody": {"until": "soon"}}}}
    (realm.folder / "state/state.json").write_text(json.dumps({"format": 1, "jobs": damaged}))
    one = realm.replica(epoch=1)
    await one.lead()
    one.ring(make(), realm.now())
    one.ring(make("save", role="protect"), realm.now())
    records = {run.job: str(run.status) for run in await one.records(2)}

    assert records == {"tidy": "crashed", "save": "ok"}


async def test_a_ring_that_a_drain_cut_off_is_not_claimed_behind_its_back(realm, make):
    one = realm.replica(epoch=1)
    await one.lead()
    one.throne.over = True  # so that the claim waits
    one.ring(make("save", role="protect", on_missed="run-once", start_deadline=timedelta(hours=1)), realm.now())
    await asyncio.sleep(0.01)
    one.throne.over = False
    await one.runner.drain(0)
    await one.state.close()

    assert (one.told.runs, one.state.of("save")) == ([], JobState())


async def test_a_second_run_waits_in_the_queue_and_is_claimed_when_its_turn_comes(realm, make):
    one, opened, started = realm.replica(epoch=1), asyncio.Event(), asyncio.Event()
    await one.lead()
    queued = make("tidy", gated(opened, started), overlap="queue")
    first, second = realm.now(), realm.now() + timedelta(microseconds=1)
    one.ring(queued, first)
    await asyncio.wait_for(started.wait(), 10)
    one.ring(queued, second)
    await asyncio.sleep(0.02)
    claimed = entry(realm, "tidy")["open_claim"]["due"]
    opened.set()
    records = await one.records(2)

    assert datetime.fromisoformat(claimed) == first
    assert [(run.status, run.due) for run in records] == [("ok", first), ("ok", second)]
