"""One reign: the time for which this process may act, and not a moment longer."""

import time
from collections.abc import Callable

from maintd.core.errors import NotLeading

Clock = Callable[[], float]
"""Seconds of a clock that never steps and that runs on while the machine sleeps."""
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # macOS has no BOOTTIME: its MONOTONIC is that clock


def boottime() -> float:
    """Seconds since the machine was started, its sleep included."""
    return time.clock_gettime(_CLOCK)


class Reign:
    """The guard of one epoch: valid for `seconds` after the start of the last renewal that worked."""

    def __init__(self, epoch: int, started: float, seconds: float, clock: Clock) -> None:
        self.epoch = epoch
        self._renewed = started
        self._seconds = seconds
        self._clock = clock
        self._ended = False

    @property
    def left(self) -> float:
        """Seconds; 0 or less once it is over."""
        return 0.0 if self._ended else self._renewed + self._seconds - self._clock()

    @property
    def age(self) -> float:
        """Seconds since the start of the last renewal that worked."""
        return self._clock() - self._renewed

    def renewed(self, started: float) -> None:
        """A renewal that was begun then has worked."""
        self._renewed = started

    def end(self) -> None:
        """For good."""
        self._ended = True

    def seconds_left(self) -> float:
        """As core.guard has it."""
        left = self.left
        if left <= 0:
            raise NotLeading(f"the reign of epoch {self.epoch} is over, another maintd may act now; nothing was sent")
        return left
