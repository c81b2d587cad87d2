"""What one candidate has seen of the Lease, and from when on it may take it."""

from collections.abc import Callable
from typing import Any

from maintd.election.lease_record import Record
from maintd.election.reign import Clock


class Sighting:
    """The Lease as it was seen last, and when it was first seen so, by our own clock: nobody compares wall clocks."""

    def __init__(self, seconds: float, floor: Callable[[], int], clock: Clock) -> None:
        self._seconds = seconds
        self._floor = floor
        self._clock = clock
        self._looked = False
        self._free_at = 0.0
        self._highest = 0
        self.record: Record | None = None
        self.token: Any = None

    @property
    def holder(self) -> str:
        """Who leads, as far as was seen; empty where nobody does."""
        return self.record.holder if self.record else ""

    @property
    def free_in(self) -> float:
        """Seconds until it may be taken; 0 or less: now."""
        return self._free_at - self._clock()

    @property
    def next_epoch(self) -> int:
        """Higher than that of every reign that the Lease, or the state, was seen to tell of."""
        return max(self._highest, self._floor()) + 1

    def see(self, record: Record | None, token: Any) -> bool:
        """Take note; True when it says something else than before."""
        self.token = token
        if self._looked and record == self.record:
            return False
        self._free_at = self._clock() + self._wait(record)
        self._looked, self.record = True, record
        self._highest = max(self._highest, record.epoch if record else 0)
        return True

    def _wait(self, record: Record | None) -> float:
        if record is None:
            # Deleted under a leader that does not know yet; unless nothing in this world ever had one.
            return self._seconds if self._looked or self._floor() > 0 else 0.0
        return 0.0 if record.released else record.lasts(self._seconds)
