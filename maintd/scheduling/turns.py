"""Whose turn it is: at most so many at once, first come, first served; waiting that can be cut short, or gives way."""

import asyncio
from collections import deque
from typing import Any

GIVE_WAY_SECONDS = 5.0
"""How long others give way to a crowd."""


class Turns:
    """A semaphore that hands out futures, so that nobody needs a task to wait."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[asyncio.Future[None]] = deque()

    def take(self) -> asyncio.Future[None]:
        """Done when it is the caller's turn, who then owes a `give`; cancelled by who no longer wants it."""
        turn = asyncio.get_running_loop().create_future()
        if self._free:
            self._free -= 1
            turn.set_result(None)
        else:
            self._waiting.append(turn)
        return turn

    def give(self) -> None:
        """Pass the turn on to the next who still wants it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Crowd:
    """Those who wait to start; what can wait lets them pass, for a while."""

    def __init__(self) -> None:
        self._size = 0
        self._passed = asyncio.Event()
        self._passed.set()
        self._patience: asyncio.TimerHandle | None = None

    def join(self) -> None:
        """One more; who joins owes a `leave`."""
        self._size += 1
        if self._passed.is_set():
            self._passed.clear()
            self._patience = asyncio.get_running_loop().call_later(GIVE_WAY_SECONDS, self._passed.set)

    def leave(self) -> None:
        """One starts now, or has given up."""
        self._size -= 1
        if not self._size:  # the last one's first step comes before those who wait for it
            asyncio.get_running_loop().call_soon(self._disperse)

    async def passed(self) -> None:
        """Returns once nobody waits to start, or that has taken too long."""
        await self._passed.wait()

    def _disperse(self) -> None:
        if not self._size and self._patience:
            self._patience.cancel()
            self._passed.set()


class Waits:
    """What runs wait for before they start."""

    def __init__(self) -> None:
        self._waits: set[asyncio.Future[Any]] = set()
        self.over = False
        """Nobody shall wait any more."""

    def cut(self) -> None:
        """End every wait of this moment."""
        for wait in [*self._waits]:
            wait.cancel()

    def end(self) -> None:
        """End every wait, and those to come."""
        self.over = True
        self.cut()

    async def until(self, wait: asyncio.Future[Any]) -> bool:
        """False where the wait was ended before it was done; then it is cancelled."""
        if not wait.done():
            if self.over:
                wait.cancel()
            self._waits.add(wait)
            await asyncio.wait({wait})
            self._waits.discard(wait)
        return not wait.cancelled()
