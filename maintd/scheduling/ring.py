"""One reason for one job to run, and the record that it ends in."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from maintd import __version__
from maintd.config.jobs import Job
from maintd.core.guard import ByHand, Guard
from maintd.core.outcome import Run, Status
from maintd.scheduling.attempt import Verdict
from maintd.scheduling.obstacle import Obstacle

LATE_START = timedelta(minutes=1)
"""How late a job may start that has no start_deadline and is not made up for."""
_BEFORE_THE_NEXT = timedelta(seconds=1)

Mode = Literal["act", "dry-run", "run"]
_FROM_OUTCOME = ("summary", "findings", "changes", "considered", "metrics", "artifacts")


@dataclass(frozen=True, slots=True)
class Ring:
    """A job that is due, or that somebody asked for."""

    job: Job
    run_id: str
    at: datetime
    """When it was rung; what it waits after that is in the record."""
    mode: Mode
    due: datetime | None = None
    trigger: Literal["schedule", "manual"] = "schedule"
    actor: str = ""
    reason: str = ""
    rerun_of: str = ""
    """The run that was cut off, where this one makes up for it."""
    guard: Guard = field(default_factory=ByHand)
    """Whose reign it runs under, once that is known."""

    @property
    def claims(self) -> bool:
        """Whether its start is written down before it happens: what acts or protects must not be started twice."""
        return self.job.remembers and (self.mode == "act" or self.job.kind.protects)

    @property
    def made_up_for(self) -> bool:
        """Whether the next maintd runs it where this one cannot."""
        return self.due is not None and self.job.on_missed == "run-once"

    @property
    def latest(self) -> datetime | None:
        """When it is too late to start; None for a run by hand."""
        if self.due is None or self.job.start_deadline is not None:
            return self.due and self.due + (self.job.start_deadline or timedelta(0))
        following = self.job.schedule.after(self.due) if self.made_up_for and self.job.schedule else None
        return following - _BEFORE_THE_NEXT if following else self.due + LATE_START

    @property
    def aside(self) -> bool:
        """Asked for by hand beside its schedule: what the scheduled runs count and remember is not touched by it."""
        return self.trigger == "manual" and self.job.schedule is not None

    def finished(self, started: datetime, ended: datetime, verdict: Verdict) -> Run:
        """The record of a run that started."""
        return self._record(
            started,
            ended,
            status=verdict.status,
            attempts=verdict.attempts,
            error=verdict.error,
            traceback=verdict.traceback,
            **{name: getattr(verdict.outcome, name) for name in _FROM_OUTCOME},
        )

    def kept_back(self, at: datetime, obstacle: Obstacle) -> Run:
        """The record of a run that something kept from starting."""
        return self.unstarted(
            at,
            obstacle.status,
            obstacle.summary,
            in_the_way=obstacle.in_the_way,
            error=obstacle.error,
            traceback=obstacle.traceback,
        )

    def unstarted(self, at: datetime, status: Status, summary: str, **more: Any) -> Run:
        """The record of a run that never started."""
        return self._record(at, at, status=status, summary=summary, **more)

    def _record(self, started: datetime, ended: datetime, **more: Any) -> Run:
        return Run(
            run_id=self.run_id,
            job=self.job.name,
            kind=self.job.kind.name,
            target=self.job.target_name,
            level=self.job.kind.level,
            mode=self.mode,
            trigger=self.trigger,
            actor=self.actor,
            reason=self.reason,
            epoch=self.guard.epoch if self.claims else 0,
            rerun_of=self.rerun_of,
            due=self.due,
            started=started,
            ended=ended,
            waited_seconds=round((started - self.at).total_seconds(), 3),
            late_seconds=round((started - self.due).total_seconds(), 3) if self.due else 0,
            config=self.job.raw,
            maintd_version=__version__,
            **more,
        )
