"""Cron as Debian's cron keeps it, over every clock change.

A wall time can come once, twice (clocks went back) or never (clocks went forward). A schedule whose minute or hour
begins with a literal `*` is due at each real instant whose wall time matches. Any other names fixed times: where one
comes twice it is due at the first pass, and where clocks jumped over it, right after the jump.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from maintd.scheduling.fields import parse
from maintd.scheduling.schedule import utc
from maintd.scheduling.zones import zone

_DAY = timedelta(days=1)
_YEARS = 45
"""How far a search goes: 29 February falls on a given weekday at least once in 40 years."""


class Cron:
    """A crontab expression in a time zone. ValueError, with a remedy, for what is not one."""

    __slots__ = ("_fields", "_times", "_zone", "expression", "timezone")

    def __init__(self, expression: str, timezone: str = "Etc/UTC") -> None:
        self.expression = " ".join(expression.split())
        self.timezone = timezone
        self._fields = parse(expression)
        self._zone = zone(timezone)
        self._times = _times(self._fields.hours, self._fields.minutes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Cron):
            return NotImplemented
        return (self.expression, self.timezone) == (other.expression, other.timezone)

    def __hash__(self) -> int:
        return hash((self.expression, self.timezone))

    def __repr__(self) -> str:
        return f"Cron({self.expression!r}, {self.timezone!r})"

    def after(self, instant: datetime) -> datetime | None:
        """The first due instant strictly after `instant`, in UTC, or None where no more will come.

        Raises ValueError for an instant without a zone.
        """
        return self._search(utc(instant))

    @lru_cache(maxsize=256)  # noqa: B019 - a Cron is a value, and few are kept
    def _search(self, instant: datetime) -> datetime | None:
        """Kept for a while: jobs that fall due together most often have one schedule, and all ask what comes next."""
        try:
            wall = instant.astimezone(self._zone).replace(tzinfo=None, fold=0)
            due = self._first(wall, instant)
            if self._fields.wild and (until_again := self._utc(wall, fold=1) - instant) > timedelta(0):
                # The first pass of a repeated hour: earlier wall times come again before later ones come at all.
                again = self._first(wall - until_again, instant)
                due = min(due, again) if due and again else due
        except OverflowError:  # beyond year 9999
            return None
        return due

    def words(self) -> str:
        """The schedule as a person would say it: `At 03:17 on Sunday`."""
        from cronsim.explain import Expression  # noqa: PLC0415 - the daemon never needs it, and it is slow to import

        text: str = Expression(self._fields.text.upper().split()).explain()
        text = re.sub(r"\b([2-5][123])th\b", lambda n: n[1] + {"1": "st", "2": "nd", "3": "rd"}[n[1][-1]], text)
        return text.replace(" and on ", " or on ")

    def _first(self, wall: datetime, instant: datetime) -> datetime | None:
        """The first due instant after `instant` among those of the wall times after `wall`."""
        for match in self._matches(wall):
            for due in self._instants(match):
                if due > instant:
                    return due
        return None

    def _matches(self, wall: datetime) -> Iterator[datetime]:
        """Every matching wall time after `wall`, whether clocks show it or not."""
        today = wall.date()
        for day in self._days(today):
            passed = bisect_right(self._times, wall.time()) if day == today else 0
            for index in range(passed, len(self._times)):
                yield datetime.combine(day, self._times[index])

    def _days(self, day: date) -> Iterator[date]:
        last_year = day.year + _YEARS
        while day.year <= last_year:
            if day.month not in self._fields.months:
                day = (day.replace(day=1) + 31 * _DAY).replace(day=1)
                continue
            if self._is_on(day):
                yield day
            day += _DAY

    def _is_on(self, day: date) -> bool:
        by_date = day.day in self._fields.days
        by_weekday = day.isoweekday() % 7 in self._fields.weekdays
        return by_date and by_weekday if self._fields.both_days else by_date or by_weekday

    def _instants(self, wall: datetime) -> tuple[datetime, ...]:
        """When a matching wall time is due."""
        first, second = self._utc(wall, fold=0), self._utc(wall, fold=1)
        if first == second:
            return (first,)
        if first < second:
            return (first, second) if self._fields.wild else (first,)
        return () if self._fields.wild else (self._jump(wall, second, first),)

    def _utc(self, wall: datetime, *, fold: int) -> datetime:
        return wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)

    def _jump(self, wall: datetime, before: datetime, until: datetime) -> datetime:
        """The instant at which clocks jumped over `wall`; it lies in (before, until]."""

        def jumped(seconds: int) -> bool:
            shown = (before + timedelta(seconds=seconds)).astimezone(self._zone)
            return shown.replace(tzinfo=None) > wall

        span = range(int((until - before).total_seconds()))
        return before + timedelta(seconds=bisect_left(span, True, key=jumped))


@lru_cache(maxsize=1024)
def _times(hours: frozenset[int], minutes: frozenset[int]) -> tuple[time, ...]:
    """The times of one day, in order; shared, since `* * * * *` has 1440."""
    return tuple(time(hour, minute) for hour in sorted(hours) for minute in sorted(minutes))
