"""`every: 30s`: a steady beat that no restart, reload or slow run can shift."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from maintd.core.units import format_duration
from maintd.scheduling.jitter import stable_offset
from maintd.scheduling.schedule import utc

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Every:
    """The multiples of `period` since the epoch, moved by an offset that the job's name decides.

    The offset keeps jobs of one period from starting all at once. ValueError for a period under a second.
    """

    period: timedelta
    name: str

    def __post_init__(self) -> None:
        if self.period < _LEAST:
            raise ValueError(f"every: {format_duration(self.period)} is too often; the least is 1s")

    def after(self, instant: datetime) -> datetime | None:
        """The first due instant strictly after `instant`, in UTC; None beyond year 9999."""
        start = _EPOCH + stable_offset(self.name, self.period)
        beats = (utc(instant) - start) // self.period
        try:
            return start + (beats + 1) * self.period
        except OverflowError:
            return None

    def words(self) -> str:
        """`Every 1h30m`."""
        return f"Every {format_duration(self.period)}"
