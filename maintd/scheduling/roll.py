"""Which due instants count: from when on, for which schedule; and how long a job that is gone is remembered."""

from collections.abc import Collection
from datetime import datetime, timedelta

from maintd.config.jobs import Job
from maintd.core.units import format_duration
from maintd.scheduling.changes import Change
from maintd.scheduling.entry import BLANK, FUTURE, Entries, JobState

REMEMBERED = timedelta(days=30)
"""After so long without it in jobs.yaml a job's entry is dropped."""


def roll_call(jobs: Collection[Job], now: datetime) -> Change:
    """A change: jobs that are new, or have a new schedule, count from now on; those that are gone get a date."""
    called = {job.name: job for job in jobs}

    def change(entries: Entries) -> None:
        for name, job in called.items():
            entries[name] = _present(entries.get(name, BLANK), _when(job), now)
        for name in [name for name in entries if name not in called and "." not in name]:
            entry = entries[name]
            if entry.newer:
                continue
            if entry.gone is None:
                entries[name] = entry.model_copy(update={"gone": now})
            elif now - entry.gone > REMEMBERED and entry.open_claim is None:
                del entries[name]

    return change


def _present(entry: JobState, when: str, now: datetime) -> JobState:
    ahead = entry.since is not None and entry.since > now + FUTURE
    if entry.newer or (entry.when == when and entry.gone is None and not ahead):
        return entry
    return entry.model_copy(update={"since": now, "when": when, "gone": None})


def _when(job: Job) -> str:
    """What the due instants of a job depend on."""
    if job.schedule is None or not job.enabled:
        return "never"
    return f"{job.when} {job.timezone}{f' jitter {format_duration(job.jitter)}' if job.jitter else ''}"
