"""A backup held against a cluster, with what one has to know of the two to judge what came of it."""

import asyncio
from dataclasses import dataclass

from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Denied, Missing
from maintd.core.ports import Reader
from maintd.core.resource import NAMESPACES
from maintd.objects.backup_manifest import Manifest
from maintd.objects.metadata import reference
from maintd.recovery.comparing import Comparing
from maintd.recovery.comparison import Comparison
from maintd.recovery.contents import Contents
from maintd.recovery.defaulting import Defaulting
from maintd.recovery.scaling import without_scaled


@dataclass(frozen=True, slots=True)
class Held:
    """What came of it."""

    manifest: Manifest
    server: str
    same_cluster: bool | None
    """By the uid of kube-system; None: it may not be read, now or then."""
    comparison: Comparison


async def hold_against(reader: Reader, writer: ClusterWriter, server: str, contents: Contents) -> Held:
    """Raises what the reader raises where nothing can be had, and ConfigError for a name that nothing has.

    `writer` is asked for dry runs alone.
    """
    manifest = contents.selection.manifest
    same, discovery, version = await asyncio.gather(same_cluster(reader, manifest), reader.discover(), reader.version())
    found = await Comparing(reader, contents, discovery).compare()
    if not found.unchecked:
        contents.selection.check_found(found.names)
    found = await without_scaled(reader, contents, found)
    found = await Defaulting(reader, writer).settled(found, manifest.server_version, version)
    return Held(manifest, server, same, found)


async def same_cluster(reader: Reader, manifest: Manifest) -> bool | None:
    """Whether the backup is one of this cluster: names are given anew, the uid of kube-system is not."""
    try:
        system = await reader.get(NAMESPACES, "kube-system")
    except (Denied, Missing):
        return None
    return reference(NAMESPACES, system).uid == manifest.kube_system_uid if manifest.kube_system_uid else None
