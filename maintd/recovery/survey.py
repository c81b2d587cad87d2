"""Looks at what is there, one list a kind and namespace, and makes the plan of it."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain

from maintd.cluster.reader import ClusterReader
from maintd.core.errors import JobError, Missing, Unreadable
from maintd.core.ports import Discovery
from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.core.text import counted
from maintd.objects.autoscaling import AUTOSCALERS, Scaled, as_scaled, scaled_by
from maintd.recovery.order import DEFINITIONS, stage
from maintd.recovery.plan import Action, Existing, Plan, Step, judged
from maintd.recovery.request import Wanted

_Key = tuple[str, str]
"""Namespace and name."""
_ONE_BY_ONE = 8
"""Namespaces of which each is listed by itself; of more, the whole cluster is."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What every judgement looks at."""

    existing: Existing
    absent: frozenset[str]
    """Namespaces that are not there, or on their way out."""
    unserved: frozenset[str]
    """Kinds that the server does not have."""
    defined: frozenset[str]
    """Kinds that it will have, by a definition that is restored."""
    scaled: frozenset[Scaled]


@dataclass(frozen=True, slots=True)
class Survey:
    """Reads the cluster for one restore."""

    reader: ClusterReader
    discovery: Discovery
    existing: Existing

    async def plan(self, wanted: Sequence[Wanted]) -> Plan:
        """Raises what the transport raises only where nothing at all can be had."""
        kinds: dict[Resource, list[Wanted]] = {}
        for each in wanted:
            kinds.setdefault(each.resource, []).append(each)
        scene = await self._scene(wanted)
        found = await asyncio.gather(*(self._kind(kind, some, scene) for kind, some in kinds.items()))
        steps = sorted(chain.from_iterable(found), key=lambda step: (stage(step.resource), step.namespace, step.name))
        return Plan(tuple(steps))

    async def _scene(self, wanted: Sequence[Wanted]) -> _Scene:
        homes = sorted({each.namespace for each in wanted} - {""})
        standing = await asyncio.gather(*(self._stands(home) for home in homes))
        known = {resource.name for resource in self.discovery.resources}
        absent = frozenset(home for home, stands in zip(homes, standing, strict=True) if not stands)
        return _Scene(
            self.existing,
            absent,
            frozenset(each.resource.name for each in wanted) - known,
            frozenset(each.name for each in wanted if each.resource.name == DEFINITIONS),
            await self._scaled(wanted, [home for home in homes if home not in absent]),
        )

    async def _stands(self, namespace: str) -> bool:
        try:
            found = await self.reader.get(NAMESPACES, namespace)
        except Missing:
            return False
        return "deletionTimestamp" not in found["metadata"]

    async def _scaled(self, wanted: Iterable[Wanted], homes: Sequence[str]) -> frozenset[Scaled]:
        """What autoscalers scale: those that are there, and those that will be."""
        restored = [each.document for each in wanted if each.resource.name == AUTOSCALERS.name]
        if not any("replicas" in (each.document.get("spec") or {}) for each in wanted):
            return frozenset()
        try:
            live = [obj async for obj in self._objects(AUTOSCALERS, homes)]
        except JobError:
            live = []  # the server has none in this version, or we may not see them
        return scaled_by([*restored, *live])

    async def _kind(self, resource: Resource, wanted: Sequence[Wanted], scene: _Scene) -> list[Step]:
        if resource.name in scene.unserved:
            return [_of_unserved(each, scene) for each in wanted]
        names = {(each.namespace, each.name) for each in wanted}
        homes = sorted({each.namespace for each in wanted if each.namespace not in scene.absent})
        try:
            live = {
                (obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj
                async for obj in self._around(resource, homes, names)
                if (obj["metadata"].get("namespace", ""), obj["metadata"]["name"]) in names
            }
        except JobError as error:
            why = str(error)
            if isinstance(error, Missing):
                why = f"this API server does not serve {resource.api_version} {resource.kind} any more"
            return [Step(resource, each.document, Action.CANNOT, why) for each in wanted if not each.required]
        steps = (_judged(each, live.get((each.namespace, each.name)), scene) for each in wanted)
        return [step for step in steps if step]

    async def _around(self, resource: Resource, homes: Sequence[str], names: Collection[_Key]) -> AsyncIterator[Json]:
        """Namespaces one by one, where they are few: the right to list them is one for the whole cluster."""
        if resource.name != NAMESPACES.name or len(names) > _ONE_BY_ONE:
            async for obj in self._objects(resource, homes):
                yield obj
            return
        for _, name in names:
            with suppress(Missing):
                yield await self.reader.get(resource, name)

    async def _objects(self, resource: Resource, homes: Sequence[str]) -> AsyncIterator[Json]:
        if not homes:
            return
        spaces = homes if resource.namespaced and len(homes) <= _ONE_BY_ONE else [""]
        for space in spaces:
            async for obj in self._listed(resource, space):
                yield obj

    async def _listed(self, resource: Resource, namespace: str) -> AsyncIterator[Json]:
        """A list that began anew gives some objects twice, the newer ones last."""
        whole = False
        async for page in self.reader.pages(resource, namespace or None):
            for obj in page.items:
                yield obj
            whole = page.last
        if not whole:
            raise Unreadable(f"the list of {resource.name} ended before its last page")


def _judged(wanted: Wanted, live: Json | None, scene: _Scene) -> Step | None:
    """None for what is required and there."""
    resource, document = wanted.resource, wanted.document
    leaving = live is not None and "deletionTimestamp" in live["metadata"]
    if wanted.required and live is not None and not leaving:
        return None
    unchecked = f"namespace {wanted.namespace}" if wanted.namespace in scene.absent else ""
    scaled = as_scaled(resource, document) in scene.scaled
    try:
        return judged(resource, document, live, scene.existing, scaled=scaled, unchecked=unchecked)
    except Unreadable as error:
        return Step(resource, document, Action.CANNOT, f"what is there cannot be read: {error}", live)


def _of_unserved(wanted: Wanted, scene: _Scene) -> Step:
    name = wanted.resource.name
    if name in scene.defined:
        return Step(wanted.resource, wanted.document, Action.CREATE, unchecked=f"definition {name}")
    why = f"this API server has no {name}, and the backup has no definition of it; install what brings it first"
    return Step(wanted.resource, wanted.document, Action.CANNOT, why)


def nothing_to_do(plan: Plan) -> str:
    """What a plan comes to that writes nothing; empty for one that does."""
    if plan.writes:
        return ""
    counts = plan.counts()
    same = counts.get(Action.UNCHANGED, 0)
    if same == len(plan.steps):
        return f"nothing to do: {counted(same, 'object is', 'objects are')} as the backup has them"
    skipped, stuck = counts.get(Action.SKIP, 0), counts.get(Action.CANNOT, 0)
    return f"nothing to do: {same:,} unchanged, {skipped:,} skipped, {stuck:,} that cannot be restored"
