"""L2: the leader of three is killed, or told to end: another has taken over soon, and how soon is the figure."""

import asyncio
import random
import signal
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.faults.books import wrong
from tests.faults.evidence import deleted_twice, records, state
from tests.faults.plan import Plan, Step
from tests.faults.reigns import trespasses
from tests.faults.scenario import Report
from tests.faults.trio import LEASE_SECONDS, Reign, Trio, trio

_KILLED, _TOLD = "kill -9", "SIGTERM"
_LATEST = {_KILLED: LEASE_SECONDS + 4.0, _TOLD: 2.0}
"""The poll is a tenth here, as the lease is; what a takeover computes and asks takes as long as ever."""
_UNCLAIMED = ("versions",)


@dataclass(frozen=True, slots=True)
class HandOver:
    """One row for each way to go."""

    way: str
    promise: str = "L2"
    unit: str = "s until another leads"

    @property
    def fault(self) -> str:
        return f"leader of three: {self.way}"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """So many leaders, one after the other."""
        return Plan(seed, tuple(Step(number, self.way) for number in range(1 if quick else 10)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """End leaders; whoever ended is replaced, as a Deployment does."""
        chance, slowest = random.Random(plan.seed), 0.0
        async with trio(folder, size=2 if len(plan.steps) == 1 else 3) as found:
            reign = await found.reign()
            for number, step in enumerate(plan.steps):
                await asyncio.sleep(chance.uniform(0.5, 1.5))
                reign, seconds = await _after(step.fault, found, reign)
                slowest = max(slowest, seconds)
                if number + 1 < len(plan.steps):
                    await (await found.join()).process.said("daemon started")
            codes = await found.stop()
        requests = found.sandbox.requests
        violations = [f"they exited {codes}"] if any(codes) else []
        if slowest > _LATEST[self.way]:
            violations.append(f"another leads {slowest:.2f} s after {self.way}, not {_LATEST[self.way]:g} s")
        violations += trespasses(requests, found.begun, LEASE_SECONDS)
        violations += [f"pod {uid} was deleted twice" for uid in deleted_twice(found.sandbox)]
        lossy = _UNCLAIMED if self.way == _KILLED else ()
        violations += wrong(found.lines, records(found.ground.store), state(found.sandbox), unclaimed=lossy)
        return Report(tuple(violations), slowest, cases=len(plan.steps))


async def _after(way: str, found: Trio, reign: Reign) -> tuple[Reign, float]:
    """Who leads then, and how many seconds after it was killed, or had ended what ran and gave the lease back."""
    leader = reign.replica.process
    leader.tell(signal.SIGKILL if way == _KILLED else signal.SIGTERM)
    gone = found.sandbox.now()
    if way == _TOLD:
        gone = _time(await leader.said("leadership released"))
    following = await found.reign(above=reign.epoch)
    await leader.ended()
    line = await following.replica.process.said("state taken over", epoch=following.epoch)
    return following, (_time(line) - gone).total_seconds()


def _time(line: dict[str, str]) -> datetime:
    return datetime.fromisoformat(line["time"])


SCENARIOS = (HandOver(_KILLED), HandOver(_TOLD))
