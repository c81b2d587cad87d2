"""How late the event loop gets round to what is due: the pulse of the daemon."""

import asyncio
from collections.abc import Callable
from typing import Final

PERIOD_SECONDS: Final = 1.0


class Pulse:
    """Beats once a second while the loop turns."""

    def __init__(self, observe: Callable[[float], None], *, period_seconds: float = PERIOD_SECONDS) -> None:
        """`observe` is told at each beat how many seconds late it came."""
        self._observe = observe
        self._period = period_seconds
        self._last: float | None = None

    async def run(self) -> None:
        """Beat until cancelled."""
        now = asyncio.get_running_loop().time
        while True:
            before = self._last = now()
            await asyncio.sleep(self._period)
            self._observe(max(0.0, now() - before - self._period))

    def silent_seconds(self) -> float:
        """How long ago the last beat was; zero before the first."""
        return 0.0 if self._last is None else asyncio.get_running_loop().time() - self._last
