"""When jobs are due, by enumeration: what a year of the daemon is held against; no code of it is maintd's."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MINUTE, _QUARTER, _DAY = timedelta(minutes=1), timedelta(minutes=15), timedelta(days=1)


def _sunday(day: date) -> bool:
    return day.isoweekday() == 7


@dataclass(frozen=True, slots=True)
class Entry:
    """One cron line, and what it means in plain words of Python."""

    line: str
    on: Callable[[date], bool] = lambda _: True
    at: time | None = None
    """A fixed time of the day: once a day, whatever the clocks do."""
    whenever: Callable[[time], bool] = lambda _: False
    """A `*` in minute or hour: at each real instant whose wall time is one of these."""

    def due(self, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
        """Every instant after `start` up to `end`, UTC."""
        found = self._daily(zone, start, end) if self.at else self._instants(zone, start, end)
        return [instant for instant in found if start < instant <= end]

    def _daily(self, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
        assert self.at is not None
        day, last = start.astimezone(zone).date() - _DAY, end.astimezone(zone).date()
        while day <= last:
            if self.on(day):
                yield _instant(datetime.combine(day, self.at), zone)
            day += _DAY

    def _instants(self, zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
        instant = start.replace(minute=0, second=0, microsecond=0)
        while instant <= end:
            wall = instant.astimezone(zone)
            if self.whenever(wall.time()) and self.on(wall.date()):
                yield instant
            instant += _QUARTER


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """When a clock on the wall shows this for the first time; where it jumps over it, the moment of that jump."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    while (instant - _MINUTE).astimezone(zone).replace(tzinfo=None) >= wall:
        instant -= _MINUTE
    return instant


ENTRIES = (
    Entry("0 0 * * *", at=time(0, 0)),
    Entry("30 2 * * *", at=time(2, 30)),
    Entry("45 23 * * *", at=time(23, 45)),
    Entry("@weekly", on=_sunday, at=time(0, 0)),
    Entry("15 3 * * 1-5", on=lambda day: day.isoweekday() <= 5, at=time(3, 15)),
    Entry("0 0 1 * *", on=lambda day: day.day == 1, at=time(0, 0)),
    Entry("0 12 13 * 5", on=lambda day: day.day == 13 or day.isoweekday() == 5, at=time(12, 0)),
    Entry("30 1 * * 0", on=_sunday, at=time(1, 30)),
    Entry("@yearly", on=lambda day: (day.month, day.day) == (1, 1), at=time(0, 0)),
    Entry("5 2 * 3,4,10,11 *", on=lambda day: day.month in (3, 4, 10, 11), at=time(2, 5)),
    Entry("*/30 1-3 * * sun", on=_sunday, whenever=lambda wall: wall.minute % 30 == 0 and 1 <= wall.hour <= 3),
    Entry(
        "0 */6 * * 1,7",
        on=lambda day: day.isoweekday() in (1, 7),
        whenever=lambda wall: wall.minute == 0 and wall.hour % 6 == 0,
    ),
)
ZONES = ("America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata")
"""Changes at two, in UTC, by half an hour, at midnight, and none."""
