"""S1, S2: the daemon as scheduled for a virtual year, five zones with twelve jobs each: every run, and no other."""

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report

_ROOT = Path(__file__).parents[3]
_FIRST, _YEARS = 2026, 6


@dataclass(frozen=True, slots=True)
class VirtualYear:
    """One row."""

    promise: str = "S2"
    fault: str = "a year with its clock changes, in 5 zones"
    unit: str = "s late"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Which year; `quick`: the days around the first of its clock changes."""
        if quick:
            return Plan(seed, (Step(0, "2027-03-13", "2"),))
        return Plan(seed, (Step(0, f"{_FIRST + seed % _YEARS}-01-01", "365"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """In a process of its own, for the clock is the process's."""
        found = [await _lived(step, folder) for step in plan.steps]
        wrong = tuple(said for each in found for said in each["wrong"])
        return Report(wrong, max(each["late"] for each in found))


async def _lived(step: Step, folder: Path) -> dict[str, Any]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.faults.year", str(folder), "--start", step.fault, "--days", step.target),
        cwd=_ROOT,
        env=inherited | {"HOME": str(folder), "KUBECONFIG": str(folder / "none")},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


SCENARIOS = (VirtualYear(),)
