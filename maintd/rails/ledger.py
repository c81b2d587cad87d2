"""How many changes a job has made today, and when the last one was: what `per_day` and `cool_down` go by.

The changes of a run are entered before the first one is made, so that a crash cannot lose them, and what was not
made in the end is taken off again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from maintd.core.errors import Refused
from maintd.core.limits import Limits
from maintd.core.units import format_duration


@dataclass(frozen=True, slots=True)
class Tally:
    """One job's changes on one UTC day, by the API server's clock."""

    day: date
    count: int = 0
    last_change: datetime | None = None


class Ledger(Protocol):
    """Keeps the tally of one job over restarts. Both raise JobError when it cannot be reached."""

    async def read(self) -> Tally | None:
        """The tally as it stands; None where the job never changed anything."""
        ...

    async def update(self, change: Callable[[Tally | None], Tally]) -> Tally:
        """Replace the tally and return the new one.

        `change` is called again when another writer was faster. What it raises comes out, and nothing is written.
        """
        ...


@dataclass(frozen=True, slots=True)
class Reservation:
    """Changes that were entered before they were made."""

    number: int
    at: datetime
    last_change: datetime | None = None
    """The one before this run, to go back to when the run makes none."""


class Quota:
    """`per_day` and `cool_down` of one job, kept by its ledger; a job without them never asks the ledger."""

    def __init__(self, ledger: Ledger, limits: Limits) -> None:
        self._ledger = ledger
        self._limits = limits
        self._unlimited = limits.per_day is None and not limits.cool_down

    async def foresee(self, wanted: int, now: datetime) -> int:
        """What `reserve` would grant; nothing is written."""
        return wanted if self._unlimited else _granted(await self._ledger.read(), wanted, self._limits, now)

    async def reserve(self, wanted: int, now: datetime) -> Reservation:
        """Enter as many changes as may be made now, at most `wanted`. Raises Refused where it is none of them."""
        if self._unlimited:
            return Reservation(wanted, now)
        entered = Reservation(0, now)

        def enter(tally: Tally | None) -> Tally:
            nonlocal entered
            number, today = _granted(tally, wanted, self._limits, now), _today(tally, now)
            entered = Reservation(number, now, today.last_change)
            return Tally(today.day, today.count + number, now)

        await self._ledger.update(enter)
        return entered

    async def settle(self, entered: Reservation, made: int, ended: datetime) -> None:
        """Take off what was entered and not made."""

        def correct(tally: Tally | None) -> Tally:
            today = _today(tally, entered.at)
            unused = entered.number - made if today.day == entered.at.date() else 0
            return Tally(today.day, max(0, today.count - unused), ended if made else entered.last_change)

        if not self._unlimited:
            await self._ledger.update(correct)


def _granted(tally: Tally | None, wanted: int, limits: Limits, now: datetime) -> int:
    today = _today(tally, now)
    _check_cool_down(today, limits, now)
    if limits.per_day is None:
        return wanted
    if today.count >= limits.per_day:
        raise Refused(
            f"nothing was changed: per_day is {limits.per_day}, and this job has made {today.count} changes on "
            f"{today.day} (UTC); it may go on tomorrow, or with a higher limits.per_day"
        )
    return min(wanted, limits.per_day - today.count)


def _check_cool_down(tally: Tally, limits: Limits, now: datetime) -> None:
    # The server's clock has whole seconds, so the last change can seem to lie ahead: no cool_down is none all the same.
    if tally.last_change is None or not limits.cool_down or now - tally.last_change >= limits.cool_down:
        return
    last, next_one = tally.last_change, tally.last_change + limits.cool_down
    raise Refused(
        f"nothing was changed: cool_down is {format_duration(limits.cool_down)}, and this job's last change was at "
        f"{last:%Y-%m-%dT%H:%M:%SZ}; it may go on at {next_one:%Y-%m-%dT%H:%M:%SZ}"
    )


def _today(tally: Tally | None, now: datetime) -> Tally:
    """The tally of this day; of a later one where the clock went back, since no limit is won by that."""
    if tally is None or tally.day < now.date():
        return Tally(now.date(), 0, tally.last_change if tally else None)
    return tally
