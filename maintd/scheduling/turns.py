"""Whose turn it is: at most so many at once, first come, first served; and waiting that can be cut short."""

import asyncio
from collections import deque
from typing import Any


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
