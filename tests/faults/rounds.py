"""Plays rounds, and keeps of each row what the table shows: how many, how often wrong, the worst."""

import asyncio
import shutil
import tempfile
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.plan import Plan, shortest
from tests.faults.scenario import Report, Scenario

ROUND_SECONDS = 900.0
"""A round that takes longer hangs, and that is a violation too."""


@dataclass(slots=True)
class Row:
    """What all rounds of a scenario showed so far."""

    scenario: Scenario
    rounds: int = 0
    violations: list[str] = field(default_factory=list)
    worst: float = 0.0
    seed: int = 0
    """Of the first round that failed; while none has, of the worst."""
    failing: Plan | None = None
    """The shortest plan that was found to fail."""
    said: tuple[str, ...] = ()
    """What was wrong when that one was played."""

    def add(self, plan: Plan, report: Report) -> bool:
        """Note a round; True where it is the first that failed."""
        first = bool(report.violations) and not self.violations
        if first or (not self.violations and report.figure >= self.worst):
            self.seed = plan.seed
        self.rounds += report.cases
        self.worst = max(self.worst, report.figure)
        self.violations += report.violations
        return first


async def play(scenario: Scenario, plan: Plan) -> Report:
    """One round in a folder of its own, which stays where something was wrong."""
    folder = Path(tempfile.mkdtemp(prefix="maintd-faults-"))
    try:
        report = await asyncio.wait_for(scenario.play(plan, folder), ROUND_SECONDS)
    except Exception as error:  # noqa: BLE001 - what cannot be played proves nothing, and the table says so
        where = traceback.extract_tb(error.__traceback__)[-1]
        report = Report((f"the round could not be played: {error!r} at {where.name}:{where.lineno}; see {folder}",))
    if not report.violations:
        shutil.rmtree(folder, ignore_errors=True)
    return report


async def play_into(row: Row, seed: int, *, quick: bool = False, shrink: bool = True) -> None:
    """One more round of a row. Of the first that fails, the shortest plan that fails as well is looked for."""
    plan = row.scenario.plan(seed, quick=quick)
    report = await play(row.scenario, plan)
    if row.add(plan, report):
        row.failing, row.said = plan, report.violations
        if shrink:

            async def fails(fewer: Plan) -> bool:
                found = (await play(row.scenario, fewer)).violations
                row.said = found or row.said
                return bool(found)

            row.failing = await shortest(plan, fails)


async def play_all(rows: Iterable[Row], seed: int, *, quick: bool, at_once: int) -> None:
    """One round of each row."""
    turns = asyncio.Semaphore(at_once)

    async def one(row: Row) -> None:
        async with turns:
            await play_into(row, seed, quick=quick, shrink=not quick)

    await asyncio.gather(*map(one, rows))
