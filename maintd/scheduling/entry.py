"""What is kept of one job between runs and over restarts.

Keys that are not known here are kept as they are. `format` is raised when the meaning of a key changes: an entry with
a higher one is left alone.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from maintd.core.outcome import Run, Status

FORMAT = 1
KEPT_RUNS = 5
LONGEST_SUMMARY = 240
FUTURE = timedelta(days=1)
"""An instant further ahead was written by a clock that was wrong; it is forgotten."""
_NEITHER = (Status.SKIPPED, Status.MISSED, Status.INTERRUPTED)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class LastRun(_Part):
    """The little of a run that everybody may see without reading its record."""

    run_id: str
    status: Status
    mode: str
    due: AwareDatetime | None = None
    started: AwareDatetime
    ended: AwareDatetime
    summary: str

    @classmethod
    def of(cls, run: Run) -> Self:
        """The short form of a record."""
        return cls(
            run_id=run.run_id,
            status=run.status,
            mode=run.mode,
            due=run.due,
            started=run.started,
            ended=run.ended,
            summary=run.summary[:LONGEST_SUMMARY],
        )


class Claim(_Part):
    """A start that was written down before it happened, and whose end was not yet."""

    run_id: str
    """It ends in a nonce, by which a claim whose reply was lost is known as ours."""
    due: AwareDatetime | None
    """None for a run by hand."""
    holder: str
    """The process: host name and a nonce."""
    epoch: int
    """Of the reign under which it was made; 0 by hand."""
    at: AwareDatetime
    until: AwareDatetime
    """When a run by hand is over for certain, whatever became of its process."""
    before: AwareDatetime | None = None
    """The job's `last_due` without this claim."""
    rerun_of: str = ""
    """The run that was cut off, where this one makes up for it: a second one does not, for that may be its doing."""
    kind: str
    mode: Literal["act", "dry-run", "run"]
    level: int = 0
    target: str = ""

    def alive(self, epoch: int, now: datetime) -> bool:
        """Whether its process may still be at work, in the reign `epoch`."""
        return self.epoch == epoch if self.epoch else now < self.until


class Pause(_Part):
    """Somebody's wish that a job, or every acting one, does not start for a while."""

    until: AwareDatetime
    by: str
    reason: str = ""

    def __str__(self) -> str:
        """For a record."""
        return f"paused by {self.by} until {self.until:%Y-%m-%d %H:%M} UTC" + (
            f": {self.reason}" if self.reason else ""
        )


class Cancel(_Part):
    """Somebody's wish that a run ends now."""

    run_id: str
    by: str
    reason: str = ""

    def __str__(self) -> str:
        """For a record."""
        return f"cancelled by {self.by}: {self.reason}" if self.reason else f"cancelled by {self.by}"


class JobState(_Part):
    """One job's entry."""

    format: int = FORMAT
    since: AwareDatetime | None = None
    """From when on its due instants count: what fell due after it has been rung, or is missed."""
    when: str = ""
    """The schedule that `since` is about."""
    gone: AwareDatetime | None = None
    """When jobs.yaml was first seen without it."""
    last_due: AwareDatetime | None = None
    last_runs: tuple[LastRun, ...] = ()
    """Newest first, at most KEPT_RUNS."""
    consecutive_failures: int = 0
    last_success: AwareDatetime | None = None
    """When it last ended ok or with attention, however many runs ago."""
    memory: dict[str, Any] = Field(default_factory=dict)
    changes: dict[str, Any] = Field(default_factory=dict)
    """The tally behind `per_day` and `cool_down`, as the gate's ledger writes it."""
    open_claim: Claim | None = None
    paused: Pause | None = None
    cancel: Cancel | None = None
    hold: dict[str, Any] | None = None
    """Who keeps acting jobs from starting, in the one entry that is no job's: `scheduling.hold`."""
    epoch: int = 0
    """Of the last reign, in the one entry that is no job's: `scheduling.claims`."""

    def after(self, last: LastRun, memory: Mapping[str, Any] | None) -> "JobState":
        """The entry once that run has ended; `memory` None leaves what was remembered."""
        failures = self.consecutive_failures
        if last.status not in _NEITHER:
            failures = 0 if last.status.good else failures + 1
        return self.listing(last).model_copy(
            update={
                "last_due": _latest(last.ended, self.last_due, last.due),
                "consecutive_failures": failures,
                "last_success": last.ended if last.status.good else self.last_success,
                "memory": self.memory if memory is None else dict(memory),
            }
        )

    def unclaimed(self, run_id: str) -> "JobState":
        """The entry as if that run had never been meant to start."""
        claim = self.open_claim
        if claim is None or claim.run_id != run_id:
            return self
        return self.model_copy(update={"open_claim": None, "last_due": claim.before})

    def listing(self, last: LastRun) -> "JobState":
        """The entry with one more run in its list, once; nothing else is changed."""
        others = (run for run in self.last_runs if run.run_id != last.run_id)
        return self.model_copy(update={"last_runs": (last, *others)[:KEPT_RUNS]})

    def closed(self, run_id: str) -> "JobState":
        """The entry without the claim of that run, and without the wish to end it."""
        claim = None if self.open_claim and self.open_claim.run_id == run_id else self.open_claim
        cancel = None if self.cancel and self.cancel.run_id == run_id else self.cancel
        return self.model_copy(update={"open_claim": claim, "cancel": cancel})

    def text(self) -> str:
        """As it is kept: JSON, without what says nothing."""
        return json.dumps({"format": self.format} | self.model_dump(mode="json", exclude_defaults=True))

    @property
    def newer(self) -> bool:
        """Written by a maintd that means something else by it: it is left as it is, and its job is not started."""
        return self.format > FORMAT

    def accounted(self, now: datetime) -> datetime | None:
        """Up to when every due instant has been rung or recorded; None for a job that was never seen."""
        return _latest(now, self.since, self.last_due)


BLANK = JobState()
"""What is known of a job that was never seen."""
Entries = dict[str, JobState]


def _latest(now: datetime, *instants: datetime | None) -> datetime | None:
    """The last of them that a clock which was right can have written."""
    return max((at for at in instants if at and at <= now + FUTURE), default=None)
