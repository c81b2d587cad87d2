"""One round of each fault, with a fixed seed; `make faults` plays as many as fit an hour."""

import asyncio
from collections.abc import Iterable

import pytest

from tests.faults.catalogue import SCENARIOS
from tests.faults.plan import Plan, Step, shortest
from tests.faults.rounds import Row, play_all
from tests.faults.scenario import Report, Scenario
from tests.faults.scenarios import (
    absence,
    api_faults,
    clocks,
    cut_off,
    deaf_reader,
    deletes,
    down_time,
    hand_over,
    hung,
    killed_daemon,
    limits,
    outage,
    pages,
    rehearsals,
    reloads,
    rotation,
    spooled,
    told_to_end,
    virtual_year,
)
from tests.faults.table import table

SEED = 1


def violations(scenarios: Iterable[Scenario]) -> list[str]:
    rows = [Row(scenario) for scenario in scenarios]
    asyncio.run(play_all(rows, SEED, quick=True, at_once=8))
    assert all(row.rounds for row in rows)
    return [said for row in rows for said in row.violations]


PARTS = (
    *(api_faults, pages, outage, rotation, hung, absence, deletes, limits, rehearsals),
    *(cut_off, hand_over, told_to_end, killed_daemon, spooled, down_time, clocks),
    *(virtual_year, reloads, deaf_reader),
)
APART = (clocks, spooled)
"""What needs a tool of Debian's, or waits for long, and so belongs to `make test-cluster`."""
MARKED = [pytest.param(part, marks=pytest.mark.cluster) if part in APART else part for part in PARTS]


@pytest.mark.parametrize("part", MARKED, ids=lambda part: part.__name__.rpartition(".")[2])
def test_a_round_of_each_fault_breaks_no_promise(part):
    assert violations(part.SCENARIOS) == []


def test_make_faults_plays_every_scenario():
    assert [*SCENARIOS] == [scenario for part in PARTS for scenario in part.SCENARIOS]


class Broken:
    """A scenario that fails whenever its plan has both of two steps."""

    promise, fault, unit = "Z1", "two at once", "s late"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        return Plan(seed, tuple(Step(number, f"fault {number}") for number in range(8)))

    async def play(self, plan, folder):
        both = {"fault 2", "fault 5"} <= {step.fault for step in plan.steps}
        return Report((f"lost with {len(plan.steps)} faults",) if both else (), figure=len(plan.steps))


def test_the_shortest_plan_that_still_fails_is_found():
    async def fails(plan):
        return bool((await Broken().play(plan, None)).violations)

    found = asyncio.run(shortest(Broken().plan(3, quick=False), fails))

    assert str(found) == "2s fault 2; 5s fault 5"


def test_the_table_shows_the_seed_and_the_shortest_plan_of_what_failed():
    row = Row(Broken())
    asyncio.run(play_all([row], 7, quick=False, at_once=1))

    assert table([row]).splitlines() == [
        "PROMISE  FAULT        ROUNDS  VIOLATIONS  WORST     SEED",
        "Z1       two at once  1       1           8 s late  7",
        "",
        "Z1 two at once, seed 7; the shortest plan that fails:",
        "  2s fault 2; 5s fault 5",
        "  - lost with 2 faults",
    ]


def test_a_round_that_cannot_be_played_is_a_violation():
    class Impossible(Broken):
        async def play(self, plan, folder):
            raise RuntimeError("no ground")

    row = Row(Impossible())
    asyncio.run(play_all([row], 7, quick=True, at_once=1))

    assert "the round could not be played: RuntimeError('no ground')" in row.violations[0]
