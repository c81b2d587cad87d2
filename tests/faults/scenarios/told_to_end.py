"""L4: SIGTERM at any moment, half of the time in a backup: what runs has its grace, and all is in order afterwards.

Backups take as long as the plan says: less than the grace, or more, and then they are cut off.
"""

import asyncio
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maintd.sandbox.faults import Fault
from tests.faults.books import starts, wrong
from tests.faults.evidence import records, state
from tests.faults.plan import Plan, Step
from tests.faults.process import Maintd
from tests.faults.reigns import trespasses
from tests.faults.scenario import Report
from tests.faults.trio import LEASE_SECONDS, Trio, trio

_GRACE_SECONDS = 1.5
_LEFT_SECONDS = 120 - 90 - 5
"""In deploy/ the pod has 120 s, what runs has 90 s, and 5 s are to be left."""
_IN_A_BACKUP, _ANYWHEN = "in a backup", "any moment"
_LISTS = "/api/v1/namespaces/omtx-hub/configmaps"


@dataclass(frozen=True, slots=True)
class ToldToEnd:
    """One row; each step is a daemon."""

    promise: str = "L4"
    fault: str = "SIGTERM at any moment"
    unit: str = "s after the grace"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """`at`: how long a backup takes. Quick: one that takes too long."""
        chance = random.Random(seed)
        takes = [3.0] if quick else [round(chance.uniform(0, 2 * _GRACE_SECONDS), 2) for _ in range(12)]
        return Plan(seed, tuple(Step(at, (_IN_A_BACKUP, _ANYWHEN)[number % 2]) for number, at in enumerate(takes)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """One daemon after the other on the same state."""
        chance, over, violations = random.Random(plan.seed), 0.0, []
        async with trio(folder, size=0, MAINTD_GRACE=f"{_GRACE_SECONDS}s") as found:
            for step in plan.steps:
                said, seconds = await _told(step, found, chance)
                violations += said
                over = max(over, seconds - _GRACE_SECONDS)
        if over > _LEFT_SECONDS:
            violations.append(f"it ended {over:.1f} s after the grace: less than 5 s are left")
        violations += trespasses(found.sandbox.requests, found.begun, LEASE_SECONDS)
        violations += wrong(found.lines, records(found.ground.store), state(found.sandbox))
        return Report(tuple(violations), max(0.0, over), cases=len(plan.steps))


async def _told(step: Step, found: Trio, chance: random.Random) -> tuple[list[str], float]:
    """What was wrong with the end of one daemon, and how long it took."""
    found.sandbox.faults[:] = [Fault("list", _LISTS, times=1_000_000, delay_seconds=step.at)]
    process = (await found.join()).process
    await process.said("daemon started")
    if step.fault == _IN_A_BACKUP:
        await _backup(process)
    await asyncio.sleep(chance.uniform(0, 1 if step.fault == _IN_A_BACKUP else 3))
    process.tell(signal.SIGTERM)
    began = time.monotonic()
    code = await process.ended()
    return _wrong(code, found.lease, process), time.monotonic() - began


async def _backup(process: Maintd) -> None:
    since = 0
    while True:
        line = await process.said("run started", since=since)
        if starts([line])[0].job == "backup":
            return
        since = process.lines.index(line, since) + 1


def _wrong(code: int, lease: dict[str, Any] | None, process: Maintd) -> list[str]:
    found = [f"it exited {code}"] if code else []
    if lease and lease["spec"].get("holderIdentity"):
        found.append(f"the lease is still held by {lease['spec']['holderIdentity']}")
    stopping = process.lines.index(process.all("daemon stopping")[0])
    late = starts(process.lines[stopping:])
    return [*found, *(f"{start.run_id} was started after SIGTERM" for start in late)]


SCENARIOS = (ToldToEnd(),)
