"""What a schedule is: a rule that names instants, and nothing that runs."""

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator


class Schedule(Protocol):
    """Names the due instants of a job; equal schedules name the same ones."""

    def after(self, instant: datetime) -> datetime | None:
        """The first due instant strictly after `instant`, in UTC, or None where no more will come.

        Raises ValueError for an instant without a zone.
        """
        ...

    def words(self) -> str:
        """The schedule as a person would say it: `At 03:17 on Sunday`."""
        ...


def upcoming(schedule: Schedule, instant: datetime, count: int) -> list[datetime]:
    """The next `count` due instants after `instant`; fewer where no more will come."""
    return list(islice(_walk(schedule, instant), count))


def _walk(schedule: Schedule, instant: datetime) -> "Iterator[datetime]":
    due = schedule.after(instant)
    while due is not None:
        yield due
        due = schedule.after(due)


def utc(instant: datetime) -> datetime:
    """The instant in UTC. ValueError for one without a zone."""
    if instant.utcoffset() is None:
        raise ValueError(f"{instant.isoformat()} has no zone; write {instant.isoformat()}Z if it is UTC")
    return instant.astimezone(UTC)
