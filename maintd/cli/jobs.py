"""`maintd jobs`."""

import asyncio
import sys
from datetime import datetime
from typing import Any

import click

from maintd.cli.tables import OUTPUT, age, coloured, now, show, table, utc
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.scheduling.state import JobState, State

_PATIENCE_SECONDS = 10.0


@click.command("jobs")
@OUTPUT
def command(output: str) -> None:
    """List the jobs of jobs.yaml: how the last run of each ended, and when it is due next."""
    from maintd.cli import jobsfile
    from maintd.telemetry import logs

    settings, file = jobsfile.settings(), jobsfile.load()
    logs.configure(settings.log_format, "error", stream=sys.stderr)
    state = asyncio.run(_state(settings))
    if state.problem:
        click.echo(f"what the jobs remember could not be read: {state.problem}", err=True)
    if output == "table":
        click.echo(_table(file, state))
    else:
        show([_row(job, state.of(job.name)) for job in file.jobs], output)


async def _state(settings: Settings) -> State:
    from maintd.app.house import open_house

    async with open_house(settings) as house:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await house.state.load()
        except TimeoutError:
            house.state.problem = f"no answer within {_PATIENCE_SECONDS:.0f} s"
        return house.state


def _table(file: JobsFile, state: State) -> str:
    titles = ("JOB", "KIND", "MODE", "SCHEDULE", "LAST", "WHEN", "FAILURES", "NEXT")
    rows = []
    for job in file.jobs:
        entry = state.of(job.name)
        last = entry.last_runs[0] if entry.last_runs else None
        failures = entry.consecutive_failures or "0"
        due = age(next_due(job), now()) if job.enabled else "disabled"
        ended = (coloured(last.status), age(last.started, now())) if last else ("never", "")
        rows.append((job.name, job.kind.name, job.mode, words(job), *ended, failures, due))
    return table(titles, rows)


def words(job: Job) -> str:
    """The schedule as a person says it."""
    return job.schedule.words() if job.schedule else job.when


def next_due(job: Job) -> datetime | None:
    """The next instant by its schedule, UTC."""
    return job.schedule.after(now()) if job.schedule and job.enabled else None


def _row(job: Job, entry: JobState) -> dict[str, Any]:
    return {
        "job": job.name,
        "kind": job.kind.name,
        "mode": job.mode,
        "when": job.when,
        "timezone": job.timezone,
        "enabled": job.enabled,
        "last": entry.last_runs[0].model_dump(mode="json") if entry.last_runs else None,
        "consecutive_failures": entry.consecutive_failures,
        "next": utc(next_due(job)) or None,
    }
