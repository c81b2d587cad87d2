"""What people ask of a maintd that runs elsewhere: it is written into the state, which every replica reads."""

import getpass
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import click

from maintd.app.house import House, open_house
from maintd.cli import jobsfile
from maintd.cli.talk import talk
from maintd.core.errors import ConfigError, JobError
from maintd.core.text import instead
from maintd.scheduling.entry import JobState
from maintd.scheduling.state import State


def whoami() -> str:
    """Who types, for others to read."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


@asynccontextmanager
async def shared() -> AsyncIterator[House]:
    """The house, once its state has been read. Raises JobError where that cannot be, or nobody ever wrote it."""
    settings = jobsfile.settings()
    talk(settings, "error")
    async with open_house(settings, hurried=True) as house:
        if isinstance(house.api, str):
            click.echo(f"no cluster, so this is what a folder remembers: {house.api}", err=True)
        await house.state.load()
        if house.state.problem:
            raise JobError(f"nothing was asked, for the state could not be read: {house.state.problem}")
        if not house.state.entries:
            where = "MAINTD_NAMESPACE or MAINTD_STATE_NAMESPACE, and the context of KUBECONFIG, say where it is"
            raise JobError(f"there is no state in {house.state.home}: no maintd has led there; {where}")
        yield house


async def write(state: State, name: str, edit: Callable[[JobState], JobState]) -> None:
    """Change an entry in the home. Raises what the home raises, and JobError where the entry is not ours to change."""
    if (await state.update(name, edit)).newer:
        raise JobError(f"a newer maintd wrote the entry of {name} in the state; use that version's command")


def known(state: State, job: str) -> str:
    """The job, where the state knows it. Raises ConfigError."""
    names = [name for name, entry in state.entries.items() if "." not in name and entry.gone is None]
    if job not in names:
        raise ConfigError(f"no maintd that uses {state.home} has a job {job}{instead(job, names, 'maintd jobs')}")
    return job
