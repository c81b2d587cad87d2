"""`maintd validate [FILE]`."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from maintd.cli import jobsfile
from maintd.cli.tables import show, table, utc
from maintd.config.jobs import Job, JobsFile
from maintd.config.mistakes import BadJobs, Mistake
from maintd.core.text import counted
from maintd.scheduling.schedule import upcoming
from maintd.scheduling.zones import zone

_RUNS = 3
_OUTPUTS = click.Choice(["table", "json", "yaml", "github"])
_SAME_JOB = (" ", " ", " ", " ")


@click.command("validate")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=_OUTPUTS, default="table", help="How to print it; github: annotations of a CI run."
)
def command(file: Path | None, output: str) -> None:
    """Check jobs.yaml: every mistake with its place and a remedy, or every job with its next three runs.

    Without FILE it is the one that MAINTD_JOBS_FILE names. Needs no cluster. Exit code 2 when there are mistakes.
    """
    settings = jobsfile.settings()
    try:
        good = jobsfile.loader(settings).load(file or settings.jobs_file)
    except BadJobs as bad:
        _print_mistakes(bad, output)
        raise SystemExit(2) from bad
    _print_jobs(good, output)


def _print_mistakes(bad: BadJobs, output: str) -> None:
    if output == "table":
        click.echo(bad.report(), err=True)
        return
    if output == "github":
        click.echo("\n".join(map(annotation, bad.mistakes)))
    else:
        show({"file": bad.file, "mistakes": [_mistake(mistake) for mistake in bad.mistakes]}, output)
    click.echo(bad.summary, err=True)


def annotation(mistake: Mistake) -> str:
    """A mistake as GitHub Actions shows it beside the line.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
    """
    place = mistake.place
    message = ": ".join(filter(None, (mistake.path, mistake.sentence)))
    return f"::error file={_property(place.file)},line={place.line},col={place.column}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _mistake(mistake: Mistake) -> dict[str, Any]:
    return {
        "line": mistake.place.line,
        "column": mistake.place.column,
        "path": mistake.path,
        "message": mistake.message,
        "remedy": mistake.remedy,
    }


def _print_jobs(file: JobsFile, output: str) -> None:
    now = datetime.now(UTC)
    if output == "table":
        rows = [row for job in file.jobs for row in _rows(job, now)]
        click.echo(table(("JOB", "KIND", "MODE", "SCHEDULE", "NEXT", "NEXT IN UTC"), rows))
    elif output != "github":
        show({"file": str(file.path), "jobs": [_job(job, now) for job in file.jobs]}, output)
    click.echo(f"{counted(len(file.jobs), 'job')} in {file.path}, no mistakes", err=True)


def _rows(job: Job, now: datetime) -> Iterator[tuple[str, ...]]:
    about: tuple[str, ...] = (job.name, job.kind.name, job.mode, _words(job))
    runs = _runs(job, now)
    for due in runs:
        yield (*about, f"{_local(job, due):%a %Y-%m-%d %H:%M:%S %Z}", utc(due))
        about = _SAME_JOB
    if not runs:
        yield (*about, "", "")


def _job(job: Job, now: datetime) -> dict[str, Any]:
    return {
        "job": job.name,
        "kind": job.kind.name,
        "mode": job.mode,
        "when": job.when,
        "schedule": _words(job),
        "timezone": job.timezone,
        "enabled": job.enabled,
        "next": [{"due": utc(due), "local": _local(job, due).isoformat()} for due in _runs(job, now)],
    }


def _words(job: Job) -> str:
    words = job.schedule.words() if job.schedule else "By hand only"
    return words if job.enabled else f"Disabled: {words}"


def _runs(job: Job, now: datetime) -> list[datetime]:
    return upcoming(job.schedule, now, _RUNS) if job.schedule and job.enabled else []


def _local(job: Job, due: datetime) -> datetime:
    return due.astimezone(zone(job.timezone))
