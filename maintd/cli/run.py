"""`maintd run JOB|KIND`."""

import asyncio
import getpass
import shlex
import signal
from itertools import chain
from typing import Literal

import click

from maintd.cli.process import settle
from maintd.cli.tables import OUTPUT, show
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.core.errors import ConfigError
from maintd.core.outcome import Run
from maintd.core.rehearsal import Rehearser
from maintd.core.signing import Opener


@click.command("run")
@click.argument("job", metavar="JOB|KIND")
@click.option("--set", "params", multiple=True, metavar="KEY=VALUE", help="Another value for a parameter.")
@click.option("--act", is_flag=True, help="Really change things; without it nothing is changed.")
@click.option("--reason", default="", help="Why; it is kept in the record.")
@OUTPUT
def command(job: str, params: tuple[str, ...], act: bool, reason: str, output: str) -> None:
    """Run one job of jobs.yaml, or any kind, now and here.

    The same code, limits and record as a scheduled run. It is a dry run unless --act is given, whatever the job's
    mode says; kinds that change nothing in the cluster simply run. The exit code follows the status.
    """
    from maintd.cli import jobsfile
    from maintd.cli.talk import talk
    from maintd.telemetry import logs

    settings = jobsfile.settings()
    file = jobsfile.load()
    chosen = _chosen(job, file, params)
    talk(settings)
    try:
        run, url = asyncio.run(execute(settings, chosen, act, reason))
    finally:
        logs.shutdown()
    report(run, url, params, output)
    raise SystemExit(run.status.exit_code)


def _chosen(name: str, file: JobsFile, params: tuple[str, ...]) -> Job:
    from maintd.cli import adhoc, jobsfile
    from maintd.core.text import instead

    loader = jobsfile.loader()
    jobs = {job.name: job for job in file.jobs}
    if name in jobs:
        return adhoc.with_params(jobs[name], params, loader)
    if name in loader.kinds:
        return adhoc.of_kind(name, next(iter(file.jobs), None), params, loader)
    end = instead(name, [*jobs, *loader.kinds], "maintd jobs")
    raise ConfigError(f"{file.path} has no job {name}, and no kind is called that{end}")


async def execute(
    settings: Settings,
    job: Job,
    act: bool,
    reason: str,
    opener: Opener | None = None,
    *,
    rehearser: Rehearser | None = None,
) -> tuple[Run, str]:
    """Run it here, and return its record and where that is kept."""
    from maintd.app.house import open_house
    from maintd.core.outcome import run_path

    settle()
    mode: Literal["act", "dry-run", "run"] = "run" if not job.kind.has_mode else "act" if act else "dry-run"
    async with open_house(settings, hurried=True, opener=opener, rehearser=rehearser) as house:
        await house.state.load()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, house.runner.interrupt)
        orders = asyncio.create_task(house.orders.run())
        run = await house.runner.run_now(job, mode, actor=getpass.getuser(), reason=reason)
        orders.cancel()
        lost = "; ".join(f"NOT KEPT: {why}" for why in house.fanout.failing.values())
        return run, lost or house.store.url(run_path(run.run_id))


def report(run: Run, url: str, params: tuple[str, ...], output: str) -> None:
    """Print it."""
    from maintd.cli.present import echo_run

    if output != "table":
        show(run.model_dump(mode="json"), output)
        return
    echo_run(run, url)
    if run.mode == "dry-run" and any(change.result == "planned" for change in run.changes):
        command = shlex.join(["maintd", "run", run.job, *chain(*(("--set", param) for param in params)), "--act"])
        click.echo(f"\nNothing was changed. To do it: {command}", err=True)
