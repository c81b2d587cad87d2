"""The gate as a run gets it: shut for observers, remembered over runs, and told of in an Event."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from maintd.app.house import House, open_house
from maintd.config.jobs import Job
from maintd.config.settings import Settings
from maintd.core.kind import Kind, Params
from maintd.core.limits import Limits
from maintd.core.outcome import Outcome
from maintd.core.ports import Deletion
from maintd.core.resource import PODS, ObjectRef
from maintd.objects.fields import instant
from maintd.sandbox.faults import Fault, unavailable
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world


class Nothing(Params):
    """A kind without parameters."""


async def greedy(ctx, params):
    """Ask the gate for every pod there is."""
    wishes, now = [], ctx.now()
    async for page in ctx.cluster.pages(PODS, "omtx-hub"):
        now = page.server_time
        for pod in page.items:
            metadata = pod["metadata"]
            ref = ObjectRef(resource="pods", namespace="omtx-hub", name=metadata["name"], uid=metadata["uid"])
            made = instant(metadata, "creationTimestamp")
            wish = Deletion(
                resource=PODS,
                object=ref,
                resource_version=metadata["resourceVersion"],
                created=made,
                since=made,
                annotations={},
                deleting="deletionTimestamp" in metadata,
                rule="all of them",
            )
            wishes.append(wish)
    return Outcome("done", changes=await ctx.gate.delete(wishes, population=len(wishes), now=now))


async def greedy_and_slow(ctx, params):
    await greedy(ctx, params)
    await asyncio.sleep(60)


def job(run, level=1, **limits) -> Job:
    kind = Kind(Nothing, run, level=level)
    return Job(name="it", kind=kind, params=Nothing(), mode="act" if level else "run", limits=Limits(**limits))


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as started:
        broken_world(started)
        yield started


@pytest.fixture
def house(box, tmp_path):
    @asynccontextmanager
    async def opened() -> AsyncIterator[House]:
        settings = Settings(storage=f"file://{tmp_path / 'store'}")
        kubeconfig: Path = box.kubeconfig(tmp_path / "kubeconfig")
        async with open_house(settings, embedded=kubeconfig) as made:
            yield made

    return opened


def deleted(box) -> int:
    return len([asked for asked in box.requests if asked.verb == "delete" and asked.status == 200])


async def act(opened: House, what: Job):
    return await opened.runner.run_now(what, what.mode, actor="a test", reason="")


async def test_a_kind_of_level_0_that_asks_for_a_change_is_a_defect_and_changes_nothing(house, box):
    async with house() as opened:
        run = await act(opened, job(greedy, level=0))

    assert (run.status, deleted(box)) == ("crashed", 0)
    assert "give it its true level" in run.summary


async def test_per_day_is_counted_over_restarts_of_the_daemon(house, box):
    statuses = []
    for _ in range(3):
        async with house() as opened:
            run = await act(opened, job(greedy, per_day=3, max_count=2))
            statuses.append((str(run.status), sum(change.result == "done" for change in run.changes)))

    assert statuses == [("partial", 2), ("partial", 1), ("refused", 0)]
    assert deleted(box) == 3


async def test_cool_down_is_kept_over_restarts_of_the_daemon(house, box):
    statuses = []
    for _ in range(2):
        async with house() as opened:
            statuses.append(str((await act(opened, job(greedy, cool_down=timedelta(hours=1), max_count=1))).status))

    assert (statuses, deleted(box)) == (["partial", "refused"], 1)


async def test_an_interrupted_run_names_in_its_record_what_it_had_changed(house, box):
    async with house() as opened:
        running = asyncio.create_task(act(opened, job(greedy_and_slow, max_count=2)))
        async with asyncio.timeout(10):
            while deleted(box) < 2:
                await asyncio.sleep(0.01)
        await opened.runner.drain(0.2)
        run = await running

    assert (run.status, sum(change.result == "done" for change in run.changes)) == ("interrupted", 2)


async def test_a_run_that_changed_something_leaves_one_event_about_maintd_itself(house, box):
    async with house() as opened:
        await act(opened, job(greedy, max_count=3))
        await act(opened, job(greedy, max_count=1))
    ours = [event for event in box.select("v1", "Event") if event.get("reportingComponent") == "maintd.dev/maintd"]

    assert [event["involvedObject"]["kind"] for event in ours] == ["Deployment", "Deployment"]
    said = sorted(event["message"].partition(";")[0] for event in ours)
    assert said == ["job it deleted 1 pod", "job it deleted 3 pods"]
    assert {event["related"]["kind"] for event in ours} == {"Pod"}


async def test_the_tally_lies_in_the_jobs_entry_of_the_config_map(house, box):
    async with house() as opened:
        await act(opened, job(greedy, per_day=5, max_count=2))
    entry = json.loads(box.get("v1", "ConfigMap", "maintd-state", "maintd")["data"]["it"])

    assert entry["changes"]["count"] == 2
    assert entry["last_runs"][0]["status"] == "partial"


async def test_a_ledger_that_cannot_be_written_lets_nothing_be_changed(house, box):
    box.faults.append(Fault("create", "*/configmaps*", times=1000, answer=unavailable(500)))
    async with house() as opened:
        run = await act(opened, job(greedy, per_day=5, max_count=2))

    assert (run.status, deleted(box)) == ("failed", 0)
    assert "POST" in run.summary
