"""Where the state of all jobs lives: with the cluster that they work on."""

import asyncio

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.config.settings import Settings
from maintd.core.errors import JobError, Missing
from maintd.core.resource import NAMESPACES
from maintd.scheduling.homes import ConfigMapHome, FolderHome
from maintd.scheduling.state import Home
from maintd.storage.open import state_folder
from maintd.telemetry import logs

_NAMESPACE_SECONDS = 5.0


async def find_home(settings: Settings, api: Api | str) -> Home:
    """The ConfigMap in maintd's namespace; a folder where there is no such namespace, or no cluster at all."""
    namespace = settings.state_namespace or settings.namespace
    folder = FolderHome(state_folder(settings.storage, settings.cluster).absolute())
    if isinstance(api, str):
        logs.get("maintd").info("state kept in a folder", file=folder.describe(), why=api)
        return folder
    reader = ClusterReader(api)
    try:
        async with asyncio.timeout(_NAMESPACE_SECONDS):
            await reader.get(NAMESPACES, namespace)
    except Missing:
        logs.get("maintd").warning(
            "state kept in a folder",
            file=folder.describe(),
            why=f"the cluster has no namespace {namespace}",
            remedy=f"kubectl create namespace {namespace}, to share the state with a daemon in the cluster",
        )
        return folder
    except (JobError, TimeoutError):
        pass  # it may exist: a right is missing, or the server is away; State tells what it cannot read
    return ConfigMapHome(reader, ClusterWriter(api), namespace)
