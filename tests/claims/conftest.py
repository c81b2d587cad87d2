"""Replicas in one process: each a runner with a state of its own on the home that they share, and one store."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maintd.config.jobs import Job
from maintd.core.errors import NotLeading
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome, Run
from maintd.core.target import Target
from maintd.scheduling.claims import begin
from maintd.scheduling.entry import JobState
from maintd.scheduling.homes import FolderHome
from maintd.scheduling.orders import Orders
from maintd.scheduling.pending import Due
from maintd.scheduling.ring import Ring
from maintd.scheduling.runner import Runner
from maintd.scheduling.state import Home, State
from maintd.sinks.fanout import Fanout, Start
from maintd.sinks.history import History
from maintd.storage.open import open_store
from maintd.telemetry.logs import get

Work = Callable[[Context, Params], Awaitable[Outcome]]


class Nothing(Params):
    """A kind without parameters."""


@dataclass
class Throne:
    """A reign that somebody decreed; with epoch 0 nobody is elected, as for who types."""

    identity: str
    epoch: int = 0
    over: bool = False

    def current(self) -> "Throne":
        self.seconds_left()
        return self

    def seconds_left(self) -> float:
        if self.over:
            raise NotLeading("this reign is over")
        return 60.0


@dataclass
class Told:
    """A sink that remembers."""

    name: str = "told"
    runs: list[Run] = field(default_factory=list)
    begun: list[Start] = field(default_factory=list)

    def started(self, start: Start) -> None:
        self.begun.append(start)

    async def emit(self, run: Run) -> None:
        self.runs.append(run)


@dataclass
class Replica:
    """One process, as far as claims go."""

    throne: Throne
    state: State
    told: Told
    runner: Runner
    history: History
    orders: Orders

    async def lead(self) -> None:
        """Let no earlier reign claim any more."""
        await self.state.change(lambda entries: begin(entries, self.throne.epoch))

    def ring(self, job: Job, due: datetime) -> None:
        self.runner.ring(job, Due(job.name, due, 1))

    async def records(self, number: int) -> list[Run]:
        """What it told, once there are that many, oldest first."""
        async with asyncio.timeout(20):
            while len(self.told.runs) < number or self.runner._tasks:
                await asyncio.sleep(0.005)
        return self.told.runs


@dataclass
class Realm:
    """What the replicas of one test share: a home, a store, and a clock that a test may set."""

    folder: Path
    moment: datetime | None = None
    replicas: list[Replica] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment or datetime.now(UTC)

    def replica(
        self,
        name: str = "a",
        epoch: int = 0,
        home: Home | None = None,
        *,
        stores: bool = True,
        max_running: int = 1000,
    ) -> Replica:
        log, throne, told = get("test"), Throne(name, epoch), Told()
        state = State(home or FolderHome(self.folder / "state"), log)
        history = History(open_store(f"file://{self.folder / 'store'}", "c"), log)
        runner = Runner(
            opening(throne),
            state,
            Fanout((history, told) if stores else (told,), log),
            log,
            clock=self.now,
            leadership=throne,
            recall=history.read,
            max_running=max_running,
        )
        orders = Orders(state, runner, log, clock=self.now, reign=lambda: throne)
        made = Replica(throne, state, told, runner, history, orders)
        self.replicas.append(made)
        return made

    def stored(self) -> list[str]:
        """The ids of the runs whose records are in the store."""
        return sorted(path.stem for path in self.folder.glob("store/c/runs/**/*.json"))


def opening(throne: Throne) -> Callable[[Ring, JobState], Any]:
    @asynccontextmanager
    async def opened(ring: Ring, entry: JobState) -> AsyncIterator[Context]:
        log = get("test").bind(job=ring.job.name)
        gate: Any = type("NoGate", (), {"changes": ()})()
        none: Any = None
        memory = dict(entry.memory)
        yield Context(
            ring.run_id, ring.job.name, Target(), none, gate, none, none, log, lambda: datetime.now(UTC), memory
        )

    return opened


async def at_once(ctx: Context, params: Params) -> Outcome:
    return Outcome("done")


def job(name: str = "tidy", run: Work = at_once, *, role: str = "act", idempotent: bool = False, **more: Any) -> Job:
    """A job that acts, protects or observes."""
    kind = Kind(Nothing, run, level=1 if role == "act" else 0, protects=role == "protect", idempotent=idempotent)
    fields = {"timeout": timedelta(seconds=20), "mode": "act" if role == "act" else "run"} | more
    return Job(name=name, kind=kind, params=Nothing(), **fields)


@pytest.fixture
async def realm(tmp_path: Path) -> AsyncIterator[Realm]:
    made = Realm(tmp_path)
    yield made
    for replica in made.replicas:
        await replica.runner.drain(0)
        await replica.state.close()


@pytest.fixture
def make() -> Callable[..., Job]:
    return job
