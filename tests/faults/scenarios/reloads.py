"""C2: jobs.yaml edited round due instants, before, at and after them: no run is lost, and none doubled."""

from dataclasses import dataclass
from pathlib import Path

from tests.faults.lifetime import lived
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report


@dataclass(frozen=True, slots=True)
class Reloads:
    """One row; a round of it is one edit."""

    promise: str = "C2"
    fault: str = "jobs.yaml edited at any moment"
    unit: str = "s late"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Only how often."""
        return Plan(seed, (Step(0, "edits", "60" if quick else "2000"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """In virtual time."""
        edits = sum(int(step.target) for step in plan.steps)
        found = await lived("tests.faults.reloads", folder, "--seed", str(plan.seed), "--reloads", str(edits))
        return Report(tuple(found["wrong"]), found["late"], cases=edits)


SCENARIOS = (Reloads(),)
