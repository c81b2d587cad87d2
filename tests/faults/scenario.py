"""What a scenario is: a promise, a fault put in, a plan for each seed, and what playing the plan showed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.faults.plan import Plan


@dataclass(frozen=True, slots=True)
class Report:
    """What a round showed."""

    violations: tuple[str, ...] = ()
    """Each a sentence: what was promised, and what was seen."""
    figure: float = 0.0
    """The greater, the worse."""
    cases: int = 1
    """How many rounds it counts as: sequences, clusters."""


class Scenario(Protocol):
    """One row of the table."""

    @property
    def promise(self) -> str:
        """As the reliability page numbers it: `A1`."""
        ...

    @property
    def fault(self) -> str:
        """What is put in."""
        ...

    @property
    def unit(self) -> str:
        """What the figure counts: `s a run`."""
        ...

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Of one round; `quick`: as little as still shows something, for `make test`."""
        ...

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Do it; `folder` is this round's own."""
        ...
