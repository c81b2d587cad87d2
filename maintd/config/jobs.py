"""What may stand in jobs.yaml, as models; and what it comes to once it is read, as frozen values."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import Field, JsonValue

from maintd.config.heartbeat import Heartbeat
from maintd.config.section import Section
from maintd.core.errors import ConfigError
from maintd.core.kind import Kind, Params
from maintd.core.limits import Limits
from maintd.core.target import DNS_LABEL, Target
from maintd.core.text import instead
from maintd.core.units import Duration, format_duration

VERSION = 1
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)

Name = Annotated[str, Field(pattern=DNS_LABEL)]
Pause = Annotated[Duration, Field(ge=_SECOND, le=_DAY)]
Overlap = Literal["skip", "queue"]
OnMissed = Literal["run-once", "skip"]

NOT_YET = frozenset({"windows", "freeze", "blocked_by", "notify", "locks", "escalate"})
"""Keys of a job whose mechanism is not built: refused, so that nobody relies on what does not happen."""


class Retry(Section):
    """What follows a failure that may pass: a reset, a timeout, 429, 5xx. Always inside the run's `timeout`."""

    attempts: int = Field(default=1, ge=1, le=10, description="How often the run is tried in all; 1 is no retry.")
    backoff: Pause = Field(
        default=timedelta(seconds=10), description="Pause before the second try; it doubles with each further one."
    )


class Defaults(Section):
    """What every job has that does not say otherwise itself."""

    refused: ClassVar[dict[str, str]] = {
        "mode": "there is no default mode; write it at each job, so that one sees which jobs act",
        "limits": "there are no default limits; each kind has its own, and a job changes what it names",
        "namespace": "a namespace belongs to a target; write it under targets",
        **dict.fromkeys(NOT_YET, "not supported yet; remove it"),
    }

    target: Name | None = Field(default=None, description="The target of jobs that name none.")
    timezone: str = Field(default="Etc/UTC", description="The zone that schedules are in: Europe/Berlin, Etc/UTC.")
    timeout: Pause | None = Field(
        default=None, description="A run that takes longer is stopped. Without it each kind's own default holds."
    )
    jitter: Duration | None = Field(
        default=None, le=_DAY, description="Each job is moved by its own fixed part of this."
    )
    start_deadline: Pause | None = Field(
        default=None, description="A run that could not start this long after it was due is recorded as missed."
    )
    overlap: Overlap = Field(
        default="skip", description="When a job is due while it runs: skip it, or queue it (one at most)."
    )
    retry: Retry = Field(default_factory=Retry, description="Whether a failure that may pass is tried again.")


class Entry(Section):
    """One job: its envelope, the same for every kind, and `params`, which are the kind's own."""

    refused: ClassVar[dict[str, str]] = {
        "cron": "unknown key; write schedule",
        "interval": "unknown key; write every",
        "type": "unknown key; write kind",
        "dry_run": "unknown key; write mode: dry-run, or mode: act",
        "namespace": "a namespace belongs to a target; write it under targets",
        "suspend": "unknown key; write enabled: false",
        **dict.fromkeys(NOT_YET, "not supported yet; remove it"),
    }

    name: Name = Field(description="Unique in this file; lower-case letters, digits and hyphens, at most 63.")
    kind: str = Field(description="What the job does; `maintd kinds` lists them.")
    target: Name | None = Field(default=None, description="Which of `targets` it works on.")
    schedule: str | None = Field(
        default=None, description='When it is due, as five cron fields in quotes: "17 3 * * sun"; or @daily.'
    )
    every: Duration | None = Field(
        default=None, ge=_SECOND, le=timedelta(days=366), description="Due at the multiples of this: 30s, 5m."
    )
    manual: Literal[True] | None = Field(default=None, description="Never due: it runs when somebody asks.")
    timezone: str | None = Field(default=None, description="The zone that its schedule is in.")
    jitter: Duration | None = Field(
        default=None, le=_DAY, description="It is moved by its own fixed part of this, the same at every start."
    )
    start_deadline: Pause | None = Field(
        default=None, description="When it could not start this long after it was due, the run is missed."
    )
    on_missed: OnMissed | None = Field(
        default=None,
        description="When it fell due while maintd was down: run-once makes up for it, once, within start_deadline; "
        "skip records it as missed. Unless said, backups and their verification are run once.",
    )
    timeout: Pause | None = Field(default=None, description="A run that takes longer is stopped.")
    overlap: Overlap | None = Field(
        default=None, description="When it is due while it runs: skip, or queue (one at most)."
    )
    retry: Retry | None = Field(default=None, description="Whether a failure that may pass is tried again.")
    mode: Literal["dry-run", "act"] | None = Field(
        default=None, description="dry-run says what it would do; act does it. Only for kinds that change things."
    )
    limits: Limits | None = Field(default=None, description="How much one run may change; over the kind's own.")
    enabled: bool = Field(default=True, description="false: read and checked, and never due.")
    runbook: str = Field(
        default="", max_length=2048, description="A link or a sentence for whoever reads the record at 3 a.m."
    )
    params: dict[str, JsonValue] = Field(default_factory=dict, description="The parameters of the kind.")


class Retention(Section):
    """How long the store keeps what nobody needs for ever. What is not named here is never deleted."""

    refused: ClassVar[dict[str, str]] = {
        "backups": "maintd deletes no backup; let a lifecycle rule of the bucket do it, see docs/store.md",
        "verifications": "maintd deletes no verification of a backup; remove it",
        "state": "maintd keeps its state small by itself; remove it",
        "logs": "maintd writes no logs to the store; remove it",
    }

    runs: Duration | None = Field(default=None, ge=_DAY, description="Records of runs; at least 1d.")
    samples: Duration | None = Field(default=None, ge=_DAY, description="What probes measured; at least 1d.")
    evidence: Duration | None = Field(
        default=None, ge=timedelta(days=7), description="What objects were before they were deleted; at least 7d."
    )
    doctor: Duration | None = Field(
        default=None, ge=_DAY, description="What `maintd doctor` writes to see whether it can; at least 1d."
    )

    @property
    def terms(self) -> dict[str, timedelta]:
        """By folder of the store, those that are named."""
        found = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: term for name, term in found if term is not None}


class File(Section):
    """jobs.yaml."""

    refused: ClassVar[dict[str, str]] = {
        "housekeeping": "unknown key; write retention",
        "dead_man": "unknown key; write heartbeat",
    }

    version: Literal[1] = Field(description="1, the only format there is so far.")
    targets: dict[Name, Target] = Field(default_factory=dict, description="What jobs work on, by name.")
    defaults: Defaults = Field(default_factory=Defaults, description="What jobs have that do not say otherwise.")
    max_running: int = Field(default=8, ge=1, le=100, description="At most this many jobs run at once.")
    retention: Retention = Field(
        default_factory=Retention, description="How long the store keeps what nobody needs for ever."
    )
    heartbeat: Heartbeat | None = Field(default=None, description="Whom to tell, again and again, that all is well.")
    jobs: list[Entry] = Field(description="A list, one entry a job.")


class Schedule(Protocol):
    """When a job is due."""

    def after(self, instant: datetime) -> datetime | None:
        """The first due instant strictly after `instant`, in UTC; None where there is none."""
        ...

    def words(self) -> str:
        """As a person would say it: `At 03:17 on Sunday`."""
        ...


class Schedules(Protocol):
    """Makes schedules. Every method raises ValueError, with what to write instead."""

    def check_timezone(self, name: str) -> None: ...

    def cron(self, expression: str, timezone: str) -> Schedule: ...

    def every(self, period: timedelta, job: str) -> Schedule: ...

    def jittered(self, schedule: Schedule, jitter: timedelta, job: str) -> Schedule: ...


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job as it will run, with every default filled in. Two are equal when they would run alike."""

    name: str
    kind: Kind
    params: Params
    target_name: str = ""
    target: Target = field(default_factory=Target)
    when: str = "manual"
    """As it is written: `17 3 * * sun`, `every 30s`, `manual`."""
    timezone: str = "Etc/UTC"
    jitter: timedelta = timedelta(0)
    schedule: Schedule | None = field(default=None, compare=False)
    """None for a manual job."""
    start_deadline: timedelta | None = None
    on_missed: OnMissed = "skip"
    timeout: timedelta = timedelta(minutes=5)
    overlap: Overlap = "skip"
    retry: Retry = field(default_factory=Retry)
    mode: Literal["act", "dry-run", "run"] = "run"
    """`run` for kinds that change nothing in the cluster."""
    limits: Limits = field(default_factory=Limits)
    enabled: bool = True
    runbook: str = ""
    remembers: bool = True
    """False for a job that is not in the file, and so has no place in the state."""
    file_sha256: str = field(default="", compare=False)

    @property
    def raw(self) -> dict[str, Any]:
        """What the record of a run says about the job as it was."""
        acting = {"limits": self.limits.model_dump(mode="json", exclude_none=True)} if self.kind.acts else {}
        return {
            "when": self.when,
            "timezone": self.timezone,
            "timeout": format_duration(self.timeout),
            "params": self.params.model_dump(mode="json"),
            **acting,
            **({"runbook": self.runbook} if self.runbook else {}),
            "jobs_file_sha256": self.file_sha256,
        }


@dataclass(frozen=True)
class JobsFile:
    """Everything that one good jobs.yaml says."""

    path: Path
    sha256: str
    jobs: tuple[Job, ...]
    max_running: int = 8
    retention: Retention = field(default_factory=Retention)
    heartbeat: Heartbeat | None = None

    def job(self, name: str) -> Job:
        """The job of that name. Raises ConfigError."""
        for job in self.jobs:
            if job.name == name:
                return job
        raise ConfigError(
            f"{self.path} has no job {name}{instead(name, [job.name for job in self.jobs], 'maintd jobs')}"
        )
