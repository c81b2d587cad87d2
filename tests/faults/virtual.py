"""A loop whose time is its own: weeks pass in seconds, and only what threads do takes real time.

The wall clock moves with it, for the whole process; so a process has one such loop and nothing beside it.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from datetime import UTC, datetime
from typing import Any, TypeVar

import time_machine

T = TypeVar("T")
_RESOLUTION_SECONDS = 1e-6
"""After 2**24 s, in July, the next float is more than asyncio's nanosecond away, and what is due now would never be."""


class World:
    """The clocks of one machine; both move on while its loop waits."""

    def __init__(self, wall: time_machine.Traveller) -> None:
        self._wall = wall
        self.monotonic = 0.0
        self.threads = 0
        """How many answers of threads are awaited; time stands still for them."""

    def pass_by(self, seconds: float) -> None:
        """Time goes by on both clocks; called from within, the loop had no part in it."""
        self.monotonic += seconds
        self._wall.shift(seconds)

    def step(self, seconds: float) -> None:
        """The wall clock alone."""
        self._wall.shift(seconds)


class _Selector(selectors.DefaultSelector):
    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self._world.threads or timeout is None:
            return super().select(1.0)
        self._world.pass_by(timeout)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, world: World) -> None:
        super().__init__(_Selector(world))
        self._clock_resolution = _RESOLUTION_SECONDS
        self._world = world

    def time(self) -> float:
        return self._world.monotonic

    def run_in_executor(self, executor: Executor | None, func: Any, *args: Any) -> Any:
        answer = super().run_in_executor(executor, func, *args)
        self._world.threads += 1
        answer.add_done_callback(self._answered)
        return answer

    def _answered(self, _: Any) -> None:
        self._world.threads -= 1


def live(start: datetime, main: Callable[[World], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine function `main(world)` in a world that begins at `start`."""
    with time_machine.travel(start.astimezone(UTC), tick=False) as wall:
        world = World(wall)
        with asyncio.Runner(loop_factory=lambda: _Loop(world)) as runner:
            return runner.run(main(world))
