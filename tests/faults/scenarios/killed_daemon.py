"""L5: a daemon is killed at each of its failpoints and at any moment; the next one finds its state, and loses nothing.

One daemon after the other on the same state, each killed before it can have got far; the last one is left alone.
"""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from maintd.core.failpoints import KNOWN
from maintd.objects import archive
from maintd.storage.folder import FolderStore
from tests.faults.books import wrong
from tests.faults.evidence import deleted_twice, records, state
from tests.faults.ground import CLUSTER, Ground
from tests.faults.plan import IN_A_BUCKET, Plan, Step
from tests.faults.reigns import trespasses
from tests.faults.scenario import Report
from tests.faults.trio import LEASE_SECONDS, Trio, trio

JOBS = """version: 1
targets: {shop: {namespace: omtx-hub}}
defaults: {target: shop, timeout: 4s}
jobs:
  - {name: tidy, kind: cleanup-pods, every: 1s, mode: act, limits: {per_day: 100000}, params: {older_than: 1s}}
  - {name: backup, kind: backup, every: 1s, params: {kinds: [configmaps, services]}}
  - {name: verify, kind: backup-verify, every: 2s}
  - name: prune
    kind: backup-prune
    every: 2s
    mode: act
    params: {keep_last: 2, keep_daily: 0, keep_weekly: 0, keep_monthly: 0}
  - {name: versions, kind: version-check, every: 1s}
"""
_NOT_A_DAEMONS = ("restore-", "spool-")
"""Places of a command, and of a store that is away: spooled.py."""
_OFTEN = ("backup-object-", "bucket-", "claim-", "folder-", "gate-delete-", "record-", "state-")
PLACES = tuple(name for name in KNOWN if not name.startswith(_NOT_A_DAEMONS))
_MOMENT = "any moment"
_MOMENTS = 10
_LONGEST_SECONDS = LEASE_SECONDS + 4
_RECOVERY_SECONDS = 2.5


@dataclass(frozen=True, slots=True)
class KilledDaemon:
    """One row; each step is a daemon."""

    promise: str = "L5"
    fault: str = f"kill -9 of serve at {len(PLACES)} places and at any moment"
    unit: str = ""

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Every place once and moments between them; quick: where a deletion was made and is noted nowhere.

        With every other seed the store is a bucket.
        """
        chance, bucket = random.Random(seed), bool(seed % 2) and not quick
        there = [name for name in PLACES if not name.startswith("folder-" if bucket else "bucket-")]
        places = [(name, chance.randint(1, 3 if name.startswith(_OFTEN) else 1)) for name in there]
        moments = [(_MOMENT, round(chance.uniform(0, _LONGEST_SECONDS), 3)) for _ in range(_MOMENTS)]
        steps: list[tuple[str, float]] = [*places, *moments]
        chance.shuffle(steps)
        where, steps = IN_A_BUCKET if bucket else "", [("gate-delete-after", 1.0)] if quick else steps
        return Plan(seed, tuple(Step(at, name, where) for name, at in steps))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Kill them all but the last one."""
        async with trio(folder, JOBS, size=0, in_bucket=plan.in_bucket) as found:
            claimed: set[str] = set()
            violations = [said async for said in _killed(plan, found, claimed)]
            before = max(_epochs(found), default=0)
            await found.join()
            await found.reign(above=before)
            await asyncio.sleep(_RECOVERY_SECONDS)
            codes = await found.stop()
        violations += [f"the last exited {codes}"] if any(codes) else []
        violations += trespasses(found.sandbox.requests, found.begun, LEASE_SECONDS)
        violations += [f"pod {uid} was deleted twice" for uid in deleted_twice(found.sandbox)]
        kept, entries = records(found.ground.store), state(found.sandbox)
        violations += wrong(found.lines, kept, entries, unclaimed=("versions",))
        violations += await _leftovers(found.ground)
        told = {record["run_id"] for record in kept}
        violations += [f"{run_id} was claimed, and nothing is known of it" for run_id in claimed - told]
        return Report(tuple(violations), cases=len(plan.steps))


async def _killed(plan: Plan, found: Trio, claimed: set[str]) -> AsyncIterator[str]:
    """What was wrong with their deaths; adds the runs whose claims they left behind."""
    for step in plan.steps:
        if step.fault == _MOMENT:
            process = (await found.join()).process
            await process.said("daemon started")
            await asyncio.sleep(step.at)
            process.tell(signal.SIGKILL)
        else:
            process = (await found.join(MAINTD_FAILPOINTS=f"{step.fault}:{step.at:g}:kill")).process
        try:
            code = await process.ended()
        except TimeoutError:
            yield f"{step.fault} was not reached"
            process.tell(signal.SIGKILL)
            code = await process.ended()
        if code != -signal.SIGKILL:
            yield f"it exited {code} before {step}"
        entries = state(found.sandbox).values()
        claimed |= {entry["open_claim"]["run_id"] for entry in entries if entry.get("open_claim")}


def _epochs(found: Trio) -> list[int]:
    return [line["epoch"] for line in found.lines if line["message"] == "state taken over"]


async def _leftovers(here: Ground) -> list[str]:
    """What lies among the backups and is told of as what it is not."""
    store = FolderStore(here.folder / "store", CLUSTER)
    told = {each.id: each.state async for each in archive.backups(store)}
    wrongly = []
    for folder in (here.store / "backups").iterdir():
        state_of_it = "complete" if (folder / "manifest.json").exists() else "unfinished"
        if told.get(folder.name) != state_of_it:
            wrongly.append(f"backup {folder.name} is {state_of_it} and is called {told.get(folder.name)}")
    return wrongly


SCENARIOS = (KilledDaemon(),)
