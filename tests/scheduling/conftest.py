"""A world with its own clocks: hours pass in milliseconds, and clocks can be set, stopped and left behind."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from maintd.scheduling.pending import Due

START = datetime(2026, 11, 23, 14, 43, tzinfo=UTC)


class World:
    """The wall clock and the monotonic clock of one machine; both move on while its event loop waits."""

    def __init__(self, wall: time_machine.Traveller) -> None:
        self._wall = wall
        self.monotonic = 0.0

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def pass_by(self, seconds: float) -> None:
        """Time goes by and the loop has no part in it: blocked, or the process was stopped."""
        self.monotonic += seconds
        self._wall.shift(seconds)

    def step(self, seconds: float) -> None:
        """The wall clock alone: set by NTP or by hand, or the machine was suspended."""
        self._wall.shift(seconds)

    def set(self, at: datetime) -> None:
        self._wall.move_to(at)

    def run(self, main: Coroutine[Any, Any, Any]) -> Any:
        with asyncio.Runner(loop_factory=lambda: _Loop(self)) as runner:
            return runner.run(main)


class _Selector(selectors.SelectSelector):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise RuntimeError("the loop would wait for ever")
        self._world.pass_by(max(timeout, 0))
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, world: World) -> None:
        super().__init__(_Selector(world))
        self._world = world

    def time(self) -> float:
        return self._world.monotonic


class LogBook:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.lines.append((level, event, fields))

    def events(self, level: str) -> list[tuple[str, str | None]]:
        """(event, job) of each line."""
        return [(event, fields.get("job")) for at, event, fields in self.lines if at == level]


@pytest.fixture
def world() -> Iterator[World]:
    with time_machine.travel(START, tick=False) as wall:
        yield World(wall)


@pytest.fixture
def log() -> LogBook:
    return LogBook()


@dataclass
class Bell:
    """What an alarm rings: writes down who, for when, how many instants at once, and how late it was."""

    world: World
    rung: list[tuple[str, datetime, int]] = field(default_factory=list)
    late: list[timedelta] = field(default_factory=list)

    def __call__(self, due: Due) -> None:
        self.rung.append((due.job, due.at, due.folded))
        self.late.append(self.world.now - due.at)

    def dues(self, job: str) -> list[datetime]:
        return [due for name, due, _ in self.rung if name == job]


@pytest.fixture
def bell(world: World) -> Bell:
    return Bell(world)
