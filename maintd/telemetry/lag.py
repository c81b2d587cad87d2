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
        self._last = 0.0

    async def run(self) -> None:
        """Beat until cancelled."""
        now = asyncio.get_running_loop().time
        self._last = now()
        while True:
            await asyncio.sleep(self._period)
            late = now() - self._last - self._period
            self._last = now()
            self._observe(max(0.0, late))

    def silent_seconds(self) -> float:
        """How long ago the last beat was."""
        return asyncio.get_running_loop().time() - self._last
