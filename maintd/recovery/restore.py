"""A restore from the first look to the last result: prepared without changing anything, then performed."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.outcome import Finding
from maintd.core.resource import NAMESPACES
from maintd.objects.backup_manifest import Manifest
from maintd.objects.metadata import reference
from maintd.recovery import findings
from maintd.recovery.contents import Contents
from maintd.recovery.making import AT_ONCE
from maintd.recovery.plan import Existing, Plan
from maintd.recovery.rehearsal import Rehearsal
from maintd.recovery.request import collect
from maintd.recovery.survey import Survey


@dataclass(frozen=True, slots=True)
class Options:
    """What was typed, beside which backup and what of it."""

    existing: Existing = "skip"
    cluster_scoped: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    """Namespaces that are to be called otherwise."""
    rehearse: bool = False
    """Ask the server about every object beforehand."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that there is to know before something is changed."""

    manifest: Manifest
    plan: Plan
    uid: str
    """kube-system's, of this cluster."""
    version: str
    findings: tuple[Finding, ...]
    unread: int
    """Files of the backup that could not be read or opened."""

    @property
    def other_cluster(self) -> bool:
        """The backup is not known to be of this cluster."""
        return self.manifest.kube_system_uid != self.uid


async def prepare(api: Api, contents: Contents, options: Options) -> Prepared:
    """Read the backup, look at the cluster, and plan. Raises ConfigError and JobError; nothing is changed."""
    api = api.scoped(in_flight=AT_ONCE)
    reader, writer = ClusterReader(api), ClusterWriter(api)
    server, system, discovery = await asyncio.gather(
        reader.version(), reader.get(NAMESPACES, "kube-system"), reader.discover()
    )
    collected = await collect(contents, discovery, cluster_scoped=options.cluster_scoped, names=options.names)
    left_alone = findings.leave_system_namespaces(collected, contents.selection.namespaces)
    plan = await Survey(reader, discovery, options.existing).plan(collected.wanted)
    plan = await Rehearsal(writer, creations=options.rehearse).of(plan)
    told = [
        *findings.unread(collected),
        *findings.not_whole(contents.selection.not_whole),
        *findings.undiscovered(discovery, collected.wanted),
        *left_alone,
        *findings.mentioned(collected, options.names),
        *findings.volumes(plan),
        *await findings.needed(reader, plan),
    ]
    uid = reference(NAMESPACES, system).uid
    version = str(server.get("gitVersion"))
    return Prepared(contents.selection.manifest, plan, uid, version, tuple(told), len(collected.unread))
