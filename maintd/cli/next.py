"""`maintd next`."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import click

from maintd.cli.instants import instant
from maintd.cli.tables import OUTPUT, age, now, show, table, utc
from maintd.scheduling.cron import Cron
from maintd.scheduling.schedule import upcoming
from maintd.scheduling.zones import check_zone, zone

if TYPE_CHECKING:
    from maintd.config.jobs import Job


class _Next(NamedTuple):
    due: datetime
    timezone: str
    job: str = ""

    @property
    def local(self) -> datetime:
        return self.due.astimezone(zone(self.timezone))


@click.command("next")
@click.argument("job", required=False)
@click.option("--cron", "expression", metavar="EXPR", help='An expression instead of a job: "0 9 * * mon-fri".')
@click.option("--timezone", metavar="TZ", help="The zone that EXPR is in; Etc/UTC unless given.")
@click.option(
    "--from",
    "start",
    metavar="ISO",
    default=lambda: now().isoformat(),
    callback=instant,
    help="Count from it; else now.",
)
@click.option("-n", "count", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many.")
@OUTPUT
def command(
    *, job: str | None, expression: str | None, timezone: str | None, start: datetime, count: int, output: str
) -> None:
    """Say when JOB is due next, in its zone and in UTC; without JOB, what is due next of all jobs.

    With --cron no jobs.yaml is read: try an expression, or see what a clock change does to it.
    """
    if expression is None and timezone is not None:
        raise click.UsageError("--timezone belongs to --cron; a job has its own in jobs.yaml")
    if expression is None:
        found, words = _of_jobs(job, start, count)
    elif job is None:
        found, words = _of_cron(expression, timezone or "Etc/UTC", start, count)
    else:
        raise click.UsageError("name a job or give --cron, not both")
    if words and (output == "table" or not found):
        click.echo(words, err=True)
    if output != "table":
        show([_row(entry) for entry in found], output)
    elif found:
        click.echo(_table(found, start))


def _of_cron(expression: str, timezone: str, start: datetime, count: int) -> tuple[list[_Next], str]:
    cron = _checked(expression, timezone)
    return [_Next(due, timezone) for due in upcoming(cron, start, count)], f"{cron.words()}, {timezone}"


def _checked(expression: str, timezone: str) -> Cron:
    option = "--timezone"
    try:
        check_zone(timezone)
        option = "--cron"
        return Cron(expression, timezone)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from error


def _of_jobs(name: str | None, start: datetime, count: int) -> tuple[list[_Next], str]:
    from maintd.cli import jobsfile

    file = jobsfile.load()
    jobs = [file.job(name)] if name else file.jobs
    found = sorted(entry for job in jobs for entry in _of_job(job, start, count))
    return found[:count], _words(jobs[0]) if name else ""


def _of_job(job: "Job", start: datetime, count: int) -> Iterator[_Next]:
    if job.schedule and job.enabled:
        for due in upcoming(job.schedule, start, count):
            yield _Next(due, job.timezone, job.name)


def _words(job: "Job") -> str:
    if job.schedule and job.enabled:
        return f"{job.schedule.words()}, {job.timezone}"
    why = "is disabled" if job.schedule else "is manual"
    return f"{job.name} {why} and never due; `maintd run {job.name}` runs it"


def _table(found: list[_Next], start: datetime) -> str:
    rows = [
        (entry.job, f"{entry.local:%a %Y-%m-%d %H:%M:%S %Z}", utc(entry.due), age(entry.due, start)) for entry in found
    ]
    titles = ("JOB", "DUE", "UTC", "WHEN")
    of_jobs = any(entry.job for entry in found)
    return table(titles, rows) if of_jobs else table(titles[1:], [row[1:] for row in rows])


def _row(entry: _Next) -> dict[str, str]:
    times = {"due": utc(entry.due), "local": entry.local.isoformat()}
    return {"job": entry.job} | times if entry.job else times
