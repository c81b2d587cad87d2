"""S4: a daemon is killed and nobody serves for a while: at most one late run a job, and a record of all the others.

The time is not waited for: what the state says of due instants is dated back by it.
"""

import asyncio
import json
import random
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from maintd.core.units import format_duration, parse_duration
from maintd.sandbox.server import Sandbox
from tests.faults.books import wrong
from tests.faults.evidence import records, state
from tests.faults.plan import Plan, Step
from tests.faults.reigns import trespasses
from tests.faults.scenario import Report
from tests.faults.trio import LEASE_SECONDS, Trio, trio

DOWN = tuple(map(parse_duration, ("1s", "90s", "20m", "25h", "40d")))
PERIODS = {"minutely": 60, "hourly": 3600, "nightly": 86400, "strict": 3600, "seen": 60}
"""Job → seconds between its due instants, which are multiples of that in UTC."""
DEADLINES = {"minutely": 55, "hourly": 3500, "nightly": 86000, "strict": 1, "seen": -10}
"""Job → how late it may still be made up for, in seconds; below 0: never."""
JOBS = """version: 1
targets: {shop: {namespace: omtx-hub}}
defaults: {target: shop, timeout: 4s, timezone: UTC}
jobs:
  - {name: minutely, kind: backup, schedule: "* * * * *", start_deadline: 55s, params: {kinds: [configmaps]}}
  - {name: hourly, kind: backup, schedule: "0 * * * *", start_deadline: 3500s, params: {kinds: [configmaps]}}
  - {name: nightly, kind: backup, schedule: "0 0 * * *", start_deadline: 86000s, params: {kinds: [configmaps]}}
  - {name: strict, kind: backup, schedule: "0 * * * *", start_deadline: 1s, params: {kinds: [configmaps]}}
  - {name: seen, kind: version-check, schedule: "* * * * *"}
"""
_LATEST_SECONDS = 5.0
_COUNTED = 1000
"""As many as that, or more: nobody wants to know how many minutes forty days have."""
_CLOSE_SECONDS = 2.0
"""So close to a due instant or to a deadline it is anybody's guess on which side of it maintd was ready."""
_WORK_SECONDS, _MOST_WORK_SECONDS = 2.0, 10.0
"""So long it is seen whether anything starts twice, and so long whether what was missed starts at all."""
_STATE = ("v1", "ConfigMap", "maintd-state", "maintd")

Records = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Return:
    """What is known of the end of a down time."""

    since: Mapping[str, datetime]
    """Job → up to when its due instants were accounted for before."""
    ready: datetime
    new: Records


@dataclass(frozen=True, slots=True)
class DownTime:
    """One row; each step is a down time."""

    promise: str = "S4"
    fault: str = "kill -9, down for 1 s to 40 days"
    unit: str = "s from ready to start"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Quick: 25 hours."""
        down = (DOWN[3],) if quick else tuple(random.Random(seed).sample(DOWN, len(DOWN)))
        return Plan(seed, tuple(Step(number, format_duration(each)) for number, each in enumerate(down)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """One daemon after the other; the last one is told to end."""
        slowest, violations = 0.0, []
        async with trio(folder, JOBS, size=0) as found:
            await found.join()
            await found.reign()
            for step in plan.steps:
                back = await _away(found, parse_duration(step.fault))
                violations += [f"down for {step.fault}: {said}" for said in _judged(back)]
                slowest = max(slowest, *_delays(back))
            codes = await found.stop()
        if slowest > LEASE_SECONDS + _LATEST_SECONDS:
            violations.append(f"what was missed was started {slowest:.1f} s after maintd was ready")
        violations += [f"the last exited {codes}"] if any(codes) else []
        violations += trespasses(found.sandbox.requests, found.begun, LEASE_SECONDS)
        for each in found.replicas:  # whose time is dated back sees the same due instant again
            entries = state(found.sandbox)
            violations += wrong(each.process.lines, records(found.ground.store), entries, unclaimed=("seen",))
        return Report(tuple(violations), slowest, cases=len(plan.steps))


async def _away(found: Trio, down: timedelta) -> _Return:
    """Kill who leads, let the time pass, and start the next one."""
    leader = await found.reign()
    leader.replica.process.tell(signal.SIGKILL)
    await leader.replica.process.ended()
    known = {record["run_id"] for record in records(found.ground.store)}
    await _not_between_two_minutes()
    since = _dated_back(found.sandbox, down)
    ready = await (await found.join()).process.said("daemon started")
    await found.reign(above=leader.epoch)
    until = time.monotonic() + _MOST_WORK_SECONDS
    await asyncio.sleep(_WORK_SECONDS)
    while True:
        new = [record for record in records(found.ground.store) if record["run_id"] not in known]
        back = _Return(since, datetime.fromisoformat(ready["time"]), new)
        if not [*_judged(back)] or time.monotonic() > until:
            return back
        await asyncio.sleep(0.1)


async def _not_between_two_minutes() -> None:
    """Late in a minute the next due instant would come before the one that was missed had its turn."""
    while datetime.now(UTC).second > 50:
        await asyncio.sleep(1)


def _dated_back(sandbox: Sandbox, down: timedelta) -> dict[str, datetime]:
    """Job → up to when its due instants are accounted for now."""
    home, accounted = sandbox.get(*_STATE), {}
    assert home is not None
    for job in PERIODS:
        entry = json.loads(home["data"][job])
        for key in entry.keys() & {"since", "last_due"}:
            entry[key] = (datetime.fromisoformat(entry[key]) - down).isoformat()
        accounted[job] = max(datetime.fromisoformat(entry[key]) for key in entry.keys() & {"since", "last_due"})
        home["data"][job] = json.dumps(entry)
    sandbox.put(home)
    return accounted


def _judged(back: _Return) -> Iterator[str]:
    """Whether all that fell due is told of: what was not started is in one record, with its count."""
    for job, period in PERIODS.items():
        new = [record for record in back.new if record["job"] == job]
        missed = [record for record in new if record["status"] == "missed"]
        ran = [record for record in new if record["status"] not in ("missed", "skipped")]
        last = back.ready.timestamp() // period * period
        due = int((last - back.since[job].timestamp() // period * period) / period)
        told, late = len(ran) + sum(record["count"] for record in missed), back.ready.timestamp() - last
        if told != due and not (due >= _COUNTED and told == _COUNTED):
            yield f"{job} was due {due} times, and {told} are told of"
        if len(missed) > 1 or len(ran) > 1:
            yield f"{job} has {len(missed)} records of what it missed, and was started {len(ran)} times"
        if abs(late - DEADLINES[job]) > _CLOSE_SECONDS and len(ran) != int(due > 0 and late < DEADLINES[job]):
            yield f"{job} was started {len(ran)} times {late:.1f} s after its last due instant of {due}"


def _delays(back: _Return) -> list[float]:
    """Seconds from when maintd was ready to each start that it made up for."""
    made_up_for = [record for record in back.new if record["status"] not in ("missed", "skipped")]
    return [0.0, *((datetime.fromisoformat(each["started"]) - back.ready).total_seconds() for each in made_up_for)]


SCENARIOS = (DownTime(),)
