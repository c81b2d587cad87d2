"""What is done to maintd in one round, and when: made from a seed, and cut as short as it still fails."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """One fault. `at`: seconds from the beginning of the round."""

    at: float
    fault: str
    target: str = ""

    def __str__(self) -> str:
        return f"{self.at:g}s {self.fault}" + (f" → {self.target}" if self.target else "")


IN_A_BUCKET = "store in a bucket"
"""Target of each step of a round whose store is not a folder."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a round, and the seed for whatever else it draws."""

    seed: int
    steps: tuple[Step, ...]

    @property
    def in_bucket(self) -> bool:
        """Whether the store is one."""
        return any(step.target == IN_A_BUCKET for step in self.steps)

    def __str__(self) -> str:
        return "; ".join(map(str, self.steps)) or "nothing at all"


async def shortest(plan: Plan, fails: Callable[[Plan], Awaitable[bool]], *, tries: int = 12) -> Plan:
    """The plan with as many steps left out as it takes no longer to fail; half of them at first, then single ones."""
    width = len(plan.steps)
    while width > 1 and tries > 0:
        width = (width + 1) // 2
        start = 0
        while start < len(plan.steps) and tries > 0:
            fewer = Plan(plan.seed, plan.steps[:start] + plan.steps[start + width :])
            tries -= 1
            if await fails(fewer):
                plan = fewer
            else:
                start += width
    return plan
