"""L4: SIGTERM at any moment, half of the time in a backup: what runs has its grace, and all is in order afterwards.

Backups take as long as the plan says: less than the grace, or more, and then they are cut off. Now and then the API
server is away by then, for as long as the plan says: in silence, so that whatever is asked of it hangs. Where the store
is a bucket, that is away too.
"""

import asyncio
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maintd.sandbox.faults import Fault
from tests.faults.books import starts, wrong
from tests.faults.evidence import records, state
from tests.faults.plan import IN_A_BUCKET, Plan, Step
from tests.faults.process import Maintd
from tests.faults.proxy import Weather
from tests.faults.reigns import trespasses
from tests.faults.scenario import Report
from tests.faults.trio import LEASE_SECONDS, Replica, Trio, trio

_GRACE_SECONDS = 1.5
_LEFT_SECONDS = 120 - 90 - 5
"""In deploy/ the pod has 120 s, what runs has 90 s, and 5 s are to be left."""
_IN_A_BACKUP, _ANYWHEN, _ALONE = "in a backup", "any moment", "API server away"
_STEPS, _AWAY = 12, {4, 9}
_LAST, _MOST_LAST = Step(0, _IN_A_BACKUP), 3
_LISTS = "/api/v1/namespaces/omtx-hub/configmaps"


@dataclass(frozen=True, slots=True)
class ToldToEnd:
    """One row; each step is a daemon."""

    promise: str = "L4"
    fault: str = "SIGTERM at any moment"
    unit: str = "s after the grace"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """`at`: how long a backup takes, or the server is away. Quick: a backup that takes too long.

        With every other seed the store is a bucket.
        """
        chance = random.Random(seed)
        takes = [3.0] if quick else [round(chance.uniform(0, 2 * _GRACE_SECONDS), 2) for _ in range(_STEPS)]
        ways = [_ALONE if number in _AWAY else (_IN_A_BACKUP, _ANYWHEN)[number % 2] for number in range(len(takes))]
        where = IN_A_BUCKET if seed % 2 and not quick else ""
        return Plan(seed, tuple(Step(at, way, where) for at, way in zip(takes, ways, strict=True)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """One daemon after the other on the same state."""
        chance, over, violations = random.Random(plan.seed), 0.0, []
        environment = {"MAINTD_GRACE": f"{_GRACE_SECONDS}s"}
        async with trio(folder, size=0, in_bucket=plan.in_bucket, **environment) as found:
            for step in _steps(plan, found):
                said, seconds = await _told(step, found, chance)
                violations += said
                over = max(over, seconds - _GRACE_SECONDS)
        if over > _LEFT_SECONDS:
            violations.append(f"it ended {over:.1f} s after the grace: less than 5 s are left")
        violations += trespasses(found.sandbox.requests, found.begun, LEASE_SECONDS)
        violations += wrong(found.lines, records(found.ground.store), state(found.sandbox))
        return Report(tuple(violations), max(0.0, over), cases=len(plan.steps))


def _steps(plan: Plan, found: Trio) -> Iterator[Step]:
    """Those of the plan, and more until one has led to its end: what others could not write down it has."""
    yield from plan.steps
    for _ in range(_MOST_LAST):
        last = found.replicas[-1].process
        if last.all("state taken over") and not last.all("leadership lost"):
            return
        yield _LAST


async def _told(step: Step, found: Trio, chance: random.Random) -> tuple[list[str], float]:
    """What was wrong with the end of one daemon, and how long it took."""
    away = step.fault == _ALONE
    found.sandbox.faults[:] = [Fault("list", _LISTS, times=1_000_000, delay_seconds=1.0 if away else step.at)]
    replica = await found.join(MAINTD_SPOOL=str(found.folder / "spool"))
    process = replica.process
    await process.said("daemon started")
    if step.fault != _ANYWHEN:
        await _backup(process)
    if away:
        await _turn(found, replica, Weather.BLACK_HOLE)
    await asyncio.sleep(step.at if away else chance.uniform(0, 1 if step.fault == _IN_A_BACKUP else 3))
    process.tell(signal.SIGTERM)
    began = time.monotonic()
    code = await process.ended()
    seconds = time.monotonic() - began
    if away:
        await _turn(found, replica, Weather.FAIR)
    return [*_wrong(code, process), *([] if away else _held(found.lease, process))], seconds


async def _turn(found: Trio, replica: Replica, weather: Weather) -> None:
    for way in (replica.way, *((found.bucket.way,) if found.bucket else ())):
        await way.turn(weather)


async def _backup(process: Maintd) -> None:
    since = 0
    while True:
        line = await process.said("run started", since=since)
        if starts([line])[0].job == "backup":
            return
        since = process.lines.index(line, since) + 1


def _wrong(code: int, process: Maintd) -> list[str]:
    stopping = process.lines.index(process.all("daemon stopping")[0])
    late = starts(process.lines[stopping:])
    return [*([f"it exited {code}"] if code else []), *(f"{start.run_id} was started after SIGTERM" for start in late)]


def _held(lease: dict[str, Any] | None, process: Maintd) -> list[str]:
    holder = lease["spec"].get("holderIdentity") if lease else ""
    return ["it still holds the lease"] if process.all("leadership gained", holder=holder) else []


SCENARIOS = (ToldToEnd(),)
