"""How every command comes to its settings and its jobs."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintd.config.jobs import JobsFile, Schedule
from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs
from maintd.core.errors import ConfigError
from maintd.kinds import load_kinds
from maintd.scheduling.cron import Cron
from maintd.scheduling.every import Every
from maintd.scheduling.jitter import Jittered
from maintd.scheduling.zones import check_zone

if TYPE_CHECKING:
    from maintd.config.settings import Settings


class _Schedules:
    """The schedules that jobs.yaml is read with."""

    def check_timezone(self, name: str) -> None:
        check_zone(name)

    def cron(self, expression: str, timezone: str) -> Schedule:
        return Cron(expression, timezone)

    def every(self, period: timedelta, job: str) -> Schedule:
        return Every(period, job)

    def jittered(self, schedule: Schedule, jitter: timedelta, job: str) -> Schedule:
        return Jittered(schedule, jitter, job)


def settings() -> "Settings":
    """What the environment says. Raises ConfigError."""
    from maintd.config.settings import read_settings

    found = read_settings()
    if found.storage.startswith("gs://") and "STORAGE_EMULATOR_HOST" in os.environ:
        _warn_of_emulator()
    return found


@cache
def _warn_of_emulator() -> None:
    """Once, however often the settings are read."""
    from maintd.storage.open import emulator

    click.echo(f"maintd: STORAGE_EMULATOR_HOST is set: {emulator()} stands in for Google Cloud Storage", err=True)


def loader(chosen: "Settings | None" = None) -> Loader:
    """What reads jobs.yaml: with every kind there is, and the schedules of this program."""
    return Loader(load_kinds(), _Schedules(), (chosen or settings()).namespace)


def load(path: Path | None = None) -> JobsFile:
    """The jobs in `path`, or where the settings say. Prints the mistakes and exits 2 when there are any."""
    chosen = settings()
    try:
        return loader(chosen).load(path or chosen.jobs_file)
    except BadJobs as error:
        click.echo(error.report(), err=True)
        raise SystemExit(2) from error


def edits(file: JobsFile, chosen: "Settings | None" = None) -> AsyncIterator[JobsFile | ConfigError]:
    """What becomes of the file while it is watched."""
    from maintd.config.watch import Watch

    reader = loader(chosen)
    return Watch(file.path, lambda data: reader.parse(data, file.path)).changes(file.sha256)
