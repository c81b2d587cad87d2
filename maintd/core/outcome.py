"""What a run did and found, and the record that is kept of it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from maintd.core.errors import Missing
from maintd.core.resource import ObjectRef

_RUN_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[a-z0-9][-a-z0-9]*-[0-9a-z]+")


class Status(StrEnum):
    """How a run ended; every run ends in exactly one of these."""

    OK = "ok"
    ATTENTION = "attention"
    PARTIAL = "partial"
    REFUSED = "refused"
    SKIPPED = "skipped"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed-out"
    INTERRUPTED = "interrupted"
    MISSED = "missed"

    @property
    def exit_code(self) -> int:
        """What `maintd run` exits with."""
        return _EXIT_CODES[self]

    @property
    def good(self) -> bool:
        """True where the run could do its work, whatever it found."""
        return self in (Status.OK, Status.ATTENTION)


_EXIT_CODES = {
    Status.OK: 0,
    Status.ATTENTION: 1,
    Status.PARTIAL: 3,
    Status.REFUSED: 4,
    Status.SKIPPED: 4,
    Status.FAILED: 1,
    Status.CRASHED: 1,
    Status.TIMED_OUT: 1,
    Status.INTERRUPTED: 130,
    Status.MISSED: 1,
}


class Frozen(BaseModel):
    """Base of everything that goes into a record: immutable, readable by an older maintd, strict JSON even for NaN."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore", ser_json_inf_nan="strings")


class Considered(Frozen):
    """One candidate and the rule that decided about it."""

    object: ObjectRef
    decision: str
    """`keep`, or the verb: `delete`."""
    rule: str
    """Why, as a person would say it: `finished 31h ago (finishedAt), older than 24h`."""


class Change(Frozen):
    """One change and what became of it."""

    object: ObjectRef
    verb: str
    result: Literal["done", "planned", "gone", "kept", "left", "failed"]
    """done: made · planned: a dry run would make it · gone: it was no longer there · kept: a rail kept the
    object · left: over a limit, for the next run · failed: tried, or could not be tried"""
    reason: str = ""
    evidence: str = ""
    """Where its evidence lies in the store, relative to the cluster's folder."""


class Finding(Frozen):
    """Something a person should know, with what to do about it."""

    severity: Literal["info", "warning", "error"] = "warning"
    subject: str
    message: str
    remedy: str = ""


class Outcome(Frozen):
    """What a kind's `run` returns.

    `status` None means: judge by the lists. Changes that failed or were left make it `partial` (`failed` when
    every one failed), else a warning or an error among the findings makes it `attention`, else it is `ok`.
    """

    summary: str
    status: Status | None = None
    findings: tuple[Finding, ...] = ()
    changes: tuple[Change, ...] = ()
    considered: tuple[Considered, ...] = ()
    metrics: dict[str, float] = Field(default_factory=dict)
    """Figures of this run, named with their unit: `bytes`, `p95_seconds`."""
    artifacts: tuple[str, ...] = ()
    """What was written, as paths relative to the cluster's folder in the store."""

    def __init__(self, summary: str, **fields: Any) -> None:
        super().__init__(summary=summary, **fields)

    def judged(self) -> Status:
        """The status that follows from what is in here."""
        if self.status is not None:
            return self.status
        tried = [change for change in self.changes if change.result in ("done", "gone", "planned", "failed")]
        if tried and all(change.result == "failed" for change in tried):
            return Status.FAILED
        if any(change.result in ("failed", "left") for change in self.changes):
            return Status.PARTIAL
        if any(finding.severity != "info" for finding in self.findings):
            return Status.ATTENTION
        return Status.OK


class Run(Frozen):
    """The record of one run: the same in the store, in the log and from `maintd runs ID -o json`."""

    format: int = 1
    run_id: str
    job: str
    kind: str
    target: str = ""
    level: int = 0
    mode: Literal["act", "dry-run", "run"] = "run"
    """`run` for kinds that change nothing in the cluster."""
    trigger: Literal["schedule", "manual"] = "schedule"
    actor: str = ""
    reason: str = ""
    epoch: int = 0
    """The reign of the leader that started it; 0 where somebody typed it, and for what needs no leader."""
    rerun_of: str = ""
    """The run that was cut off, where this one makes up for it."""
    due: datetime | None = None
    """The instant it was due, UTC; None for a manual run."""
    started: datetime
    ended: datetime
    waited_seconds: float = 0
    """How long it waited for its turn under `max_running`, or in the queue of its own job."""
    late_seconds: float = 0
    """From due to started."""
    attempts: int = 1
    status: Status
    summary: str
    error: str = ""
    traceback: str = ""
    in_the_way: str = ""
    """For `skipped`: the run id that was in the way."""
    count: int = 1
    """For `missed`: how many due instants this record stands for."""
    findings: tuple[Finding, ...] = ()
    # asyncio.run asks for the repr of what it returns, twice; a restore may have a hundred thousand of these.
    changes: tuple[Change, ...] = Field(default=(), repr=False)
    considered: tuple[Considered, ...] = Field(default=(), repr=False)
    metrics: dict[str, float] = Field(default_factory=dict)
    artifacts: tuple[str, ...] = ()
    config: dict[str, Any] = Field(default_factory=dict)
    """The job as it was: params, limits, and the sha256 of jobs.yaml."""
    maintd_version: str = ""

    @property
    def seconds(self) -> float:
        """How long the work took."""
        return (self.ended - self.started).total_seconds()


def new_run_id(job: str, at: datetime, nonce: str) -> str:
    """`20261122T030000Z-cleanup-failed-pods-3f9a1c`: sorts by time, and the record's path can be computed from it."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{job}-{nonce}"


def run_path(run_id: str) -> str:
    """Where the record of a run lies in the store: `runs/<yyyy>/<mm>/<dd>/<run id>.json`. Raises Missing."""
    if not _RUN_ID.fullmatch(run_id):
        raise Missing(
            f"there is no run {run_id!r}: ids look like 20261122T030000Z-my-job-3f9a1c; `maintd runs` lists them"
        )
    return f"runs/{run_id[:4]}/{run_id[4:6]}/{run_id[6:8]}/{run_id}.json"


def tally(changes: Iterable[Change]) -> dict[str, int]:
    """How many changes ended each way: `{"done": 5, "kept": 1}`."""
    counts: dict[str, int] = {}
    for change in changes:
        counts[change.result] = counts.get(change.result, 0) + 1
    return counts
