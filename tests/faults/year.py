"""`python -m tests.faults.year FOLDER --start 2027-01-01 --days 365`: the daemon as scheduled, in virtual time.

Five zones with twelve jobs each, in the whole house on a folder. Prints one JSON object: how many runs there were, what
is wrong with them, how late the latest was.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from maintd.app import backup_watch, housekeeping
from maintd.app.daemon import Daemon
from maintd.app.house import open_house
from maintd.cli import jobsfile
from maintd.config.jobs import JobsFile
from maintd.config.load import Loader
from maintd.config.settings import Settings
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome, Run
from maintd.scheduling import alarm, orders
from maintd.scheduling.state import State
from maintd.telemetry import logs
from maintd.telemetry.lag import Pulse
from tests.faults.almanac import ENTRIES, ZONES
from tests.faults.virtual import World, live

_SELDOM = timedelta(hours=6)


class Nothing(Params):
    """A kind without parameters."""


def _kind(name: str, *, protects: bool) -> Kind:
    async def run(_ctx: Context, _params: Nothing) -> Outcome:
        return Outcome("looked")

    run.__module__ = f"tests.{name}"
    return Kind(Nothing, run, level=0, protects=protects)


def _jobs(folder: Path, settings: Settings) -> JobsFile:
    """Of every sixth job the start is claimed."""
    kinds = {"look": _kind("look", protects=False), "keep": _kind("keep", protects=True)}
    kind = ("look", "keep", "look", "look", "look", "look")
    lines = [
        f"  - {{name: {_name(zone, number)}, kind: {kind[number % 6]}, schedule: '{entry.line}', timezone: {zone}}}"
        for zone in ZONES
        for number, entry in enumerate(ENTRIES)
    ]
    text = "\n".join(("version: 1", "max_running: 100", "jobs:", *lines)) + "\n"
    loader = Loader(kinds, jobsfile.loader(settings).schedules, settings.namespace)
    return loader.parse(text.encode(), folder / "jobs.yaml")


def _name(zone: str, number: int) -> str:
    return f"{zone.partition('/')[2].lower().replace('_', '-')}-{number}"


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


def _slow_down_chores() -> None:
    """What has no part in when jobs are rung, and beats every few seconds, would take most of the time."""
    _default(Pulse, "period_seconds", _SELDOM.total_seconds())
    _default(State, "flush_every", _SELDOM)
    alarm.LONGEST_WAIT = _SELDOM  # only clocks that step need it shorter
    orders.BUSY_SECONDS = orders.IDLE_SECONDS = _SELDOM.total_seconds()
    backup_watch._LOOK_SECONDS = _SELDOM.total_seconds()
    housekeeping._LOOK_SECONDS = _SELDOM.total_seconds()


def _default(of: type, name: str, value: object) -> None:
    defaults = vars(of)["__init__"].__kwdefaults__
    assert name in defaults
    defaults[name] = value


async def _never() -> AsyncIterator[Any]:
    await asyncio.Event().wait()
    yield


async def _serve(folder: Path, seconds: float) -> list[Run]:
    settings = Settings(storage=f"file://{folder}/store", spool=folder / "spool", http_address="127.0.0.1:0")
    settings = settings.model_copy(update={"lease": timedelta(days=1)})
    kept, file = _Kept(), _jobs(folder, settings)
    async with open_house(settings, sinks=(kept,), spooling=True) as house:
        daemon = Daemon(house, file)
        serving = asyncio.create_task(daemon.run(_never()))
        await asyncio.sleep(seconds)
        daemon.stop()
        await serving
    return kept.runs


def _wrong(runs: Sequence[Run], start: datetime, end: datetime) -> Iterator[str]:
    odd = Counter(f"{run.status}: {run.summary}" for run in runs if run.status != "ok")
    if odd:
        yield f"runs that are not ok: {dict(odd.most_common(3))}"
    seen: dict[str, list[datetime]] = {}
    for run in runs:
        seen.setdefault(run.job, []).append(run.due or run.started)
    for zone in ZONES:
        for number, entry in enumerate(ENTRIES):
            due, found = entry.due(ZoneInfo(zone), start, end), sorted(seen.get(_name(zone, number), []))
            if due != found:
                lost, more = (sorted(map(str, each))[:3] for each in (set(due) - set(found), set(found) - set(due)))
                yield f"{entry.line} in {zone}: {len(found)} of {len(due)} runs; lost {lost}, too many {more}"


def main(arguments: Sequence[str]) -> int:
    """Exit code: 1 where something is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--days", type=float, required=True)
    said = parser.parse_args(arguments)
    start, seconds = said.start.replace(tzinfo=UTC) + timedelta(seconds=1), said.days * 86400
    logs.configure("json", "error")
    _slow_down_chores()

    async def world_of_jobs(_: World) -> list[Run]:
        return await _serve(said.folder, seconds)

    runs = live(start, world_of_jobs)
    wrong = [*_wrong(runs, start, start + timedelta(seconds=seconds))]
    logs.shutdown()
    print(json.dumps({"runs": len(runs), "wrong": wrong, "late": max(run.late_seconds for run in runs)}))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
