"""`maintd jobs`."""

import asyncio
from datetime import datetime
from typing import Any

import click

from maintd.cli.tables import OUTPUT, age, coloured, now, show, table, utc
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.scheduling.entry import JobState
from maintd.scheduling.state import State


@click.command("jobs")
@OUTPUT
def command(output: str) -> None:
    """List the jobs of jobs.yaml: how the last run of each ended, and when it is due next."""
    from maintd.cli import jobsfile
    from maintd.cli.talk import talk

    settings, file = jobsfile.settings(), jobsfile.load()
    talk(settings, "error")
    state = asyncio.run(_state(settings))
    if state.problem:
        click.echo(f"what the jobs remember could not be read, so it is unknown: {state.problem}", err=True)
    if output == "table":
        click.echo(_table(file, state))
    else:
        show([_row(job, state.of(job.name)) for job in file.jobs], output)


async def _state(settings: Settings) -> State:
    from maintd.app.house import open_house

    async with open_house(settings, hurried=True) as house:
        if isinstance(house.api, str):
            click.echo(f"no cluster, so this is what a folder remembers: {house.api}", err=True)
        await house.state.load()
        return house.state


def _table(file: JobsFile, state: State) -> str:
    titles = ("JOB", "KIND", "MODE", "SCHEDULE", "LAST", "WHEN", "FAILURES", "NEXT")
    rows, nothing = [], "unknown" if state.problem else "never"
    for job in file.jobs:
        entry = state.of(job.name)
        last = entry.last_runs[0] if entry.last_runs else None
        failures = "unknown" if state.problem else str(entry.consecutive_failures)
        due = age(next_due(job), now()) if job.enabled else "disabled"
        ended = (coloured(last.status), age(last.started, now())) if last else (nothing, "")
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
