"""Where one job stands in its schedule: what has been taken, and what is due next."""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from maintd.config.jobs import Schedule
from maintd.core.ports import Log
from maintd.core.text import counted

RETRY = timedelta(seconds=30)
"""How long a schedule that raised is left alone."""
MOST_COUNTED = 1000
"""Due instants that are counted one by one, so that waking from a month's sleep takes milliseconds."""
_TICK = timedelta(microseconds=1)


class Due(NamedTuple):
    """One ring: the latest instant that fell due, and how many did since the last ring, itself included."""

    job: str
    at: datetime
    folded: int
    """1 unless we were late; MOST_COUNTED stands for that many or more."""
    before: datetime | None = None
    """The last of the others that this ring stands for, as far as they were counted; None where it stands for none."""

    def said(self, number: int) -> str:
        """So many of them, in words; of those that were not all counted, that there may be more."""
        return f"{number:,} or more due instants" if self.folded == MOST_COUNTED else counted(number, "due instant")


@dataclass(slots=True)
class Pending:
    """One job's next due instant. Each is taken once, until somebody starts anew."""

    job: str
    schedule: Schedule
    since: datetime
    """What was due up to this instant has been taken, or is none of ours."""
    log: Log
    due: datetime | None = field(default=None, init=False)
    broken: bool = field(default=False, init=False)
    """The schedule raised: `due` is not known until it answers again."""

    def __post_init__(self) -> None:
        with self._surviving():
            self.due = self.schedule.after(self.since)

    def take(self, now: datetime) -> Due | None:
        """What fell due up to `now`, folded into one; None where nothing did."""
        before, last, folded = None, None, 0
        with self._surviving():
            if self.broken:
                self.due = self.schedule.after(self.since)
            while self.due is not None and self.due <= now:
                before, last = last, self.due
                self.since = self.due
                folded += 1
                if folded == MOST_COUNTED:
                    self.since = self._just_before_last(now)
                self.due = self.schedule.after(self.since)
        return Due(self.job, last, min(folded, MOST_COUNTED), before) if last else None

    def restart(self, now: datetime) -> None:
        """Count from `now` on, whatever was taken before."""
        self.since = now
        with self._surviving():
            self.due = self.schedule.after(now)

    def wake(self, now: datetime) -> datetime | None:
        """When to look again: later than `now`, or None where no more will fall due."""
        if self.broken:
            return now + RETRY
        if self.due is None or self.due > now:
            return self.due
        return now + timedelta(seconds=1)

    def _just_before_last(self, now: datetime) -> datetime:
        """An instant after which exactly one more is due up to `now`; `since` where none is."""

        def is_past(ticks: int) -> bool:
            following = self.schedule.after(self.since + ticks * _TICK)
            return following is None or following > now

        ticks = bisect_left(range((now - self.since) // _TICK), True, key=is_past)
        return self.since + max(ticks - 1, 0) * _TICK

    @contextmanager
    def _surviving(self) -> Iterator[None]:
        """A schedule that raises delays its own job, and no other."""
        try:
            yield
            self.broken = False
        except Exception as error:
            self.due, self.broken = None, True
            self.log.error("schedule failed", job=self.job, retry_seconds=RETRY.total_seconds(), exc_info=error)
