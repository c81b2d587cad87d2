"""Asks an API server about every object of a backup, by a dry run of what a restore would write; nothing is written.

What is there is asked about as a replacement, what is missing as a creation. Whatever no dry run can tell is unchecked
and never taken.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import ConfigError, Conflict, JobError, Missing
from maintd.core.ports import Store
from maintd.core.rehearsal import Answers
from maintd.core.resource import ObjectRef
from maintd.objects.age import UNCHECKED, Identities
from maintd.objects.backup_manifest import Manifest
from maintd.recovery.against import same_cluster
from maintd.recovery.contents import Contents
from maintd.recovery.findings import leave_system_namespaces
from maintd.recovery.making import AT_ONCE
from maintd.recovery.plan import Action, Step
from maintd.recovery.rehearsal import ask
from maintd.recovery.request import Collected, Wanted, collect
from maintd.recovery.selection import Asked, choose
from maintd.recovery.source import manifest_of
from maintd.recovery.survey import Survey
from maintd.recovery.verdict import Taken, Verdict, accepted, answers, declined, not_asked

_PLATFORM = "a restore leaves the platform's own namespaces alone unless -n names them"


@dataclass(frozen=True, slots=True)
class Asking:
    """On behalf of whoever may write."""

    api: Api
    identities: Identities | None = None
    verify_key: str = ""

    async def rehearse(self, store: Store, backup_id: str) -> Answers:
        """What the server says. Raises JobError where nothing can be asked at all."""
        try:
            manifest = await manifest_of(store, backup_id, verify_key=self.verify_key)
            found = await self._verdicts(store, manifest) if manifest.files else []
        except ConfigError as error:
            raise Missing(str(error)) from error
        same = await same_cluster(ClusterReader(self.api), manifest)
        return Answers(
            server=await self.api.server(),
            other_cluster=not same,
            taken=sum(verdict.count for verdict in found if verdict.taken is Taken.YES),
            refused=answers(found, Taken.NO),
            unchecked=answers(found, Taken.UNKNOWN),
        )

    async def _verdicts(self, store: Store, manifest: Manifest) -> list[Verdict]:
        api = self.api.scoped(in_flight=AT_ONCE)
        reader = ClusterReader(api)
        discovery = await reader.discover()
        contents = Contents(store, choose(manifest, Asked()), self.identities)
        collected = await collect(contents, discovery, cluster_scoped=True, names={})
        unopened, platforms = list(_unopened(manifest, collected)), list(_left_alone(collected))
        plan = await Survey(reader, discovery, "rewrite").plan(collected.wanted)
        return [*unopened, *platforms, *await _Round(reader, ClusterWriter(api)).of(plan.steps)]


def _unopened(manifest: Manifest, collected: Collected) -> Iterator[Verdict]:
    for file in manifest.files:
        why = collected.unread.get(file.path)
        if why:
            said = UNCHECKED if file.recipients else why
            yield Verdict(file.path, Taken.UNKNOWN, said, by_nature=bool(file.recipients), count=file.count)


def _left_alone(collected: Collected) -> Iterator[Verdict]:
    before = collected.wanted
    leave_system_namespaces(collected, ())
    kept = set(map(id, collected.wanted))
    return (Verdict(_named(each), Taken.UNKNOWN, _PLATFORM, by_nature=True) for each in before if id(each) not in kept)


def _named(wanted: Wanted) -> str:
    return str(ObjectRef(resource=wanted.resource.name, namespace=wanted.namespace, name=wanted.name))


@dataclass(frozen=True, slots=True)
class _Round:
    """One question an object, so many at once."""

    reader: ClusterReader
    writer: ClusterWriter

    async def of(self, steps: Iterable[Step]) -> list[Verdict]:
        """In the order of the steps."""
        turn = asyncio.Semaphore(AT_ONCE)

        async def judged(step: Step) -> Verdict:
            async with turn:
                return not_asked(step) or await self._judged(step)

        return list(await asyncio.gather(*map(judged, steps)))

    async def _judged(self, step: Step) -> Verdict:
        try:
            await self._ask(step)
        except JobError as error:
            return declined(step, error)
        return accepted(step)

    async def _ask(self, step: Step) -> None:
        """Once more where it changed since it was listed: controllers are always at work."""
        try:
            await ask(self.writer, step)
        except Conflict:
            live = await self.reader.get(step.resource, step.name, step.namespace or None)
            await ask(self.writer, replace(step, action=Action.UPDATE, live=live))
