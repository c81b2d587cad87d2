"""What a busy machine does to a process: how long it was ready and waited for a processor. It is taken off a stall."""

import asyncio
from bisect import bisect_left, bisect_right
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LOOK_SECONDS = 0.05


@dataclass
class Waits:
    """Of the main thread of one process, while `watch` runs."""

    pid: int
    _looked: list[datetime] = field(default_factory=list)
    _waited: list[float] = field(default_factory=list)

    async def watch(self) -> None:
        """Look on until it ends, or cancelled."""
        schedstat = Path(f"/proc/{self.pid}/task/{self.pid}/schedstat")
        with suppress(OSError):
            while True:
                self._waited.append(int(schedstat.read_text(encoding="ascii").split()[1]) / 1e9)
                self._looked.append(datetime.now(UTC))
                await asyncio.sleep(_LOOK_SECONDS)

    def stall(self, due: datetime, late_seconds: float) -> float:
        """How late it was by itself; 0 where all of that may have been the wait."""
        begun = bisect_right(self._looked, due) - 1
        ended = bisect_left(self._looked, due + timedelta(seconds=late_seconds))
        ended = min(ended, len(self._looked) - 1)
        return max(0.0, late_seconds - (self._waited[ended] - self._waited[max(begun, 0)]))
