"""Instants and the schedules that name them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pydantic comes with it, and `maintd next --cron` can do without
    from maintd.config.jobs import Schedule


def upcoming(schedule: "Schedule", instant: datetime, count: int) -> list[datetime]:
    """The next `count` due instants after `instant`, in UTC; fewer where no more will come."""
    return list(islice(_walk(schedule, instant), count))


def _walk(schedule: "Schedule", instant: datetime) -> Iterator[datetime]:
    due = schedule.after(instant)
    while due is not None:
        yield due
        due = schedule.after(due)


def utc(instant: datetime) -> datetime:
    """The instant in UTC. ValueError for one without a zone."""
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no zone; write {instant.isoformat()}Z if it is UTC")
    return instant.astimezone(UTC)
