"""`maintd resume`."""

import asyncio

import click

from maintd.cli.jobs import lasting


@click.command("resume")
@click.argument("job", required=False)
@click.option("--all", "everything", is_flag=True, help="End the pause of every acting job.")
def command(job: str | None, everything: bool) -> None:
    """End a pause: of one job, or of every acting one. Nothing that was skipped is made up for."""
    if (job is None) is not everything:
        raise click.UsageError("name one job, or say --all")
    asyncio.run(_resume(job))


async def _resume(job: str | None) -> None:
    from maintd.cli.asking import known, shared, write
    from maintd.scheduling.judgement import EVERYTHING

    async with shared() as house:
        name = known(house.state, job) if job else EVERYTHING
        before = lasting(house.state.of(name))
        await write(house.state, name, lambda entry: entry.model_copy(update={"paused": None}))
        left = [name for name, entry in sorted(house.state.entries.items()) if lasting(entry)]
    whose = job or "every acting job"
    click.echo(f"{whose} was {before}; that is over" if before else f"{whose} was not paused")
    if left:
        names = ("every acting job" if name == EVERYTHING else name for name in left)
        click.echo(f"still paused: {', '.join(names)}", err=True)
