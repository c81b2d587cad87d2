"""L5: a daemon is killed while the store is away, or as it comes back: what waits in the spool is handed over, once.

One daemon after the other on the same spool and bucket. The bucket is away when each of them starts; it comes back once
something waits, unless the daemon is to die before that.
"""

import asyncio
import random
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.faults.books import wrong
from tests.faults.evidence import records, state
from tests.faults.plan import Plan, Step
from tests.faults.process import Maintd
from tests.faults.proxy import Weather
from tests.faults.scenario import Report
from tests.faults.trio import Trio, trio

_AWAY = ("spool-append-before", "spool-append-after")
_COMING_BACK = ("spool-hand-over-before", "spool-hand-over-after")
_MOMENT = "any moment"
_LONGEST_SECONDS = 15.0
_A_BACKUP = {"logging.googleapis.com/labels": {"job": "backup", "kind": "backup"}}
"""What is claimed starts once the claims of who died are settled."""
_LOST = ("spooled object lost", "spool overflowed", "record not kept")


@dataclass(frozen=True, slots=True)
class Spooled:
    """One row; each step is a daemon."""

    promise: str = "L5"
    fault: str = "kill -9 of serve while the store is away, or comes back"
    unit: str = ""

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Every place, the first or a later time that it is reached, and moments between them; quick: one place."""
        chance = random.Random(seed)
        places = [(name, float(chance.randint(1, 12))) for name in (*_AWAY, *_COMING_BACK)]
        moments = [(_MOMENT, round(chance.uniform(0, _LONGEST_SECONDS), 3)) for _ in range(2)]
        steps = [("spool-append-after", 1.0)] if quick else chance.sample(places + moments, len(places + moments))
        return Plan(seed, tuple(Step(at, name) for name, at in steps))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Kill them all but the last one, which finds the bucket there."""
        async with trio(folder, size=0, in_bucket=True) as found:
            violations = [said for step in plan.steps if (said := await _killed(step, found))]
            await _weather(found, Weather.FAIR)
            last = await _joined(found)
            await last.said("run finished", status="ok", **_A_BACKUP)
            violations += [f"the last exited {code}" for code in await found.stop() if code]
        violations += [f"{line['message']}: {line}" for line in found.lines if line["message"] in _LOST]
        violations += [f"left in the spool: {path.name}" for path in (folder / "spool").rglob("*.json")]
        violations += wrong(found.lines, records(found.ground.store), state(found.sandbox), unclaimed=("versions",))
        return Report(tuple(violations), cases=len(plan.steps))


async def _killed(step: Step, found: Trio) -> str:
    """What was wrong with its death."""
    await _weather(found, Weather.REFUSED)
    armed = {} if step.fault == _MOMENT else {"MAINTD_FAILPOINTS": f"{step.fault}:{step.at:g}:kill"}
    process = await _joined(found, **armed)
    coming_back = asyncio.create_task(_comes_back(process, found)) if step.fault not in _AWAY else None
    if step.fault == _MOMENT:
        await process.said("daemon started")
        await asyncio.sleep(step.at)
        process.tell(signal.SIGKILL)
    try:
        code = await process.ended()
    except TimeoutError:
        return f"{step.fault} was not reached"
    finally:
        if coming_back:
            coming_back.cancel()
    return "" if code == -signal.SIGKILL else f"it exited {code} before {step}"


async def _joined(found: Trio, **environment: str) -> Maintd:
    return (await found.join(MAINTD_SPOOL=str(found.folder / "spool"), **environment)).process


async def _comes_back(process: Maintd, found: Trio) -> None:
    await process.said("records kept aside")
    await _weather(found, Weather.FAIR)


async def _weather(found: Trio, weather: Weather) -> None:
    assert found.bucket is not None
    await found.bucket.way.turn(weather)


SCENARIOS = (Spooled(),)
