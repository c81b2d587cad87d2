"""`maintd cancel RUN`."""

import asyncio
from typing import TYPE_CHECKING

import click

from maintd.core.errors import JobError
from maintd.core.outcome import run_path

if TYPE_CHECKING:
    from maintd.app.house import House
    from maintd.scheduling.entry import JobState

_PATIENCE = 6.0
"""Seconds; who runs something that acts or protects looks every other second."""
_PATIENCE_WITH_LEADER = 20.0
"""Seconds; who leads looks every fifteen, whether a process is gone."""
_POLL = 0.5


@click.command("cancel")
@click.argument("run")
@click.option("--reason", default="", help="Why; it is kept in the record.")
@click.option(
    "--gone", is_flag=True, help="The process of this `maintd run` is known to be gone: if it is silent, go on."
)
def command(run: str, reason: str, gone: bool) -> None:
    """End a run that is under way, wherever it runs: its record says `interrupted`, and by whom.

    `maintd jobs` tells what runs. What the run has changed stays changed, and is in its record.
    """
    run_path(run)
    raise SystemExit(asyncio.run(_cancel(run, reason, gone=gone)))


async def _cancel(run: str, reason: str, *, gone: bool) -> int:
    from maintd.cli.asking import known, shared, whoami, write
    from maintd.scheduling.entry import Cancel

    async with shared() as house:
        job = known(house.state, run.partition("-")[2].rpartition("-")[0])
        if said := await _ended(house, job, run):
            click.echo(f"{run} {said} before; nothing was to be cancelled")
            return 1
        cancel = Cancel(run_id=run, by=whoami(), reason=reason)
        await write(house.state, job, lambda entry: entry.model_copy(update={"cancel": cancel}))
        said = await _awaited(house, job, run, _PATIENCE)
        if gone and not said:
            await write(house.state, job, lambda entry: _given_up(entry, run))
            said = await _awaited(house, job, run, _PATIENCE_WITH_LEADER)
        click.echo(f"{run} {said}" if said else _unheard(house.state.of(job), run))
        return 0 if said else 1


async def _awaited(house: "House", job: str, run: str, patience: float) -> str:
    for _ in range(int(patience / _POLL)):
        await asyncio.sleep(_POLL)
        await house.state.look()
        if said := await _ended(house, job, run):
            return said
    return ""


async def _ended(house: "House", job: str, run: str) -> str:
    """How it ended, as the state or its record tells; empty while neither does."""
    last = next((last for last in house.state.of(job).last_runs if last.run_id == run), None)
    if last is not None:
        return f"ended as {last.status}: {last.summary}"
    try:
        record = await house.history.read(run)
    except JobError:
        return ""  # there is none, or the store is away: no reason not to ask
    return f"ended as {record.status}: {record.summary}"


def _given_up(entry: "JobState", run: str) -> "JobState":
    """A run by hand counts as alive until an instant; that of a daemon while its reign lasts, whatever is said here."""
    claim = entry.open_claim
    if claim is None or claim.run_id != run:
        return entry
    return entry.model_copy(update={"open_claim": claim.model_copy(update={"until": claim.at})})


def _unheard(entry: "JobState", run: str) -> str:
    claim = entry.open_claim
    if claim is None or claim.run_id != run:
        return f"nobody is known to run {run}; if it only observes, it ends within 15 s. `maintd runs {run}` tells then"
    asked = f"{run} was asked to end, and has not yet: {claim.holder} runs it, or is gone"
    if claim.epoch:
        return f"{asked} and is buried by who leads"
    if claim.until <= claim.at:
        return f"{run} holds up its job no more; its record comes from who leads, or before the job starts next"
    return f"{asked}; then it ends at {claim.until:%H:%M} UTC, or now if you know it: maintd cancel {run} --gone"
