"""What fell due while nobody rang: run once, or recorded as missed; nothing in silence."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

from maintd.config.jobs import Job
from maintd.core.ports import Log
from maintd.scheduling.entry import BLANK, JobState
from maintd.scheduling.pending import Due, Pending
from maintd.scheduling.ring import LATE_START
from maintd.scheduling.runner import Runner


async def catch_up(
    runner: Runner, jobs: Iterable[Job], entries: Mapping[str, JobState], until: datetime, log: Log
) -> None:
    """Ring or record what fell due after each entry's `accounted`, up to `until`.

    `until` is when somebody began to ring; what is due after that is not ours.
    """
    for job in jobs:
        due = _passed(job, entries.get(job.name, BLANK), runner.latest(job.name), until, log)
        if due is None:
            continue
        if _is_made_up_for(job, due, until):
            runner.ring(job, due)
        else:
            runner.missed(job, due.at, due.folded, _said(job, due))
        await asyncio.sleep(0)  # counting a month of instants takes its time, and others want to start


def _passed(job: Job, entry: JobState, in_hand: datetime | None, until: datetime, log: Log) -> Due | None:
    accounted = entry.accounted(until)
    if job.schedule is None or not job.enabled or accounted is None:
        return None
    accounted = max(accounted, in_hand or accounted)
    if accounted >= until:
        return None
    return Pending(job.name, job.schedule, accounted, log).take(until)


def _is_made_up_for(job: Job, due: Due, now: datetime) -> bool:
    late = now - due.at
    if job.on_missed == "run-once":
        return job.start_deadline is None or late <= job.start_deadline
    return job.mode == "act" and late <= LATE_START  # a hand-over is no downtime


def _said(job: Job, due: Due) -> str:
    unsure = "" if job.mode == "act" or job.kind.protects else "; of the last minute before, some may have been rung"
    return f"{due.said(due.folded)} up to {due.at:%Y-%m-%d %H:%M:%S} UTC passed while no maintd rang{unsure}"
