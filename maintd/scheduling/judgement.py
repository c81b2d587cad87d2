"""What may keep a ring from starting, judged on the entries as they are at that moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from maintd.core.outcome import Status
from maintd.scheduling.entry import BLANK, FUTURE, Claim, JobState
from maintd.scheduling.hold import hold_on
from maintd.scheduling.obstacle import Obstacle
from maintd.scheduling.ring import Ring

EVERYTHING = "acting.pause"
"""The entry that pauses every acting job. No job can be called so: their names have no dots."""

_NEWER = (
    "a newer maintd wrote the entry of {} in the state (format {}), and what was started is not known here; run that "
    "version, or delete the entry to start blank"
)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A claim whose process is gone: it must have its record before the job starts again."""

    claim: Claim


def obstacle(entries: Mapping[str, JobState], ring: Ring, epoch: int, now: datetime) -> Obstacle | Orphan | None:
    """What is in the way of a start in the reign `epoch`; None where nothing is."""
    entry = entries.get(ring.job.name, BLANK)
    if entry.newer:
        return Obstacle(_NEWER.format(ring.job.name, entry.format), status=Status.FAILED)
    claim = entry.open_claim
    if claim is not None and claim.run_id == ring.run_id:
        return None  # ours, and only the reply to it was lost
    if claim is not None:
        return _running(claim) if claim.alive(epoch, now) else Orphan(claim)
    if _begun(entry, ring, now):
        return Obstacle(f"{ring.due:%Y-%m-%d %H:%M:%S} UTC was rung before, and no due instant is started twice")
    return unwanted(entries, ring, now)


def unwanted(entries: Mapping[str, JobState], ring: Ring, now: datetime) -> Obstacle | None:
    """Whether somebody asked for peace: the end of this run, a pause of the job, or of all that act, or a restore."""
    cancel = entries.get(ring.job.name, BLANK).cancel
    if cancel is not None and cancel.run_id == ring.run_id:
        return Obstacle(str(cancel), status=Status.INTERRUPTED)
    acting = ring.mode == "act"
    pauses = [entries.get(name, BLANK).paused for name in (ring.job.name, *((EVERYTHING,) if acting else ()))]
    for pause in pauses:
        if pause is not None and pause.until > now:
            return Obstacle(str(pause))
    hold = hold_on(entries, ring.job, now) if acting else None
    if hold is None:
        return None
    until = f"at the latest until {hold.until:%H:%M:%S} UTC"
    return Obstacle(f"a restore writes where this job may, and nothing else acts there meanwhile; {until}", hold.by)


def _running(claim: Claim) -> Obstacle:
    return Obstacle(f"{claim.run_id} of the same job is still running in {claim.holder}", claim.run_id)


def _begun(entry: JobState, ring: Ring, now: datetime) -> bool:
    if ring.due is None or entry.last_due is None or ring.rerun_of:
        return False
    return ring.due <= entry.last_due <= now + FUTURE
