"""A run and the reign that it was claimed in: what it may change ends with that."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from maintd.app.house import open_house
from maintd.config.jobs import Job
from maintd.config.settings import Settings
from maintd.core.errors import NotLeading
from maintd.core.kind import Kind, Params
from maintd.core.outcome import Outcome
from maintd.core.ports import Deletion
from maintd.core.resource import PODS
from maintd.objects.fields import instant
from maintd.objects.metadata import reference
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world


@dataclass
class Reign:
    """One that a test can end."""

    epoch: int
    over: bool = False

    def seconds_left(self) -> float:
        if self.over:
            raise NotLeading(f"the reign of epoch {self.epoch} is over; nothing was sent")
        return 10.0


class Nothing(Params):
    """A kind without parameters."""


@pytest.fixture
async def box() -> AsyncIterator[Sandbox]:
    async with Sandbox() as started:
        broken_world(started)
        yield started


async def test_a_run_whose_reign_ends_changes_nothing_more_and_is_interrupted(box: Sandbox, tmp_path: Path) -> None:
    settings = Settings(storage=f"file://{tmp_path / 'store'}")
    first, second = Reign(1), Reign(2)

    async def outlives_its_reign(ctx, params):
        pod = await ctx.cluster.get(PODS, box.select("v1", "Pod", "omtx-hub")[0]["metadata"]["name"], "omtx-hub")
        made = instant(pod["metadata"], "creationTimestamp")
        wish = Deletion(
            resource=PODS,
            object=reference(PODS, pod),
            resource_version=pod["metadata"]["resourceVersion"],
            created=made,
            since=made,
            annotations={},
            deleting=False,
            rule="all of them",
        )
        first.over = True
        opened.leadership.begin(second)
        return Outcome("done", changes=await ctx.gate.delete([wish], population=1, now=ctx.now()))

    job = Job(name="it", kind=Kind(Nothing, outlives_its_reign, level=1), params=Nothing(), mode="act")
    async with open_house(settings, embedded=box.kubeconfig(tmp_path / "kubeconfig")) as opened:
        opened.leadership.begin(first)
        opened.leadership.crown()
        run = await opened.runner.run_now(job, "act", actor="a test", reason="")

    assert (str(run.status), run.epoch) == ("interrupted", 1)
    assert [asked for asked in box.requests if asked.verb == "delete"] == []
