"""One reason for one job to run, and the record that it ends in."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from maintd import __version__
from maintd.config.jobs import Job
from maintd.core.outcome import Run, Status
from maintd.scheduling.attempt import Verdict

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
            due=self.due,
            started=started,
            ended=ended,
            waited_seconds=round((started - self.at).total_seconds(), 3),
            late_seconds=round((started - self.due).total_seconds(), 3) if self.due else 0,
            config=self.job.raw,
            maintd_version=__version__,
            **more,
        )
