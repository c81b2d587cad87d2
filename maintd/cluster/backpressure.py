"""Obeys 429: the API server is the judge of how much it can take, there is no rate of our own on top."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta


class Backpressure:
    """After a 429 one request at a time, no sooner than the server said, until one gets through."""

    def __init__(self) -> None:
        self._until: float | None = None
        self._first = asyncio.Lock()

    def asked_for(self, patience: timedelta) -> None:
        """The server wants nothing for so long."""
        self._until = max(self._until or 0.0, asyncio.get_running_loop().time() + patience.total_seconds())

    def over(self) -> None:
        """A request got through."""
        self._until = None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Holds the caller back until it may send."""
        if self._wait() is None:
            yield
            return
        async with self._first:
            wait = self._wait()
            if wait is not None:
                await asyncio.sleep(wait)
                yield
                return
        yield

    def _wait(self) -> float | None:
        return None if self._until is None else self._until - asyncio.get_running_loop().time()
