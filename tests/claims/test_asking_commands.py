"""`maintd pause`, `resume`, `cancel`, `jobs`: typed anywhere, obeyed where the jobs run."""

import asyncio
import contextlib
import getpass
import json
import re
import socket
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from maintd.cli import cli
from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.outcome import Outcome
from maintd.sandbox.faults import Fault, unavailable
from maintd.scheduling.entry import Pause
from maintd.scheduling.homes import NAME, ConfigMapHome
from maintd.scheduling.judgement import EVERYTHING
from maintd.scheduling.roll import roll_call
from maintd.telemetry import logs

JOBS = """version: 1
targets: {app: {namespace: default}}
defaults: {target: app}
jobs:
  - {name: tidy, kind: cleanup-pods, schedule: "17 3 * * sun", mode: act}
  - {name: looks, kind: version-check, every: 1h}
"""
ME = f"{getpass.getuser()}@{socket.gethostname()}"


async def forever(ctx, params):
    await asyncio.Event().wait()
    return Outcome("never")


@pytest.fixture
def environment(sandbox, tmp_path):
    (tmp_path / "jobs.yaml").write_text(JOBS)
    return {
        "KUBECONFIG": str(sandbox.kubeconfig(tmp_path / "kubeconfig")),
        "MAINTD_JOBS_FILE": str(tmp_path / "jobs.yaml"),
        "MAINTD_STORAGE": f"file://{tmp_path / 'store'}",
        "MAINTD_CLUSTER": "c",
        "MAINTD_STATE_NAMESPACE": "default",
        "MAINTD_LOG_FORMAT": None,
    }


@pytest.fixture
def typed(environment):
    """Types a command, in a thread beside the servers of the test."""

    async def type_(*words, **more):
        return await asyncio.to_thread(CliRunner().invoke, cli, words, env=environment | more)

    yield type_
    logs.shutdown()


@pytest.fixture
async def leader(sandbox, tmp_path, realm, make):
    """A daemon as far as these commands go: it has taken its jobs, and obeys."""
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "its-kubeconfig"))
    one = realm.replica("leader", epoch=1, home=ConfigMapHome(ClusterReader(api), ClusterWriter(api), "default"))
    await one.lead()
    await one.state.change(roll_call([make("tidy"), make("looks", role="observe")], realm.now()))
    yield one
    await one.runner.drain(0)
    await api.close()


async def begun(replica, number=1):
    async with asyncio.timeout(10):
        while len(replica.told.begun) < number:
            await asyncio.sleep(0.005)
    return replica.told.begun[-1].run_id


async def test_a_job_is_paused_for_a_while_seen_to_be_and_resumed(typed, leader):
    before = datetime.now(UTC)
    said = await typed("pause", "tidy", "--for", "2h", "--reason", "migration")
    row = json.loads((await typed("jobs", "-o", "json")).stdout)[0]
    table = (await typed("jobs")).stdout
    await leader.state.look()
    pause = leader.state.of("tidy").paused
    ended = await typed("resume", "tidy")
    again = await typed("resume", "tidy")
    await leader.state.look()

    until = f"{pause.until:%Y-%m-%d %H:%M} UTC"
    assert (said.exit_code, said.stdout) == (0, f"tidy is paused by {ME} until {until}: migration\n")
    assert abs(pause.until - before - timedelta(hours=2)) < timedelta(minutes=1)
    assert row["paused"] == {"until": f"{pause.until:%Y-%m-%dT%H:%M:%SZ}", "by": ME, "reason": "migration"}
    told = rf"tidy .* paused\nlooks .* waits\ntidy is paused by {ME} until {until}: migration\n"
    assert re.fullmatch(rf"JOB.*NOW\n{told}", table)
    assert ended.stdout == f"tidy was paused by {ME} until {until}: migration; that is over\n"
    assert (again.exit_code, again.stdout, leader.state.of("tidy").paused) == (0, "tidy was not paused\n", None)


async def test_all_that_acts_is_paused_until_an_instant_and_jobs_says_so_of_what_acts(typed, leader, realm):
    until = (realm.now() + timedelta(days=1)).replace(microsecond=0)
    said = await typed("pause", "--all", "--until", until.isoformat())
    rows = {row["job"]: row["paused"] for row in json.loads((await typed("jobs", "-o", "json")).stdout)}
    await typed("pause", "looks", "--for", "1h")
    resumed = await typed("resume", "--all")
    await leader.state.look()

    assert said.stdout == f"every acting job is paused by {ME} until {until:%Y-%m-%d %H:%M} UTC\n"
    assert (rows["tidy"]["by"], rows["looks"]) == (ME, None)
    assert "still paused: looks" in resumed.stderr
    assert leader.state.of(EVERYTHING).paused is None


async def test_a_run_is_shown_where_it_runs_and_ended_by_whoever_asks(typed, leader, make, realm):
    leader.ring(make("tidy", forever), realm.now())
    run_id = await begun(leader)
    row = json.loads((await typed("jobs", "-o", "json")).stdout)[0]
    orders = asyncio.create_task(leader.orders.run())
    said = await typed("cancel", run_id, "--reason", "wrong night")
    again = await typed("cancel", run_id)
    orders.cancel()

    assert (row["running"]["run_id"], row["running"]["holder"]) == (run_id, "leader")
    ended = f"{run_id} ended as interrupted: stopped from outside before it was done: cancelled by {ME}: wrong night"
    assert (said.exit_code, said.stdout) == (0, f"{ended}\n")
    assert (again.exit_code, again.stdout) == (1, f"{ended} before; nothing was to be cancelled\n")


async def test_a_run_that_nobody_knows_is_said_to_be_unknown(typed, leader, monkeypatch):
    monkeypatch.setattr("maintd.cli.cancel._PATIENCE", 0.5)
    said = await typed("cancel", "20261122T030000Z-tidy-abcdef")

    assert (said.exit_code, "nobody is known to run 20261122T030000Z-tidy-abcdef" in said.stdout) == (1, True)


async def test_a_run_whose_holder_does_not_answer_is_said_to_be_asked(typed, leader, make, realm, monkeypatch):
    monkeypatch.setattr("maintd.cli.cancel._PATIENCE", 0.5)
    leader.ring(make("tidy", forever), realm.now())
    run_id = await begun(leader)
    said = await typed("cancel", run_id)

    assert (said.exit_code, said.stdout.startswith(f"{run_id} was asked to end, and has not yet: leader")) == (1, True)


@contextlib.asynccontextmanager
async def looking(replica):
    """It looks for orders often."""

    async def looks():
        while True:
            await replica.orders.look()
            await asyncio.sleep(0.05)

    task = asyncio.create_task(looks())
    yield
    task.cancel()


@pytest.fixture
async def silent(leader, realm, make, monkeypatch):
    """What somebody runs by hand in a process that obeys nobody any more."""
    monkeypatch.setattr("maintd.cli.cancel._PATIENCE", 0.5)
    laptop = realm.replica("laptop", home=leader.state._home)
    typed = asyncio.create_task(laptop.runner.run_now(make("tidy", forever), "act", actor="bob", reason=""))
    yield await begun(laptop)
    laptop.runner.interrupt()
    await typed


async def test_of_a_run_by_hand_it_is_said_until_when_it_counts_and_what_to_type_if_it_is_gone(typed, silent):
    said = await typed("cancel", silent)

    told = rf"{silent} was asked to end, and has not yet: laptop runs it, or is gone; then it ends at (\d\d:\d\d) UTC"
    assert re.fullmatch(rf"{told}, or now if you know it: maintd cancel {silent} --gone\n", said.stdout)
    assert said.exit_code == 1


async def test_a_run_by_hand_whose_process_is_known_to_be_gone_holds_up_its_job_no_more(
    typed, leader, realm, silent, make
):
    async with looking(leader):
        said = await typed("cancel", silent, "--gone")
    leader.ring(make("tidy"), realm.now())
    [buried, rung] = await leader.records(2)

    assert said.stdout.startswith(f"{silent} ended as interrupted: laptop, where it ran, is gone;")
    assert (said.exit_code, buried.run_id, rung.status) == (0, silent, "ok")


async def test_a_run_that_answers_is_not_given_up_whatever_is_said(typed, leader, realm, silent):
    laptop = realm.replicas[-1]

    async def obeys_slowly():
        while laptop.state.of("tidy").cancel is None:
            await asyncio.sleep(0.02)
            await laptop.state.look()
        await asyncio.sleep(0.3)
        await laptop.orders.look()

    async with looking(leader), asyncio.TaskGroup() as group:
        group.create_task(obeys_slowly())
        said = await typed("cancel", silent, "--gone")

    assert f"{silent} ended as interrupted: stopped from outside before it was done: cancelled by" in said.stdout
    assert said.exit_code == 0


async def test_where_nobody_leads_it_is_buried_before_its_job_starts_again(
    typed, leader, realm, silent, make, monkeypatch
):
    monkeypatch.setattr("maintd.cli.cancel._PATIENCE_WITH_LEADER", 0.5)
    said = await typed("cancel", silent, "--gone")
    leader.ring(make("tidy"), realm.now())
    [buried, rung] = await leader.records(2)

    assert said.stdout.startswith(f"{silent} holds up its job no more; its record comes from who leads, or before")
    assert (said.exit_code, buried.run_id, rung.status) == (1, silent, "ok")


async def test_a_daemons_run_is_alive_while_its_reign_lasts_whatever_is_said(typed, leader, realm, make, monkeypatch):
    monkeypatch.setattr("maintd.cli.cancel._PATIENCE", 0.5)
    monkeypatch.setattr("maintd.cli.cancel._PATIENCE_WITH_LEADER", 0.5)
    leader.ring(make("tidy", forever), realm.now())
    run_id = await begun(leader)
    said = await typed("cancel", run_id, "--gone")
    await leader.state.look()

    assert said.stdout.endswith("leader runs it, or is gone and is buried by who leads\n")
    assert (said.exit_code, leader.runner.orphans.found()) == (1, [])


BAD = {
    "no end": (["pause", "tidy"], 2, "say how long with --for 2h, or until when with --until ISO"),
    "two ends": (["pause", "tidy", "--for", "1h", "--until", "2027-01-01T00:00:00Z"], 2, "say how long with --for 2h"),
    "nothing named": (["pause", "--for", "1h"], 2, "name one job, or say --all"),
    "both named": (["resume", "tidy", "--all"], 2, "name one job, or say --all"),
    "a bare number": (["pause", "tidy", "--for", "5"], 2, "'5' is not a duration; write it like 30s"),
    "the past": (["pause", "tidy", "--until", "2026-01-01T00:00:00Z"], 2, "2026-01-01T00:00:00Z has passed"),
    "no zone": (["pause", "tidy", "--until", "2027-01-01T00:00:00"], 2, "has no zone; write 2027-01-01T00:00:00Z"),
    "no such job": (["pause", "tidi", "--for", "1h"], 2, "has a job tidi; did you mean tidy?"),
    "no such job's run": (["cancel", "20261122T030000Z-tidi-abcdef"], 2, "has a job tidi; did you mean tidy?"),
    "no run id": (["cancel", "tidy"], 1, "there is no run 'tidy': ids look like"),
}


@pytest.mark.parametrize(("words", "code", "why"), BAD.values(), ids=BAD.keys())
async def test_what_cannot_be_asked_is_refused_with_what_to_type_instead(typed, leader, words, code, why):
    said = await typed(*words)

    assert (said.exit_code, why in said.stderr) == (code, True), said.stderr
    await leader.state.look()
    assert [entry.paused for entry in leader.state.entries.values() if entry.paused] == []


async def test_where_no_maintd_has_led_nothing_is_written(typed, sandbox):
    said = await typed("pause", "--all", "--for", "1h")

    assert said.exit_code == 1
    assert "there is no state in configmap default/maintd-state: no maintd has led there" in said.stderr
    assert NAME not in [found["metadata"]["name"] for found in sandbox.select("v1", "ConfigMap", "default")]


async def test_without_the_right_to_write_it_is_said_and_the_right_is_named(typed, leader, sandbox):
    sandbox.faults.append(Fault("update", "*/configmaps*", times=9, answer=unavailable(403)))
    said = await typed("pause", "--all", "--for", "1h")
    await leader.state.look()

    assert (said.exit_code, "update" in said.stderr, "configmaps" in said.stderr) == (1, True, True), said.stderr
    assert leader.state.of(EVERYTHING).paused is None


async def test_a_pause_survives_the_leader_and_holds_under_the_next(realm, make):
    first, second = realm.replica("first", epoch=1), realm.replica("second", epoch=2)
    await first.lead()
    pause = Pause(until=realm.now() + timedelta(hours=1), by="ann")
    await first.state.update("tidy", lambda entry: entry.model_copy(update={"paused": pause}))
    await second.lead()
    second.ring(make("tidy"), realm.now())

    assert [str(run.status) for run in await second.records(1)] == ["skipped"]
