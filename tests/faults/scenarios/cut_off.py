"""L1, L3: the leader of three replicas is cut off, in every way there is, and another leads: at most one acts.

A round cuts off one leader after the other: its way to the API server breaks while the others' are whole, its process
stands still, its Lease is deleted or edited by hand. Its clock jumps by an hour at last, since a clock that jumped back
rings nothing for an hour. Deletions take their time, so that most cuts come in the middle of some; and now and then the
reply to a write of the state is lost.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from maintd.sandbox.faults import Fault
from tests.faults.books import wrong
from tests.faults.cuts import CUTS, FAKETIME, JUMP, STOPPED, clock_environment
from tests.faults.evidence import deleted_twice, records, state
from tests.faults.plan import Plan, Step
from tests.faults.reigns import overlap, trespasses
from tests.faults.scenario import Report
from tests.faults.trio import LEASE_SECONDS, Reign, Trio, trio

_AFTERWARDS_SECONDS = 2.0
_DELETION_SECONDS = 0.2
"""What the server takes, so that most cuts come in the middle of some."""
_WRITE_SECONDS = LEASE_SECONDS * 2 / 3
"""A write may be under way for as long as its reign is good for when it is sent, and no longer."""
_STATE = "/api/v1/namespaces/maintd/configmaps/maintd-state"


@dataclass(frozen=True, slots=True)
class CutOff:
    """One row; each step counts as a round."""

    promise: str = "L1 L3"
    unit: str = "s in which two reigns wrote"

    @property
    def fault(self) -> str:
        return "leader of three cut off" + ("" if FAKETIME else "; no clock jump, for want of faketime")

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Each way once, in an order that the seed draws; quick: a process that stands still, and one way more."""
        ways = [way for way in CUTS if way not in (STOPPED, JUMP)]
        random.Random(seed).shuffle(ways)
        chosen = (STOPPED, ways[0]) if quick else (STOPPED, *ways, *((JUMP,) if FAKETIME else ()))
        return Plan(seed, tuple(Step(number, way) for number, way in enumerate(chosen)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Cut one leader after the other off, end all, and look at everything that was left."""
        jumps = any(step.fault == JUMP for step in plan.steps)
        async with trio(folder, **(clock_environment() if jumps else {})) as found:
            violations = [said async for said in _rounds(plan, found)]
            codes = await found.stop()
            codes += await _settled(found)
        requests = found.sandbox.requests
        violations += [f"they exited {codes}"] if any(codes) else []
        violations += trespasses(requests, found.begun, _WRITE_SECONDS)
        violations += [f"pod {uid} was deleted twice" for uid in deleted_twice(found.sandbox)]
        violations += wrong(found.lines, records(found.ground.store), state(found.sandbox))
        return Report(tuple(violations), overlap(requests, found.begun), cases=len(plan.steps))


async def _rounds(plan: Plan, found: Trio) -> AsyncIterator[str]:
    chance = random.Random(plan.seed)
    reign = await found.reign()
    for step in plan.steps:
        found.sandbox.faults[:] = _hindrances(chance)
        await asyncio.sleep(chance.uniform(0.5, 1.5))  # somewhere in its work
        async with CUTS[step.fault](found, reign.replica, chance):
            try:
                reign = await _next(step.fault, found, reign)
            except TimeoutError:
                yield f"{step.fault}: nobody leads after reign {reign.epoch}"
                return
            await asyncio.sleep(_AFTERWARDS_SECONDS)


async def _settled(found: Trio) -> list[int]:
    """What nobody led to write down before the end is the next one's to write; its exit code."""
    if not any(entry.get("open_claim") for entry in state(found.sandbox).values()):
        return []
    before = max(found.begun)
    await found.join()
    await found.reign(above=before)
    return await found.stop()


def _hindrances(chance: random.Random) -> list[Fault]:
    lost = (Fault("update", _STATE, nth=nth, reset="after") for nth in chance.sample(range(1, 12), 4))
    return [Fault("delete", "*/pods/*", times=1_000_000, delay_seconds=_DELETION_SECONDS), *lost]


async def _next(fault: str, found: Trio, reign: Reign) -> Reign:
    """Who leads then: a clock that jumps ends no reign."""
    if fault == JUMP:
        await asyncio.sleep(2 * LEASE_SECONDS)
        return await found.reign(above=reign.epoch - 1)
    return await found.reign(above=reign.epoch)


SCENARIOS = (CutOff(),)
