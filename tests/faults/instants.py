"""What records say of a steady beat, also where its clock was set back: what was rung twice, what was never rung."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from maintd.scheduling.every import Every
from tests.faults.evidence import Written

_UNCOUNTED = 999
"""A record of as many missed instants stands for more, up to the next ring: who slept for a month counts no further."""
_UNDER_WAY_SECONDS, _LATE = 5.0, timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Back:
    """A step so far back that instants are due which were before: what is claimed is skipped then, and says so."""

    at: float
    """By the machine's own clock."""
    shown: datetime
    """What the daemon's clock showed after it."""

    def precedes(self, one: Written) -> bool:
        """Whether that record is of a ring after this step; one that was under way at the step ends soon after it."""
        under_way = one.at < self.at + _UNDER_WAY_SECONDS and one.due > self.shown + _LATE
        return one.at > self.at and not under_way


def parts(kept: Sequence[Written], backs: Sequence[Back]) -> Iterator[Sequence[Written]]:
    """What was rung before the first large step back, between that and the second, and so on."""
    for number in range(len(backs) + 1):
        yield [one for one in kept if sum(back.precedes(one) for back in backs) == number]


def doubled(job: str, kept: Sequence[Written]) -> Iterator[str]:
    starts = Counter(one.due for one in kept if one.record["status"] not in ("missed", "skipped"))
    twice = [due for due, times in starts.items() if times > 1]
    if twice:
        yield f"{job} was started twice for {twice[:3]}"


def silent(job: str, period: timedelta, kept: Sequence[Written]) -> Iterator[str]:
    """Due instants between the first and the last that no record stands for."""
    schedule, by_due = Every(period, job), sorted(kept, key=lambda one: one.due)
    known = {
        due
        for before, one, after in zip([None, *by_due[:-1]], by_due, [*by_due[1:], None], strict=True)
        for due in _stood_for(before, one, after, period)
    }
    at, last, missing = min(known), max(known), list[str]()
    while at < last:
        if at not in known:
            missing.append(f"{at:%H:%M:%S}")
        at = schedule.after(at) or last
    if missing:
        yield f"{job} has no record for {len(missing)} due instants: {missing[:3]}"


def _stood_for(before: Written | None, one: Written, after: Written | None, period: timedelta) -> Iterator[datetime]:
    """The due instants that a record speaks for."""
    first, last, count = one.due, one.due, one.record["count"] if one.record["status"] == "missed" else 1
    first -= (count - 1) * period
    if count >= _UNCOUNTED:
        first, last = before.due if before else first, after.due if after else last
    while first <= last:
        yield first
        first += period
