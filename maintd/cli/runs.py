"""`maintd runs [JOB|RUN]`."""

import asyncio
import re
from typing import TYPE_CHECKING

import click

from maintd.cli.tables import OUTPUT, age, coloured, now, show, table, took
from maintd.core.outcome import Run

if TYPE_CHECKING:
    from maintd.sinks.history import History

_RUN_ID = re.compile(r"\d{8}T\d{6}Z-.+")


@click.command("runs")
@click.argument("what", required=False, metavar="[JOB|RUN]")
@click.option("-n", "limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@OUTPUT
def command(what: str | None, limit: int, output: str) -> None:
    """List what has run, newest first: of one job or of all. With the id of a run: its record."""
    if what and _RUN_ID.fullmatch(what):
        _one(what, output)
    else:
        _list(what, limit, output)


def _one(run_id: str, output: str) -> None:
    from maintd.cli.jobsfile import settings
    from maintd.cli.present import echo_run
    from maintd.core.outcome import run_path
    from maintd.storage.open import open_store

    wanted = settings()
    run = asyncio.run(_history().read(run_id))
    if output == "table":
        echo_run(run, open_store(wanted.storage, wanted.cluster).url(run_path(run_id)))
    else:
        show(run.model_dump(mode="json"), output)


def _list(job: str | None, limit: int, output: str) -> None:
    runs = asyncio.run(_history().recent(limit, job))
    if job and not runs:
        _check_known(job)
    if output != "table":
        show([run.model_dump(mode="json", exclude={"considered", "changes"}) for run in runs], output)
        return
    if not runs:
        where = folder_url()
        click.echo(f"there is no record{f' of {job}' if job else ''} in {where}; `maintd run JOB` makes one", err=True)
        return
    click.echo(table(("RUN", "KIND", "MODE", "STATUS", "TOOK", "WHEN", "SUMMARY"), map(_row, runs)))


def _check_known(job: str) -> None:
    """Raises ConfigError for a name that no job and no kind has; where jobs.yaml cannot be read nobody knows."""
    from maintd.cli import jobsfile
    from maintd.core.errors import ConfigError
    from maintd.core.text import instead

    loader = jobsfile.loader()
    try:
        names = [*(known.name for known in loader.load(jobsfile.settings().jobs_file).jobs), *loader.kinds]
    except ConfigError:
        return
    if job not in names:
        end = instead(job, names, "maintd runs")
        raise ConfigError(f"there is no record of {job}, and no job or kind is called that{end}")


def _row(run: Run) -> tuple[str, ...]:
    when = age(run.started, now())
    return run.run_id, run.kind, run.mode, coloured(run.status), took(run.seconds), when, run.summary


def folder_url() -> str:
    """Where records are looked for."""
    from maintd.cli.jobsfile import settings
    from maintd.storage.open import open_store

    found = settings()
    return open_store(found.storage, found.cluster).url("runs/")


def _history() -> "History":
    from maintd.cli.jobsfile import settings
    from maintd.cli.talk import talk
    from maintd.sinks.history import History
    from maintd.storage.open import open_store
    from maintd.telemetry import logs

    found = settings()
    talk(found)
    return History(open_store(found.storage, found.cluster), logs.get("maintd"))
