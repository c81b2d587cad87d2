"""S1, S2: the daemon as scheduled for a virtual year, five zones with twelve jobs each: every run, and no other."""

from dataclasses import dataclass
from pathlib import Path

from tests.faults.lifetime import lived
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report

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
        """One year after the other."""
        found = [
            await lived("tests.faults.year", folder, "--start", step.fault, "--days", step.target)
            for step in plan.steps
        ]
        wrong = tuple(said for each in found for said in each["wrong"])
        return Report(wrong, max(each["late"] for each in found))


SCENARIOS = (VirtualYear(),)
