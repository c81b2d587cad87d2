"""`maintd serve`."""

import asyncio
import os
import signal
import threading

import click

from maintd.cli.process import settle
from maintd.config.jobs import JobsFile
from maintd.config.settings import Settings

GOODBYE_SECONDS = 20.0
"""After the grace, for records, the state and the lease. deploy/ leaves 30 s, of which 5 s are to be left."""


@click.command("serve")
def command() -> None:
    """Run the jobs of jobs.yaml when they are due, until SIGTERM or Ctrl-C.

    An edited jobs.yaml is taken within 5 seconds. On the first signal nothing new is started and what runs is given
    MAINTD_GRACE to end; a second signal ends it at once.
    """
    from maintd.cli import jobsfile
    from maintd.storage.open import check_emulator
    from maintd.telemetry import logs

    settings = jobsfile.settings()
    check_emulator(settings.allow_storage_emulator)
    jobs = jobsfile.load()
    logs.configure(settings.log_format, settings.log_level)
    if settings.failpoints:
        danger = "this process is made to die or fail; unset MAINTD_FAILPOINTS where jobs matter"
        logs.get("maintd").warning("failpoints armed", failpoints=settings.failpoints, danger=danger)
    try:
        asyncio.run(_serve(settings, jobs))
    finally:
        logs.shutdown()
    # A thread that waits for a disk or a name server that never answers must not hold up the end of the process.
    os._exit(0)


async def _serve(settings: Settings, jobs: JobsFile) -> None:
    from maintd.app.daemon import Daemon
    from maintd.app.house import open_house
    from maintd.cli import jobsfile

    settle()
    async with open_house(
        settings,
        next_due=lambda name: daemon.next_due(name),  # noqa: PLW0108 - the daemon is made of the house that asks it
        spooling=True,
    ) as house:
        daemon = Daemon(house, jobs)
        loop = asyncio.get_running_loop()

        cut_short = threading.Timer(settings.grace.total_seconds() + GOODBYE_SECONDS, _cut_short)
        cut_short.daemon = True

        def told(number: int) -> None:
            click.echo(f"{signal.Signals(number).name}: stopping", err=True)
            if cut_short.ident is None:
                cut_short.start()
            daemon.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, told, number)
        await daemon.run(jobsfile.edits(jobs))


def _cut_short() -> None:
    """From a thread: what holds up the end may hold up the loop too, or be the loop's own wait for a thread."""
    from maintd.telemetry import logs

    why = f"the store, the API server or a job held it up for {GOODBYE_SECONDS:g} s after MAINTD_GRACE"
    logs.get("maintd").error("daemon cut short", why=why, consequence="the next one records what was still open")
    logs.shutdown()
    os._exit(0)
