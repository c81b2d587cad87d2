"""S5, S8: a daemon whose clock is set, whose process is stopped, or whose loop is blocked: no silent miss, no double.

The clock is that of Debian's faketime, which reads its offset from a file; the monotonic clock and the one that runs
through a suspend stay true.
"""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from maintd.scheduling.every import Every
from tests.faults.evidence import records
from tests.faults.ground import Ground, ground
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
"""
_LIBRARIES = "usr/lib/*/faketime/libfaketimeMT.so.1"
_HOUR, _DAY = 3600, 86400
_LARGE = 3 * _HOUR
"""A clock set back by more than this makes what was due due again."""
_LATEST_SECONDS = 32.0
"""The longest that the daemon waits before it looks at the clock, and what a busy machine takes to tell."""
_UNCOUNTED = 999
"""A record of as many missed instants stands for those before as well: who slept for a month counts no further."""
_SETTLED_SECONDS = 5.0

Records = Sequence[dict[str, Any]]


@dataclass
class _Served:
    """A daemon, the clock it believes in, and how long it took to ring again after each step."""

    daemon: Maintd
    clock: Path
    offset: float = 0.0
    slowest: float = 0.0
    repeats: bool = False
    """Time was set back so far that instants are due which were before: what is claimed is skipped, and says so."""

    async def take(self, step: Step) -> None:
        """Do it, and wait until both jobs have run again, if they are to."""
        await getattr(self, f"_{step.fault}")(float(step.target))

    async def _set(self, seconds: float) -> None:
        since = len(self.daemon.lines)
        self.offset += seconds
        self.repeats = self.repeats or seconds < -_LARGE
        self.clock.write_text(f"{self.offset:+.0f}", encoding="ascii")
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
        good = ("ok", "attention", "skipped") if self.repeats and job == "kept" else ("ok", "attention")
        return line["message"] == "run finished" and labels.get("job") == job and line["status"] in good

    async def _noticed(self, message: str, since: int) -> None:
        began = time.monotonic()
        await self.daemon.said(message, since=since)
        self.slowest = max(self.slowest, time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class Clocks:
    """One row. Steps: `set` the clock by so many seconds, `stop` or `block` for so many."""

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
        clock = folder / "clock"
        clock.write_text("+0", encoding="ascii")
        async with ground(folder, _JOBS) as here, here.serve(**_environment(clock, plan)) as daemon:
            served = _Served(daemon, clock)
            await served._runs_again(0)
            for step in plan.steps:
                await served.take(step)
            await asyncio.sleep(_SETTLED_SECONDS)
            code = await daemon.stop()
            return Report((*_wrong(here, plan, served), *([f"it exited {code}"] if code else ())), served.slowest)


def _plan(seed: int, faults: Sequence[tuple[str, float]]) -> Plan:
    steps = [(fault, seconds) for fault, seconds in faults]
    for fault, seconds in faults:
        if fault == "set" and -_LARGE <= seconds < 0:
            steps.insert(steps.index((fault, seconds)) + 1, (fault, -seconds))
    return Plan(seed, tuple(Step(number, fault, f"{seconds:g}") for number, (fault, seconds) in enumerate(steps)))


def _environment(clock: Path, plan: Plan) -> dict[str, str]:
    library = next(Path("/").glob(_LIBRARIES), None)
    if library is None:
        raise RuntimeError("faketime is not installed: apt-get install faketime")
    block = [step.target for step in plan.steps if step.fault == "block"]
    armed = {"MAINTD_FAILPOINTS": f"claim-before:3:sleep={block[0]}"} if block else {}
    return armed | {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _wrong(here: Ground, plan: Plan, served: _Served) -> Iterator[str]:
    kept = records(here.store)
    if served.slowest > _LATEST_SECONDS:
        yield f"it rang again only {served.slowest:.1f} s after"
    again = any(step.fault == "set" and float(step.target) < -_LARGE for step in plan.steps)
    for job in ("seen", "kept"):
        its = [record for record in kept if record["job"] == job]
        starts = Counter(record["due"] for record in its if record["status"] not in ("missed", "skipped"))
        doubled = [due for due, times in starts.items() if times > 1]
        if doubled and not (again and job == "seen"):
            yield f"{job} was started twice for {doubled[:3]}"
        silent = [*_silent(job, its)]
        if silent and not again:
            yield f"{job} has no record for {len(silent)} due instants: {silent[:3]}"


def _silent(job: str, kept: Records) -> Iterator[str]:
    """Due instants between the first and the last that no record stands for."""
    schedule = Every(_PERIOD, job)
    known: set[datetime] = set()
    for record in sorted(kept, key=lambda each: str(each["due"])):
        due, count = datetime.fromisoformat(record["due"]), 1
        if record["status"] == "missed":
            counted = record["count"] < _UNCOUNTED
            count = record["count"] if counted else (due - max(known, default=due)) // _PERIOD
        known |= {due - number * _PERIOD for number in range(count)}
    at, last = min(known), max(known)
    while at < last:
        if at not in known:
            yield f"{at:%H:%M:%S}"
        at = schedule.after(at) or last


SCENARIOS = (
    Clocks(
        "S8",
        "clock set by 1 h and by 1 day, both ways",
        (("set", _HOUR), ("set", -_HOUR), ("set", _DAY), ("set", -_DAY)),
        (("set", _HOUR),),
    ),
    Clocks("S5", "process stopped for 45 s", (("stop", 45.0),), (("stop", 3.0),)),
    Clocks("S5", "loop blocked for 30 s", (("block", 30.0),), (("block", 3.0),)),
)
