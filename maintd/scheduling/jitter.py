"""Offsets that spread jobs: a job's name decides its own, so it is the same after each restart and on each replica."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from maintd.config.jobs import Schedule
from maintd.core.units import format_duration
from maintd.scheduling.schedule import utc

_SECOND = timedelta(seconds=1)


def stable_offset(name: str, span: timedelta) -> timedelta:
    """Whole seconds in [0, span), decided by the name alone."""
    digest = int.from_bytes(sha256(name.encode()).digest()[:8])
    return digest % max(span // _SECOND, 1) * _SECOND


@dataclass(frozen=True, slots=True)
class Jittered:
    """A schedule with each due instant moved by one and the same offset in [0, jitter): their order stays."""

    schedule: Schedule
    jitter: timedelta
    name: str

    def after(self, instant: datetime) -> datetime | None:
        """The first due instant strictly after `instant`, in UTC, or None where no more will come."""
        offset = stable_offset(self.name, self.jitter)
        try:
            due = self.schedule.after(utc(instant) - offset)
            return due and due + offset
        except OverflowError:
            return None

    def words(self) -> str:
        """`At 03:17 on Sunday, 42s later`."""
        offset = stable_offset(self.name, self.jitter)
        return f"{self.schedule.words()}, {format_duration(offset)} later" if offset else self.schedule.words()
