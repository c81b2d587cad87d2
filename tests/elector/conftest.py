"""Candidates for one lease on a virtual clock, over lines that a test can cut."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from maintd.core.errors import Conflict, NotLeading, Transient
from maintd.core.guard import Guard
from maintd.election.elector import Elector
from maintd.election.lease_record import Record

LEASE = 15.0
FOR_EVER = 10.0**9


@dataclass
class Server:
    """Keeps one Lease, and changes it by compare-and-swap."""

    record: Record | None = None
    version: int = 0
    requests: int = 0
    epochs: list[int] = field(default_factory=list)
    """Of each record that was taken, when it differed from the one before."""
    fence: int = 0
    """The highest epoch that began its work: what the state of all jobs remembers."""

    def begin(self, epoch: int) -> None:
        if epoch <= self.fence:
            raise NotLeading(f"the state knows epoch {self.fence}")
        self.fence = epoch

    def write(self, record: Record | None, version: int | None = None) -> int:
        if version is not None and version != self.version:
            raise Conflict("changed since it was read")
        if record and record.holder and (not self.epochs or self.epochs[-1] != record.epoch):
            self.epochs.append(record.epoch)
        self.version += 1
        self.record = record
        return self.version


@dataclass
class Line:
    """One candidate's way to the server. `weather` befalls each request: see the methods' names."""

    server: Server
    weather: str = "fine"
    latency: float = 0.01
    late: set[asyncio.Task[None]] = field(default_factory=set)

    def describe(self) -> str:
        return "lease test/maintd"

    async def load(self) -> tuple[Record | None, int]:
        await self._sent()
        found = self.server.record, self.server.version
        await asyncio.sleep(self.latency)
        return found

    async def save(self, record: Record, token: int) -> int:
        if self.weather == "slow":
            return await self._arrive_late(record, token)
        await self._sent()
        found = self.server.write(record, token)
        await asyncio.sleep(FOR_EVER if self.weather == "lost replies" else self.latency)
        return found

    async def _sent(self) -> None:
        if self.weather == "refused":
            raise Transient("connection refused")
        await asyncio.sleep(FOR_EVER if self.weather == "black hole" else self.latency)
        self.server.requests += 1

    async def _arrive_late(self, record: Record, token: int) -> int:
        """The write comes in long after its sender gave up on it."""

        async def arrive() -> None:
            await asyncio.sleep(LEASE / 2)
            with contextlib.suppress(Conflict):
                self.server.write(record, token)

        task = asyncio.create_task(arrive())
        self.late.add(task)
        await asyncio.sleep(FOR_EVER)
        raise AssertionError("unreachable")


class Lines(list[tuple[str, str, dict[str, Any]]]):
    """A Log that keeps (level, event, fields)."""

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.append((level, event, fields))

    def events(self) -> list[str]:
        return [event for _, event, _ in self]


@dataclass
class Candidate:
    """An elector with its line, what it logged, and its work: it waits to be told how to end."""

    name: str
    line: Line
    elector: Elector
    log: Lines
    others: list["Candidate"]
    reigns: list[Guard] = field(default_factory=list)
    overlaps: list[str] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    fails_with: Exception | None = None
    gained: list[float] = field(default_factory=list)
    lost: list[float] = field(default_factory=list)
    task: asyncio.Task[None] | None = None

    @property
    def acts(self) -> bool:
        """What the guard says, as a write would hear it."""
        try:
            return bool(self.reigns) and self.reigns[-1].seconds_left() > 0
        except NotLeading:
            return False

    def start(self) -> "Candidate":
        self.task = asyncio.create_task(self.elector.run(self.lead))
        return self

    async def stop(self) -> None:
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def lead(self, reign: Guard) -> None:
        now = asyncio.get_running_loop().time
        self.line.server.begin(reign.epoch)
        self.reigns.append(reign)
        self.gained.append(now())
        self.overlaps += [
            f"{self.name} and {other.name} at {now():g}" for other in self.others if other is not self and other.acts
        ]
        try:
            await self.told.wait()
            if self.fails_with:
                error, self.fails_with = self.fails_with, None
                self.told.clear()
                raise error
        finally:
            self.lost.append(now())


@dataclass
class Race:
    """Candidates for one Lease; what they left behind is cleared at the end of the test."""

    server: Server = field(default_factory=Server)
    candidates: list[Candidate] = field(default_factory=list)

    def enter(self, name: str, *, clock: Callable[[], float] | None = None) -> Candidate:
        line, log = Line(self.server), Lines()
        loop = asyncio.get_running_loop()
        duration, floor = timedelta(seconds=LEASE), lambda: self.server.fence
        elector = Elector(line, name, duration, log, floor=floor, clock=clock or loop.time)
        made = Candidate(name, line, elector, log, self.candidates)
        self.candidates.append(made)
        return made

    async def leader(self, *, within: float = 60.0) -> Candidate:
        """Whoever acts, once somebody does."""
        async with asyncio.timeout(within):
            while not (acting := [one for one in self.candidates if one.acts]):
                await asyncio.sleep(0.1)
        [one] = acting
        return one

    async def clear(self) -> None:
        for one in self.candidates:
            if one.task:
                one.line.weather = "fine"
                await one.stop()
            for task in one.line.late:
                task.cancel()


@pytest.fixture
async def race():
    """An empty field on the loop's own clock."""
    made = Race()
    yield made
    await made.clear()


def after(started: float) -> float:
    """Seconds since then, by the loop's clock."""
    return asyncio.get_running_loop().time() - started
