"""Whose turn it is: at most so many at once, first come, first served."""

import asyncio
from collections import deque


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
