"""Asks the server, without changing anything, whether it would take the steps of a plan."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import JobError, Transient
from maintd.objects.carrying import carried
from maintd.recovery.making import AT_ONCE, because
from maintd.recovery.plan import Action, Plan, Step


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Server-side dry runs: admission, defaulting and validation happen, storing does not."""

    writer: ClusterWriter
    creations: bool
    """Ask about these too: they destroy nothing, and what becomes of each is told when it is made."""

    async def of(self, plan: Plan) -> Plan:
        """The plan, with what the server refuses as what cannot be done."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def asked(step: Step) -> Step:
            async with turn:
                return await self._asked(step)

        asking = {i: asked(step) for i, step in enumerate(plan.steps) if self._asks(step)}
        answers = dict(zip(asking, await asyncio.gather(*asking.values()), strict=True))
        return replace(plan, steps=tuple(answers.get(i, step) for i, step in enumerate(plan.steps)))

    def _asks(self, step: Step) -> bool:
        return step.action is Action.UPDATE or (self.creations and step.action is Action.CREATE and not step.unchecked)

    async def _asked(self, step: Step) -> Step:
        try:
            await ask(self.writer, step)
        except Transient as error:
            return replace(step, unchecked=f"an answer of the server: {error}")
        except JobError as error:
            return replace(step, action=Action.CANNOT, why=because(step, error))
        return step


async def ask(writer: ClusterWriter, step: Step) -> None:
    """Have the server look at what the step would write. Raises what it has against it, as JobError."""
    if step.action is Action.CREATE:
        await writer.create(step.resource, step.wanted, dry_run=True)
    else:
        body = carried(step.resource, step.wanted, step.live or {}, scaled=step.scaled)
        await writer.replace(step.resource, body, dry_run=True)


def refused(plan: Plan, steps: Iterable[Step], why: str) -> Plan:
    """The plan, with these steps as what cannot be done."""
    gone = set(map(id, steps))
    return replace(
        plan,
        steps=tuple(replace(step, action=Action.CANNOT, why=why) if id(step) in gone else step for step in plan.steps),
    )
