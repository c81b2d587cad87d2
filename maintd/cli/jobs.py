"""`maintd jobs`."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from maintd.cli.tables import OUTPUT, age, coloured, now, show, table, utc
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.scheduling.entry import JobState, Pause
from maintd.scheduling.judgement import EVERYTHING
from maintd.scheduling.state import State


@click.command("jobs")
@OUTPUT
def command(output: str) -> None:
    """List the jobs of jobs.yaml: how the last run of each ended, when it is due next, what runs and what is paused.

    What only observes is not written down before it starts, so that it is not told as running.
    """
    from maintd.cli import jobsfile
    from maintd.cli.talk import talk

    settings, file = jobsfile.settings(), jobsfile.load()
    talk(settings, "error")
    state = asyncio.run(_state(settings))
    if state.problem:
        click.echo(f"what the jobs remember could not be read, so it is unknown: {state.problem}", err=True)
    if output == "table":
        click.echo("\n".join((_table(file, state), *_remarks(file, state))))
    else:
        show([_row(job, state) for job in file.jobs], output)


async def _state(settings: Settings) -> State:
    from maintd.app.house import open_house

    async with open_house(settings, hurried=True) as house:
        if isinstance(house.api, str):
            click.echo(f"no cluster, so this is what a folder remembers: {house.api}", err=True)
        await house.state.load()
        return house.state


def _table(file: JobsFile, state: State) -> str:
    titles = ("JOB", "KIND", "MODE", "SCHEDULE", "DUE", "LAST", "WHEN", "FAILURES", "NEXT", "NOW")
    rows, nothing = [], "unknown" if state.problem else "never"
    for job in file.jobs:
        entry = state.of(job.name)
        last = entry.last_runs[0] if entry.last_runs else None
        failures = "unknown" if state.problem else str(entry.consecutive_failures)
        due = age(next_due(job), now()) if job.enabled else "disabled"
        ended = (coloured(last.status), age(last.started, now())) if last else (nothing, "")
        last_due = age(entry.last_due, now()) if entry.last_due else nothing
        doing = "paused" if _pause(job, state) else "running" if entry.open_claim else "waits"
        rows.append((job.name, job.kind.name, job.mode, words(job), last_due, *ended, failures, due, doing))
    return table(titles, rows)


def _remarks(file: JobsFile, state: State) -> Iterator[str]:
    """What runs, where; what is paused, by whom and why."""
    entries = {job.name: state.of(job.name) for job in file.jobs}
    for entry in entries.values():
        if claim := entry.open_claim:
            yield f"{claim.run_id} runs in {claim.holder}, since {age(claim.at, now())}"
    for name, pause in {name: lasting(entry) for name, entry in entries.items()}.items():
        if pause:
            yield f"{name} is {pause}"
    if everything := lasting(state.of(EVERYTHING)):
        yield f"every acting job is {everything}"


def lasting(entry: JobState) -> Pause | None:
    """Its pause, where that is not over."""
    return entry.paused if entry.paused and entry.paused.until > now() else None


def _pause(job: Job, state: State) -> Pause | None:
    return lasting(state.of(job.name)) or (lasting(state.of(EVERYTHING)) if job.mode == "act" else None)


def words(job: Job) -> str:
    """The schedule as a person says it."""
    return job.schedule.words() if job.schedule else job.when


def next_due(job: Job) -> datetime | None:
    """The next instant by its schedule, UTC."""
    return job.schedule.after(now()) if job.schedule and job.enabled else None


def _row(job: Job, state: State) -> dict[str, Any]:
    entry, pause = state.of(job.name), _pause(job, state)
    claim = entry.open_claim
    return {
        "job": job.name,
        "kind": job.kind.name,
        "mode": job.mode,
        "when": job.when,
        "timezone": job.timezone,
        "enabled": job.enabled,
        "last_due": utc(entry.last_due) or None,
        "last": entry.last_runs[0].model_dump(mode="json") if entry.last_runs else None,
        "consecutive_failures": entry.consecutive_failures,
        "next": utc(next_due(job)) or None,
        "running": {"run_id": claim.run_id, "holder": claim.holder, "since": utc(claim.at)} if claim else None,
        "paused": {"until": utc(pause.until), "by": pause.by, "reason": pause.reason} if pause else None,
    }
