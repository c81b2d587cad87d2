"""Obeys 429: the API server is the judge of how much it can take, there is no rate of our own on top."""

import asyncio
import contextlib
from datetime import timedelta


class Backpressure:
    """After a 429 nothing is sent sooner than the server said, nor closer together, until a request gets through.

    Closer together in time, and not one at a time: a request that hangs holds the others back no longer than that.
    """

    def __init__(self) -> None:
        self._until: float | None = None
        self._patience = 0.0
        self._got_through = asyncio.Event()

    def asked_for(self, patience: timedelta) -> None:
        """The server wants nothing for so long."""
        if self._until is None:
            self._got_through.clear()
        self._patience = patience.total_seconds()
        self._until = max(self._until or 0.0, self._now() + self._patience)

    def over(self) -> None:
        """A request got through."""
        self._until = None
        self._got_through.set()

    async def turn(self) -> None:
        """Holds the caller back until it may send."""
        while self._until is not None:
            left = self._until - self._now()
            if left <= 0:
                self._until = self._now() + self._patience
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._got_through.wait()

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
