"""Writes the steps of a plan, stage after stage, sixteen at a time; each step ends in one recorded result.

Whatever happens to one object, the others go on. A reply that was lost is made good by looking: what is there as it
is wanted is done. So a restore that was killed goes on where it was, when it is started again.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from maintd.cluster.reader import ClusterReader
from maintd.cluster.replies import Rejected
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, Denied, JobError, Missing, Transient
from maintd.core.failpoints import reach
from maintd.core.outcome import Change
from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.objects.carrying import carried
from maintd.objects.cleaning import clean
from maintd.objects.differences import differences
from maintd.recovery.order import DEFINITIONS, established, stage
from maintd.recovery.plan import Action, Existing, Step, judged, paths

AT_ONCE = 16
_LOOK = timedelta(seconds=0.2)
_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited for what others do."""

    namespace: timedelta = timedelta(seconds=90)
    """Until a namespace that is being deleted is gone."""
    definition: timedelta = timedelta(seconds=30)
    """Until the server serves a CustomResourceDefinition."""
    account: timedelta = timedelta(seconds=10)
    """Until a new namespace has the account that its pods run under."""


PATIENCE = Patience()


@dataclass(slots=True)
class Making:
    """One restore under way. `changes` grows as it goes, for the record of one that is interrupted."""

    reader: ClusterReader
    writer: ClusterWriter
    existing: Existing
    progress: Callable[[int], None] = lambda _: None
    """Told after each step how many are done."""
    patience: Patience = PATIENCE
    changes: list[Change] = field(default_factory=list)
    _broken: dict[str, str] = field(default_factory=dict)
    """Namespaces and kinds that could not be made → why nothing can be made in or of them."""
    _fresh: set[str] = field(default_factory=set)
    """Namespaces and kinds that this restore made."""

    async def run(self, steps: Iterable[Step]) -> None:
        """Take every step that writes."""
        stages: dict[int, list[Step]] = {}
        for step in steps:
            if step.writes:
                stages.setdefault(stage(step.resource), []).append(step)
        for number in sorted(stages):
            waiting = iter(stages[number])
            async with asyncio.TaskGroup() as group:
                for _ in range(min(AT_ONCE, len(stages[number]))):
                    group.create_task(self._work(waiting))

    async def _work(self, waiting: Iterable[Step]) -> None:
        for step in waiting:
            change = await self._taken(step)
            self.changes.append(change)
            self.progress(len(self.changes))

    async def _taken(self, step: Step) -> Change:
        broken = self._broken.get(step.namespace) or self._broken.get(step.resource.name)
        if broken:
            return step.ended("failed", broken)
        try:
            await self._prepare(step)
            reach("restore-write-before")
            change = await (self._create(step) if step.action is Action.CREATE else self._update(step))
            reach("restore-write-after")
            await self._finish(step)
        except JobError as error:
            self._breaks(step, error)
            return step.ended("failed", because(step, error))
        return change

    async def _prepare(self, step: Step) -> None:
        if step.resource.name == NAMESPACES.name and step.live is not None and step.action is Action.CREATE:
            await self._gone(step)
        if step.resource.name == "pods" and step.namespace in self._fresh:
            spec = step.wanted.get("spec") or {}
            await self._there(_ACCOUNTS, spec.get("serviceAccountName", "default"), step.namespace)

    async def _finish(self, step: Step) -> None:
        if step.resource.name == NAMESPACES.name:
            self._fresh.add(step.name)
        elif step.resource.name == DEFINITIONS:
            self._fresh.add(step.name)
            await self._served(step)

    def _breaks(self, step: Step, error: JobError) -> None:
        if step.resource.name in (NAMESPACES.name, DEFINITIONS):
            kind = "namespace" if step.resource.name == NAMESPACES.name else "definition"
            self._broken[step.name] = f"its {kind} {step.name} could not be made: {error}"

    async def _create(self, step: Step, *, again: bool = True) -> Change:
        try:
            return _made(step, await self._posted(step))
        except Conflict:
            return await self._settled(step)
        except Transient:
            if not again:
                raise
            try:
                return await self._settled(step)
            except Missing:
                return await self._create(step, again=False)

    async def _posted(self, step: Step) -> Json:
        """A kind whose definition was made just now may take a moment to be served."""
        clock = asyncio.get_running_loop().time
        until = clock() + self.patience.definition.total_seconds()
        while True:
            try:
                return await self.writer.create(step.resource, step.wanted)
            except Missing:
                if step.resource.name not in self._fresh or clock() > until:
                    raise
                await asyncio.sleep(_LOOK.total_seconds())

    async def _update(self, step: Step) -> Change:
        try:
            return _made(step, await self._put(step))
        except (Conflict, Transient):
            return await self._settled(step)
        except Missing:
            return await self._create(step)

    async def _put(self, step: Step) -> Json:
        body = carried(step.resource, step.wanted, step.live or {}, scaled=step.scaled)
        return await self.writer.replace(step.resource, body)

    async def _settled(self, step: Step) -> Change:
        """Judge once more, by what is there now: by our own request whose reply was lost, or by somebody else's."""
        live = await self.reader.get(step.resource, step.name, step.namespace or None)
        existing = "update" if step.action is Action.UPDATE else self.existing
        now = judged(step.resource, step.wanted, live, existing, scaled=step.scaled)
        if now.action is Action.UNCHANGED:
            return step.ended("done")
        if now.action is Action.UPDATE:
            return _made(step, await self._put(now))
        return now.ended("kept" if now.action is Action.SKIP else "failed", now.why)

    async def _gone(self, step: Step) -> None:
        """Wait for a namespace that is being deleted. Raises Conflict."""
        uid = (step.live or {})["metadata"].get("uid")
        until = asyncio.get_running_loop().time() + self.patience.namespace.total_seconds()
        while asyncio.get_running_loop().time() < until:
            try:
                found = await self.reader.get(NAMESPACES, step.name)
            except Missing:
                return
            if found["metadata"].get("uid") != uid:
                return
            await asyncio.sleep(_LOOK.total_seconds())
        raise Conflict(
            f"namespace {step.name} is still being deleted after {self.patience.namespace.total_seconds():.0f} s; see "
            f"what holds it: kubectl get namespace {step.name} -o yaml; then run the restore again"
        )

    async def _served(self, step: Step) -> None:
        """Wait until objects of a definition can be made. Raises Transient."""
        until = asyncio.get_running_loop().time() + self.patience.definition.total_seconds()
        while asyncio.get_running_loop().time() < until:
            if established(await self.reader.get(step.resource, step.name)):
                return
            await asyncio.sleep(_LOOK.total_seconds())
        raise Transient(f"it is not Established; see: kubectl describe {DEFINITIONS} {step.name}")

    async def _there(self, resource: Resource, name: str, namespace: str) -> None:
        """Wait for it; whoever needs it says so where it does not come."""
        until = asyncio.get_running_loop().time() + self.patience.account.total_seconds()
        while asyncio.get_running_loop().time() < until:
            try:
                await self.reader.get(resource, name, namespace)
            except Missing:
                await asyncio.sleep(_LOOK.total_seconds())
            else:
                return


def because(step: Step, error: JobError) -> str:
    """Why a step could not be taken, and what to type."""
    if isinstance(error, Rejected) and error.immutable:
        option = f" -n {step.namespace}" if step.namespace else ""
        where = ", ".join(error.fields) or "what differs"
        return (
            f"{where}: it cannot be changed once it is there; to bring it back delete it and run the restore again: "
            f"kubectl delete {step.resource.name} {step.name}{option}"
        )
    if isinstance(error, Missing):
        return f"{error}; its namespace or its kind is not there"
    return str(error) if not isinstance(error, Denied | Transient) else f"{error}; then run the restore again"


def _made(step: Step, reply: Json) -> Change:
    """The server's answer is the object as it is now: what admission made of it is seen here."""
    cleaned = clean(step.resource, reply)
    found = differences(cleaned, step.wanted, scaled=step.scaled) if cleaned != step.wanted else ()
    return step.ended("done", f"the server made something else of {paths(found)}" if found else "")
