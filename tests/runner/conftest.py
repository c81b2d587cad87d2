"""A runner on real state in a folder, with a sink that keeps what it is given."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maintd.app.leadership import Leadership
from maintd.config.jobs import Job, Retry
from maintd.core.errors import Missing
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome, Run
from maintd.core.target import Target
from maintd.scheduling.entry import JobState
from maintd.scheduling.homes import FolderHome
from maintd.scheduling.pending import Due
from maintd.scheduling.ring import Ring
from maintd.scheduling.runner import Runner
from maintd.scheduling.state import State
from maintd.telemetry.logs import get

DUE = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class Nothing(Params):
    """A kind without parameters."""


@dataclass
class Kept:
    """A sink that remembers; `refuse` makes it fail as a store does that is full."""

    runs: list[Run] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)
    refuse: str = ""

    def started(self, ring: Ring) -> None:
        self.begun.append(ring.run_id)

    async def emit(self, run: Run) -> Mapping[str, str]:
        self.runs.append(run)
        return {"history": self.refuse} if self.refuse else {}

    def statuses(self) -> list[str]:
        return [str(run.status) for run in self.runs]


@dataclass
class House:
    """What a test of the runner works with."""

    runner: Runner
    sink: Kept
    state: State
    folder: Path

    def job(self, run: Callable[[Context, Nothing], Awaitable[Outcome]], name: str = "tidy", **more: Any) -> Job:
        level = more.pop("level", 0)
        kind = Kind(Nothing, run, level=level)
        fields = {"timeout": timedelta(seconds=5), "retry": Retry(), "mode": "act" if level else "run"} | more
        return Job(name=name, kind=kind, params=Nothing(), **fields)

    async def records(self, number: int) -> list[Run]:
        """The records, once there are that many."""
        async with asyncio.timeout(10):
            while len(self.sink.runs) < number:
                await asyncio.sleep(0.005)
        return self.sink.runs

    def ring(self, job: Job, due: datetime = DUE) -> None:
        self.runner.ring(job, Due(job.name, due, 1))

    async def run(self, job: Job) -> Run:
        return await self.runner.run_now(job, job.mode, actor="a test", reason="")


class NoGate:
    """What a kind that changes nothing has for a gate."""

    changes = ()


@asynccontextmanager
async def open_context(ring: Ring, entry: JobState) -> AsyncIterator[Context]:
    log = get("test").bind(job=ring.job.name)
    memory, by_hand = dict(entry.memory), ring.trigger == "manual"
    yield Context(ring.run_id, ring.job.name, Target(), None, NoGate(), None, None, log, now, memory, by_hand)


def now() -> datetime:
    return datetime.now(UTC)


async def nothing(run_id: str) -> Run:
    raise Missing(f"there is no record of {run_id}")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    state = State(FolderHome(tmp_path), get("test"))
    sink = Kept()
    runner = Runner(
        open_context, state, sink, get("test"), clock=now, leadership=Leadership(), recall=nothing, max_running=2
    )
    yield House(runner, sink, state, tmp_path)
    await runner.drain(0)
    await state.close()
