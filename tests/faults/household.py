"""The whole house of a daemon on a folder, for virtual time: kinds that do nothing, and a sink that remembers.

Of the chores only what rings, claims and records is left at its own pace.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from maintd.app import backup_watch, garbage, housekeeping
from maintd.app.daemon import Daemon, Edits
from maintd.app.house import open_house
from maintd.cli import jobsfile
from maintd.cli.process import settle
from maintd.config.jobs import JobsFile
from maintd.config.load import Loader
from maintd.config.settings import Settings
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome, Run
from maintd.scheduling import alarm, orders
from maintd.scheduling.state import State
from maintd.telemetry.lag import Pulse

_SELDOM = timedelta(hours=6)


class Nothing(Params):
    """Parameters that change nothing."""

    word: str = ""


def _kind(name: str, *, protects: bool) -> Kind:
    async def run(_ctx: Context, _params: Nothing) -> Outcome:
        return Outcome("looked")

    run.__module__ = f"tests.{name}"
    return Kind(Nothing, run, level=0, protects=protects)


def slow_down_chores() -> None:
    """What has no part in when jobs are rung, and beats every few seconds, would take most of the time.

    So would looking for garbage among what was imported: the process is set up as that of `serve`.
    """
    settle()
    _default(Pulse, "period_seconds", _SELDOM.total_seconds())
    _default(State, "flush_every", _SELDOM)
    alarm.LONGEST_WAIT = _SELDOM  # only clocks that step need it shorter
    orders.BUSY_SECONDS = orders.IDLE_SECONDS = _SELDOM.total_seconds()
    backup_watch._LOOK_SECONDS = _SELDOM.total_seconds()
    housekeeping._LOOK_SECONDS = garbage.PERIOD_SECONDS = _SELDOM.total_seconds()


def _default(of: type, name: str, value: object) -> None:
    defaults = vars(of)["__init__"].__kwdefaults__
    assert name in defaults
    defaults[name] = value


async def _never() -> AsyncIterator[Any]:
    await asyncio.Event().wait()
    yield


class _Kept:
    """A sink that remembers."""

    name = "kept"

    def __init__(self) -> None:
        self.runs: list[Run] = []

    def started(self, start: Any) -> None:
        """A run has begun."""

    async def emit(self, run: Run) -> None:
        """A run has ended."""
        self.runs.append(run)


@dataclass
class Household:
    """One daemon. Its kinds are `look`, and `keep`, of which every start is claimed."""

    folder: Path
    edits: Callable[[], Edits] = _never
    """What becomes of jobs.yaml, from when the daemon serves."""
    settings: Settings = field(init=False)

    def __post_init__(self) -> None:
        found = Settings(storage=f"file://{self.folder}/store", spool=self.folder / "spool", http_address="127.0.0.1:0")
        self.settings = found.model_copy(update={"lease": timedelta(days=1)})
        kinds = {"look": _kind("look", protects=False), "keep": _kind("keep", protects=True)}
        self._loader = Loader(kinds, jobsfile.loader(found).schedules, found.namespace)

    def parse(self, text: str) -> JobsFile:
        """Raises ConfigError."""
        return self._loader.parse(text.encode(), self.folder / "jobs.yaml")

    async def serve(self, text: str, until: Awaitable[None]) -> list[Run]:
        """With these jobs, and as long as that takes; every run there was."""
        kept = _Kept()
        async with open_house(self.settings, sinks=(kept,), spooling=True) as house:
            daemon = Daemon(house, self.parse(text))
            serving = asyncio.create_task(daemon.run(self.edits()))
            await until
            daemon.stop()
            await serving
        return kept.runs
