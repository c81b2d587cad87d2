"""Whatever raises, and wherever: the next ring comes. The whole daemon, in virtual time, with one part of it broken.

Each fault lasts from the second minute to the fifth. A job that only looks is to run in every minute of ten, one whose
start is claimed in every minute after the fault.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maintd.app import house as house_module
from maintd.app.daemon import Daemon
from maintd.app.house import open_house
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome
from maintd.scheduling.cron import Cron
from maintd.telemetry import logs
from tests.faults.virtual import World, live

START = datetime(2026, 11, 23, 14, 0, 30, tzinfo=UTC)
MINUTES = [datetime(2026, 11, 23, 14, minute, tzinfo=UTC) for minute in range(1, 11)]
BROKEN_FROM, BROKEN_TO = datetime(2026, 11, 23, 14, 1, 30, tzinfo=UTC), datetime(2026, 11, 23, 14, 5, 30, tzinfo=UTC)


class Nothing(Params):
    """A kind without parameters."""


def broken() -> bool:
    return BROKEN_FROM < datetime.now(UTC) < BROKEN_TO


class Brittle:
    """Stands before something, and raises at every use of some of its methods while it is broken."""

    def __init__(self, sound: Any, error: Exception, *methods: str) -> None:
        self._sound, self._error, self._methods = sound, error, methods

    def __getattr__(self, name: str) -> Any:
        if name in self._methods and broken():
            return self._raise
        return getattr(self._sound, name)

    def _raise(self, *_: Any, **__: Any) -> Any:
        raise self._error


@dataclass
class Seen:
    """What a daemon did in ten minutes."""

    looked: list[datetime] = field(default_factory=list)
    kept: list[datetime] = field(default_factory=list)


@dataclass
class Trial:
    """A daemon with one thing that may be wrong with it."""

    folder: Path
    raises: Callable[[], None] = lambda: None
    sinks: tuple[Any, ...] = ()

    def run(self) -> Seen:
        return live(START, self._ten_minutes)

    def _jobs(self, seen: Seen) -> JobsFile:
        async def look(_ctx: Context, _params: Nothing) -> Outcome:
            seen.looked.append(datetime.now(UTC).replace(microsecond=0))
            return Outcome("looked")

        async def keep(_ctx: Context, _params: Nothing) -> Outcome:
            seen.kept.append(datetime.now(UTC).replace(microsecond=0))
            return Outcome("kept")

        async def fail(_ctx: Context, _params: Nothing) -> Outcome:
            if broken():
                self.raises()
            return Outcome("fine")

        each = {"looks": Kind(Nothing, look, level=0), "keeps": Kind(Nothing, keep, level=0, protects=True)}
        each["fails"] = Kind(Nothing, fail, level=0)
        alike: dict[str, Any] = {"params": Nothing(), "schedule": Cron("* * * * *"), "timeout": timedelta(seconds=30)}
        jobs = tuple(Job(name=name, kind=kind, **alike) for name, kind in each.items())
        return JobsFile(self.folder / "jobs.yaml", "0" * 64, jobs)

    async def _ten_minutes(self, _: World) -> Seen:
        seen = Seen()
        settings = Settings(
            storage=f"file://{self.folder}/store", spool=self.folder / "spool", http_address="127.0.0.1:0"
        ).model_copy(update={"lease": timedelta(hours=1)})
        async with open_house(settings, sinks=self.sinks, spooling=True) as house:
            daemon = Daemon(house, self._jobs(seen))
            serving = asyncio.create_task(daemon.run(_never()))
            await asyncio.sleep(600)
            daemon.stop()
            await asyncio.wait({serving})
            serving.result()
        return seen


async def _never() -> AsyncIterator[Any]:
    await asyncio.Event().wait()
    yield


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Trial:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return Trial(tmp_path)


def holds(seen: Seen) -> None:
    """What only looks has missed no minute, and what is claimed none once the fault was over."""
    assert seen.looked == MINUTES
    assert [at for at in seen.kept if at > BROKEN_TO + timedelta(minutes=1)] == MINUTES[6:]


def test_without_a_fault_every_job_runs_each_minute(trial):
    seen = trial.run()

    assert (seen.looked, seen.kept) == (MINUTES, MINUTES)


def _raiser(error: BaseException) -> Callable[[], None]:
    def raises() -> None:
        raise error

    return raises


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), RecursionError(), MemoryError(), asyncio.CancelledError(), TimeoutError()], ids=repr
)
def test_a_kind_that_raises_stops_nobody_else(trial, error):
    trial.raises = _raiser(error)
    holds(trial.run())


@pytest.mark.parametrize("method", ["load", "save"])
@pytest.mark.parametrize("error", [ZeroDivisionError("nobody thought of this"), OSError(28, "no space")], ids=repr)
def test_a_home_of_the_state_and_the_claims_that_raises_stops_nothing_for_good(trial, monkeypatch, error, method):
    find = house_module.find_homes

    async def brittle(*arguments: Any, **more: Any) -> Any:
        homes = await find(*arguments, **more)
        object.__setattr__(homes, "state", Brittle(homes.state, error, method))
        return homes

    monkeypatch.setattr(house_module, "find_homes", brittle)
    holds(trial.run())


@pytest.mark.parametrize("error", [ZeroDivisionError("nobody thought of this"), OSError(28, "no space")], ids=repr)
def test_a_store_that_raises_stops_nothing(trial, monkeypatch, error):
    monkeypatch.setattr(house_module, "open_store", _around(house_module.open_store, error, "create"))
    holds(trial.run())


def _around(make: Callable[..., Any], error: Exception, *methods: str) -> Callable[..., Any]:
    return lambda *arguments, **more: Brittle(make(*arguments, **more), error, *methods)


class BadSink:
    """Takes nothing, and says so in every way there is."""

    name = "bad"

    def started(self, _start: Any) -> None:
        if broken():
            raise RuntimeError("not even that")

    async def emit(self, _run: Any) -> None:
        if broken():
            raise RuntimeError("no")


def test_a_sink_that_raises_stops_nothing(trial):
    trial.sinks = (BadSink(),)
    holds(trial.run())


class BadHandler(logging.Handler):
    """As a third party's kind may attach one."""

    def handle(self, record: logging.LogRecord) -> bool:
        if broken():
            raise OSError("stdout is gone")
        return True


def test_a_logger_that_raises_stops_nothing_not_even_where_something_is_to_be_told(trial):
    trial.sinks = (BadSink(),)
    trial.raises = _raiser(ZeroDivisionError())
    handler, before = BadHandler(), logs.dropped()
    logging.getLogger("maintd").addHandler(handler)
    try:
        holds(trial.run())
    finally:
        logging.getLogger("maintd").removeHandler(handler)

    assert logs.dropped() > before


class BadSchedule(Cron):
    """Raises whenever it is asked, for a while."""

    def after(self, instant: datetime) -> datetime | None:
        if broken():
            raise ZeroDivisionError("a third party's schedule")
        return super().after(instant)


def test_a_schedule_that_raises_stops_nobody_else(trial, monkeypatch):
    made = trial._jobs

    def jobs(seen: Seen) -> JobsFile:
        file = made(seen)
        bad = Job(name="bad", kind=file.jobs[2].kind, params=Nothing(), schedule=BadSchedule("* * * * *"))
        return JobsFile(file.path, file.sha256, (*file.jobs, bad))

    monkeypatch.setattr(trial, "_jobs", jobs)
    holds(trial.run())
