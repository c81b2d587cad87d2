"""L6, A2, A6: the API server is away, in one way after the other, under a daemon that serves; a tenth of 15 minutes.

It refuses, it is a black hole, it asks everybody for patience. Meanwhile probes and what works on the store go on, the
memory is flat, and no cause is told twice a minute; afterwards everything is soon as before.
"""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from maintd.sandbox.app import SampleApp
from maintd.sandbox.faults import Fault, unavailable
from tests.faults.evidence import records
from tests.faults.ground import Ground, ground
from tests.faults.plan import Plan, Step
from tests.faults.process import Maintd
from tests.faults.proxy import Weather
from tests.faults.scenario import Report

JOBS = """version: 1
targets: {{shop: {{namespace: omtx-hub, url: "{url}"}}}}
defaults: {{target: shop, timeout: 2s}}
jobs:
  - {{name: versions, kind: version-check, every: 1s}}
  - {{name: tidy, kind: cleanup-pods, every: 1s, mode: act}}
  - {{name: backup, kind: backup, every: 2s}}
  - {{name: verify, kind: backup-verify, every: 2s}}
  - {{name: sample, kind: latency-sample, every: 2s, params: {{path: /docs, samples: 2, spacing: 10ms}}}}
  - {{name: probe, kind: http-check, every: 1s, params: {{checks: [{{name: docs, path: /docs}}]}}}}
"""
AWAY = ("refused", "black hole", "429")
_ON_THE_API = ("versions", "tidy", "backup", "verify")
"""The last one asks it nothing, but what protects claims its run there before it starts."""
_ON_THEIR_OWN = {"probe": 1, "sample": 2}
"""What only probes and writes to the store, and how many seconds lie between its runs."""
_BACK_SECONDS = 60.0
_RETRY_AFTER = 1
_TOGETHER = 0.5
_MOST_GROWTH = 5 * 2**20
_FOR_EVER = 1_000_000


@dataclass
class _Watch:
    """What is measured while the round goes on."""

    rss: dict[str, int] = field(default_factory=dict)
    times: dict[str, datetime] = field(default_factory=dict)
    back_after: float = 0.0
    violations: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outage:
    """One row."""

    promise: str = "L6"
    fault: str = "API server away: " + ", ".join(AWAY)
    unit: str = "s until all is well"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Each way to be away in turn, in an order that the seed turns."""
        span = 2.5 if quick else 30.0
        turned = AWAY[seed % 3 :] + AWAY[: seed % 3]
        return Plan(seed, tuple(Step(number * span, fault, f"{span:g}s") for number, fault in enumerate(turned)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Serve, take the server away, bring it back, ask the daemon to end."""
        runs = 2 if plan.steps and plan.steps[-1].at < 10 else 20
        async with SampleApp() as app, ground(folder, JOBS.format(url=app.url)) as here:
            async with here.serve_embedded() as served:
                watch = _Watch()
                await _warm(served, runs)
                await _be_away(plan, here, served, watch)
                await _come_back(here, served, watch)
                code = await served.stop()
            watch.violations += [f"it exited {code}"] if code else []
            watch.violations += [*_went_on(here, watch), *_told_once(served), *_patient(here), *_one_each(here, served)]
            return Report(tuple(watch.violations), watch.back_after)


async def _warm(served: Maintd, runs: int) -> None:
    """Each job has done its work so many times: what it imports and caches is there."""
    for job in (*_ON_THE_API, *_ON_THEIR_OWN):
        since = 0
        for _ in range(runs):
            line = await _good_run(served, job, since)
            since = served.lines.index(line) + 1


async def _good_run(served: Maintd, job: str, since: int) -> dict[str, Any]:
    labels = "logging.googleapis.com/labels"
    while True:
        line = await served.said("run finished", since=since)
        if line[labels]["job"] == job and line["status"] in ("ok", "attention"):
            return line
        since = served.lines.index(line, since) + 1


async def _be_away(plan: Plan, here: Ground, served: Maintd, watch: _Watch) -> None:
    began = time.monotonic()
    watch.rss["before"], watch.times["away"] = served.rss(), here.sandbox.now()
    for step in plan.steps:
        await asyncio.sleep(max(0.0, began + step.at - time.monotonic()))
        await _turn(step.fault, here)
    if plan.steps:
        await asyncio.sleep(float(plan.steps[-1].target.removesuffix("s")))
    status, _ = await served.get("/livez")
    grown = served.rss() - watch.rss["before"]
    watch.times["back"] = here.sandbox.now()
    watch.violations += [f"/livez answers {status}"] if status != 200 else []
    watch.violations += [f"memory grew by {grown / 2**20:.1f} MiB"] if grown > _MOST_GROWTH else []


async def _turn(fault: str, here: Ground) -> None:
    here.sandbox.faults.clear()
    if fault == "429":
        answer = unavailable(429, retry_after=_RETRY_AFTER)
        here.sandbox.faults.append(Fault("*", times=_FOR_EVER, answer=answer))
    await here.proxy.turn(Weather.FAIR if fault == "429" else Weather(fault))


async def _come_back(here: Ground, served: Maintd, watch: _Watch) -> None:
    since, began = len(served.lines), time.monotonic()
    here.sandbox.faults.clear()
    await here.proxy.turn(Weather.FAIR)
    for job in _ON_THE_API:
        await _good_run(served, job, since)
    watch.back_after = time.monotonic() - began
    if watch.back_after > _BACK_SECONDS:
        watch.violations.append(f"all was well only {watch.back_after:.1f} s after the server was back")


def _went_on(here: Ground, watch: _Watch) -> Iterator[str]:
    """What needs no API server did not notice."""
    for job, period in _ON_THEIR_OWN.items():
        meanwhile = [
            record
            for record in records(here.store)
            if record["job"] == job
            and watch.times["away"] < datetime.fromisoformat(record["started"]) < watch.times["back"]
        ]
        due = int((watch.times["back"] - watch.times["away"]).total_seconds() / period)
        if len(meanwhile) < due - 1:
            yield f"{job} ran {len(meanwhile)} times in the outage, and was due {due} times"
        bad = Counter(record["status"] for record in meanwhile if record["status"] != "ok")
        if bad:
            yield f"{job} noticed the outage: {dict(bad)}"


def _told_once(served: Maintd) -> Iterator[str]:
    """No cause is told twice within a minute; a run's own last line is its record."""
    told = Counter(
        (line["message"], str(line.get("error") or line.get("why")))
        for line in served.lines
        if line["severity"] in ("WARNING", "ERROR") and not line["message"].startswith("run ")
    )
    minutes = (
        datetime.fromisoformat(served.lines[-1]["time"]) - datetime.fromisoformat(served.lines[0]["time"])
    ).seconds
    for (message, why), times in told.items():
        if times > 1 + minutes // 60:
            yield f"{message!r} is said {times} times: {why[:120]}"


def _patient(here: Ground) -> Iterator[str]:
    """A2: after a 429 nothing comes before the server's time is up, by a tenth."""
    refused = [line.time for line in here.sandbox.requests if line.status == 429]
    gaps = [(after - before).total_seconds() for before, after in itertools.pairwise(refused)]
    # What was under way together when the first 429 came is refused together; after that it is one at a time.
    together = sum((time - refused[0]).total_seconds() < _TOGETHER for time in refused)
    early = [gap for gap in gaps[together:] if gap < 0.9 * _RETRY_AFTER]
    if early:
        yield f"{len(early)} of {len(gaps)} requests came {min(early):.2f} s after a 429, not {_RETRY_AFTER} s"


def _one_each(here: Ground, served: Maintd) -> Iterator[str]:
    """Every start has one end and one record, no instant two."""
    kept = records(here.store)
    starts, ends = len(served.all("run started")), len(served.all("run finished"))
    ran = [record for record in kept if record["status"] not in ("skipped", "missed")]
    if starts != len(ran):
        yield f"{starts} starts, {ends} ends, {len(ran)} records of runs"
    twice = [key for key, times in Counter((record["job"], record["due"]) for record in ran).items() if times > 1]
    yield from (f"{job} started twice for {due}" for job, due in twice)


SCENARIOS = (Outage(),)
