"""Which backups stay and which go: a plan, made of what is known of all of them.

Their own times decide, never their age: a clock that is wrong makes no backup older. Of each job the newest complete
backup and the newest one that was verified stay under every rule, and so does whatever is not understood.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import Field

from maintd.core.kind import Params
from maintd.objects.archive import began


@dataclass(frozen=True, slots=True)
class Candidate:
    """One backup, as far as the plan needs to know it."""

    id: str
    job: str = ""
    complete: bool = False
    """It holds all of its scope, and its last verification, if there was one, found no damage."""
    verified: bool = False
    """Complete, and its last verification found nothing."""
    pinned: bool = False
    unknown: str = ""
    """Why it cannot be judged, so that it stays; `unfinished` for what has no manifest."""

    @property
    def at(self) -> datetime:
        return began(self.id)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one, and by which rule."""

    candidate: Candidate
    keep: bool
    rule: str


class Retention(Params):
    """How many backups of each job are kept. Days, weeks and months are those of UTC that have a complete backup."""

    keep_last: int = Field(
        default=7, ge=1, le=10_000, description="The newest so many, and the newest so many complete ones."
    )
    keep_daily: int = Field(default=14, ge=0, le=10_000, description="The newest complete one of each of so many days.")
    keep_weekly: int = Field(default=8, ge=0, le=10_000, description="The same for weeks, which begin on Monday.")
    keep_monthly: int = Field(default=12, ge=0, le=10_000, description="The same for months.")

    def plan(self, candidates: Iterable[Candidate]) -> list[Verdict]:
        """One verdict each, the newest first."""
        known = sorted(candidates, key=lambda each: each.id, reverse=True)
        of_job = defaultdict[str, list[Candidate]](list)
        for each in known:
            if not each.unknown:
                of_job[each.job].append(each)
        reasons = {one.id: rule for some in of_job.values() for one, rule in self._kept(some)}
        return [_verdict(each, reasons.get(each.id, "")) for each in known]

    def _kept(self, newest_first: Sequence[Candidate]) -> Iterator[tuple[Candidate, str]]:
        """Those of one job that stay; the rule that is told is the one that comes last."""
        whole = [each for each in newest_first if each.complete]
        for number, title, period in self._periods():
            yield from ((each, f"{title} {period(each.at)}") for each in _first_of_each(whole, number, period))
        yield from ((each, f"one of the last {self.keep_last} complete") for each in whole[: self.keep_last])
        yield from ((each, f"one of the last {self.keep_last}") for each in newest_first[: self.keep_last])
        yield from ((each, "the newest that was verified") for each in _newest(whole, lambda each: each.verified))
        yield from ((each, "the newest complete one") for each in whole[:1])

    def _periods(self) -> Iterable[tuple[int, str, Callable[[datetime], str]]]:
        return (
            (self.keep_monthly, "of the month", lambda at: f"{at:%Y-%m}"),
            (self.keep_weekly, "of the week", lambda at: f"{at:%G-W%V}"),
            (self.keep_daily, "of the day", lambda at: f"{at:%Y-%m-%d}"),
        )


def _first_of_each(
    newest_first: Iterable[Candidate], number: int, period: Callable[[datetime], Hashable]
) -> list[Candidate]:
    first: dict[Hashable, Candidate] = {}
    for each in newest_first:
        first.setdefault(period(each.at), each)
    return list(first.values())[:number]


def _newest(newest_first: Iterable[Candidate], wanted: Callable[[Candidate], bool]) -> list[Candidate]:
    return [each for each in newest_first if wanted(each)][:1]


def _verdict(candidate: Candidate, reason: str) -> Verdict:
    if candidate.pinned:
        return Verdict(candidate, keep=True, rule="it is pinned")
    if candidate.unknown:
        return Verdict(candidate, keep=True, rule=candidate.unknown)
    return Verdict(candidate, keep=bool(reason), rule=reason or "no rule keeps it")
