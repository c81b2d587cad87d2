"""Giving up on what keeps failing, so that a thousand objects do not wait a thousand times for the same dead thing."""

from collections.abc import Iterator
from contextlib import contextmanager

from maintd.core.errors import Transient

LIMIT = 5
"""Failures in a row, each of which may have taken a whole deadline."""


class Fuse:
    """Lets nobody ask for something any more that has failed in passing LIMIT times in a row."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}

    @contextmanager
    def guard(self, what: str) -> Iterator[None]:
        """Around each use. Raises Transient at once where it has failed too often; any success makes good for all."""
        if self._failures.get(what, 0) >= LIMIT:
            raise Transient(f"not tried, since {what} failed {self._failures[what]} times in a row")
        try:
            yield
        except Transient:
            self._failures[what] = self._failures.get(what, 0) + 1
            raise
        self._failures.pop(what, None)
