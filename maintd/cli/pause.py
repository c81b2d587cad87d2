"""`maintd pause`."""

import asyncio
from datetime import datetime, timedelta

import click

from maintd.cli.instants import instant
from maintd.cli.tables import now, utc
from maintd.core.units import parse_duration


def _duration(_ctx: click.Context, _param: click.Parameter, text: str | None) -> timedelta | None:
    try:
        return parse_duration(text) if text is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command("pause")
@click.argument("job", required=False)
@click.option("--all", "everything", is_flag=True, help="Every job that acts, of every replica; what runs is stopped.")
@click.option("--for", "lasting", metavar="DURATION", callback=_duration, help="How long: 2h, 1d.")
@click.option("--until", metavar="ISO", callback=instant, help="Or until when: 2026-11-22T03:00:00Z.")
@click.option("--reason", default="", help="Why; others read it in `maintd jobs` and in each skipped run's record.")
def command(job: str | None, everything: bool, lasting: timedelta | None, until: datetime | None, reason: str) -> None:
    """Keep a job from starting for a while; what is due meanwhile is recorded as skipped.

    With --all every job that acts is kept from starting, and acting runs that are under way are stopped within seconds:
    the one switch for a bad hour. Observers and backups go on. A pause has an end, so that nobody forgets it.
    """
    if (job is None) is not everything:
        raise click.UsageError("name one job, or say --all")
    if (lasting is None) is (until is None):
        raise click.UsageError("say how long with --for 2h, or until when with --until ISO")
    end = until or now() + (lasting or timedelta(0))
    if end <= now():
        raise click.UsageError(f"{utc(end)} has passed")
    asyncio.run(_pause(job, end, reason))


async def _pause(job: str | None, until: datetime, reason: str) -> None:
    from maintd.cli.asking import known, shared, whoami, write
    from maintd.scheduling.entry import Pause
    from maintd.scheduling.judgement import EVERYTHING

    async with shared() as house:
        pause = Pause(until=until.replace(microsecond=0), by=whoami(), reason=reason)
        name = known(house.state, job) if job else EVERYTHING
        await write(house.state, name, lambda entry: entry.model_copy(update={"paused": pause}))
    if job is None:
        click.echo(f"every acting job is {pause}")
        click.echo("what acts now is stopped within seconds; `maintd resume --all` ends the pause", err=True)
    else:
        click.echo(f"{job} is {pause}")
        click.echo(f"a run under way goes on; `maintd resume {job}` ends the pause", err=True)
