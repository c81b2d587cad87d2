"""S5, S8: a daemon whose clock is set, which is stopped, blocked or put to sleep: no silent miss, no double.

The wall clock is that of faketime, which reads its offset from a file; the monotonic clock stays true. A machine
that sleeps is a process that is stopped and finds two clocks ahead: this one and the one that runs through a suspend.
"""

import asyncio
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from maintd.sandbox.world import goes_on_breaking
from maintd.scheduling.alarm import LONGEST_WAIT, SMALL_STEP
from tests.faults import reigns
from tests.faults.evidence import written
from tests.faults.ground import Ground, ground
from tests.faults.instants import Back, doubled, parts, silent
from tests.faults.plan import Plan, Step
from tests.faults.process import Maintd
from tests.faults.scenario import Report

_PERIOD = timedelta(seconds=5)
_JOBS = """version: 1
targets: {shop: {namespace: omtx-hub}}
defaults: {target: shop, timeout: 1m, timezone: UTC}
jobs:
  - {name: seen, kind: version-check, every: 5s}
  - {name: kept, kind: backup, every: 5s, params: {kinds: [configmaps]}}
  - {name: tidy, kind: cleanup-pods, every: 5s, mode: act, params: {phases: [Failed], older_than: 1s}}
"""
_BREAKS = timedelta(seconds=1)
_LIBRARIES = "usr/lib/*/faketime/libfaketimeMT.so.1"
_HOUR, _DAY = 3600, 86400
_LARGE = SMALL_STEP.total_seconds()
_LATEST_SECONDS = (LONGEST_WAIT + _PERIOD).total_seconds() + 2.0
"""The longest that the daemon waits before it looks at the clock, until the next is due, and what it takes to tell."""
_SETTLED_SECONDS = 5.0
_ASLEEP_SECONDS = 0.5
"""How long it is stopped for, while its clocks jump by the hour."""


@dataclass
class _Served:
    """A daemon, the clock it believes in, and how long it took to ring again after each step."""

    daemon: Maintd
    here: Ground
    offset: float = 0.0
    slept: float = 0.0
    slowest: float = 0.0
    backs: list[Back] = field(default_factory=list)
    trespasses: list[str] = field(default_factory=list)
    """Changes that were sent on waking in the name of a reign which had ended meanwhile."""

    async def take(self, step: Step) -> None:
        """Do it, and wait until both jobs have run again, if they are to."""
        await getattr(self, f"_{step.fault}")(float(step.target))

    async def _set(self, seconds: float) -> None:
        since = len(self.daemon.lines)
        self.offset += seconds
        _show(self.here, self.offset, self.slept)
        if seconds < -_LARGE:
            self.backs.append(Back(time.time(), datetime.now(UTC) + timedelta(seconds=self.offset)))
        if -_LARGE <= seconds < 0:  # silence until the old time is reached again, as in Debian's cron(8)
            await self._noticed("clock set back", since)
        else:
            await self._runs_again(since)

    async def _stop(self, seconds: float) -> None:
        self.daemon.tell(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        since = len(self.daemon.lines)
        self.daemon.tell(signal.SIGCONT)
        await self._runs_again(since)

    async def _sleep(self, seconds: float) -> None:
        self.daemon.tell(signal.SIGSTOP)
        await asyncio.sleep(_ASLEEP_SECONDS)
        since, reign = len(self.daemon.lines), max(each.epoch or 0 for each in self.here.sandbox.requests)
        self.offset, self.slept = self.offset + seconds, self.slept + seconds
        _show(self.here, self.offset, self.slept)
        woke = datetime.now(UTC)
        self.daemon.tell(signal.SIGCONT)
        await self._runs_again(since)
        await self.daemon.said("leadership gained", since=since)
        late = reigns.late(self.here.sandbox.requests, {reign + 1: woke})
        self.trespasses += [f"{each.verb} {each.path} of a reign that had ended" for each, _ in late]

    async def _block(self, seconds: float) -> None:
        """A failpoint does it, armed from the start; here it is waited for."""
        await asyncio.sleep(seconds)
        await self._runs_again(len(self.daemon.lines))

    async def _runs_again(self, since: int) -> None:
        began = time.monotonic()
        for job in ("seen", "kept"):
            await self._finished(job, since)
        self.slowest = max(self.slowest, time.monotonic() - began)

    async def _finished(self, job: str, since: int) -> None:
        async with asyncio.timeout(60):
            while not any(self._is_end(line, job) for line in self.daemon.lines[since:]):
                await asyncio.sleep(0.02)

    def _is_end(self, line: dict[str, Any], job: str) -> bool:
        labels = line.get("logging.googleapis.com/labels", {})
        good = ("ok", "attention", "skipped") if self.backs and job == "kept" else ("ok", "attention")
        return line["message"] == "run finished" and labels.get("job") == job and line["status"] in good

    async def _noticed(self, message: str, since: int) -> None:
        began = time.monotonic()
        await self.daemon.said(message, since=since)
        self.slowest = max(self.slowest, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Clocks:
    """One row. Steps: `set` the clock by so many seconds; `stop`, `block` or `sleep` for so many."""

    promise: str
    fault: str
    faults: tuple[tuple[str, float], ...]
    quick: tuple[tuple[str, float], ...]
    unit: str = "s until it rang again"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """In another order each time; a small step back comes with the way forward again."""
        if quick:
            return _plan(seed, self.quick)
        return _plan(seed, random.Random(seed).sample(self.faults, len(self.faults)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """One daemon for all steps."""
        async with ground(folder, _JOBS) as here, _served(here, plan) as served:
            await served._runs_again(0)
            for step in plan.steps:
                await served.take(step)
            await asyncio.sleep(_SETTLED_SECONDS)
            code = await served.daemon.stop()
            return Report((*_wrong(served), *([f"it exited {code}"] if code else ())), served.slowest)


@asynccontextmanager
async def _served(here: Ground, plan: Plan) -> AsyncIterator[_Served]:
    _show(here, 0, 0)
    breaking = asyncio.create_task(goes_on_breaking(here.sandbox, _BREAKS))
    try:
        async with here.serve(module="tests.faults.asleep", **_environment(here, plan)) as daemon:
            yield _Served(daemon, here)
    finally:
        breaking.cancel()


def _show(here: Ground, offset: float, slept: float) -> None:
    """Seconds that its wall clock, and the one that runs through a suspend, are ahead."""
    (here.folder / "slept").write_text(f"{slept:.0f}", encoding="ascii")
    (here.folder / "clock").write_text(f"{offset:+.0f}", encoding="ascii")


def _plan(seed: int, faults: Sequence[tuple[str, float]]) -> Plan:
    steps = [(fault, seconds) for fault, seconds in faults]
    for fault, seconds in faults:
        if fault == "set" and -_LARGE <= seconds < 0:
            steps.insert(steps.index((fault, seconds)) + 1, (fault, -seconds))
    return Plan(seed, tuple(Step(number, fault, f"{seconds:g}") for number, (fault, seconds) in enumerate(steps)))


def _environment(here: Ground, plan: Plan) -> dict[str, str]:
    library = next(Path("/").glob(_LIBRARIES), None)
    if library is None:
        raise RuntimeError("faketime is not installed: apt-get install faketime")
    block = [step.target for step in plan.steps if step.fault == "block"]
    armed = {"MAINTD_FAILPOINTS": f"claim-before:3:sleep={block[0]}"} if block else {}
    return armed | {
        "LD_PRELOAD": str(library),
        "SLEPT": str(here.folder / "slept"),
        "FAKETIME_TIMESTAMP_FILE": str(here.folder / "clock"),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _wrong(served: _Served) -> Iterator[str]:
    yield from served.trespasses
    if served.slowest > _LATEST_SECONDS:
        yield f"it rang again only {served.slowest:.1f} s after"
    kept = written(served.here.store)
    for job in ("seen", "kept"):
        its = [one for one in kept if one.record["job"] == job]
        by_clock = [*parts(its, served.backs)]
        for part in by_clock if job == "seen" else (its,):
            yield from doubled(job, part)
        for part in by_clock:
            yield from silent(job, _PERIOD, part)
        for back, part in zip(served.backs, by_clock[1:], strict=True):
            if min(one.due for one in part) > back.shown + timedelta(seconds=_LATEST_SECONDS):
                yield f"{job} was silent after the clock was set back to {back.shown:%H:%M:%S}"


SCENARIOS = (
    Clocks(
        "S8",
        "clock set by 1 h and by 1 day, both ways",
        (("set", _HOUR), ("set", -_HOUR), ("set", _DAY), ("set", -_DAY)),
        (("set", _HOUR),),
    ),
    Clocks("S5", "machine asleep for 1 h", (("sleep", _HOUR),), (("sleep", _HOUR),)),
    Clocks("S5", "process stopped for 45 s", (("stop", 45.0),), (("stop", 3.0),)),
    Clocks("S5", "loop blocked for 30 s", (("block", 30.0),), (("block", 3.0),)),
)
