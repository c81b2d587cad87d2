"""Where the state of all jobs lives: with the cluster that they work on."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.config.settings import Settings
from maintd.core.errors import JobError, Missing
from maintd.core.guard import Guard
from maintd.core.resource import NAMESPACES
from maintd.election.lease_homes import ClusterLease, FolderLease, LeaseHome
from maintd.scheduling.homes import ConfigMapHome, FolderHome
from maintd.scheduling.state import Home
from maintd.storage.open import state_folder
from maintd.telemetry import logs

_NAMESPACE_SECONDS = 5.0
_LEASE_ATTEMPTS = 5
"""So many questions about the lease, one after the other without an answer, take as long as it lasts."""


@dataclass(frozen=True, slots=True)
class Homes:
    """Of the state, and of the lease of who leads."""

    state: Home
    lease: LeaseHome


async def find_homes(settings: Settings, api: Api | str, guard: Guard | None = None) -> Homes:
    """In maintd's namespace; in a folder where there is no such namespace, or no cluster at all.

    `guard` is asked before the state is written, and never about the lease.
    """
    folder = state_folder(settings.storage, settings.cluster).absolute()
    if isinstance(api, str):
        logs.get("maintd").info("state kept in a folder", folder=str(folder), why=api)
        return _in_folder(folder)
    namespace = settings.state_namespace or settings.namespace
    reader = ClusterReader(api)
    try:
        async with asyncio.timeout(_NAMESPACE_SECONDS):
            await reader.get(NAMESPACES, namespace)
    except Missing:
        logs.get("maintd").warning(
            "state kept in a folder",
            folder=str(folder),
            why=f"the cluster has no namespace {namespace}",
            remedy=f"kubectl create namespace {namespace}, to share the state with a daemon in the cluster",
        )
        return _in_folder(folder)
    except (JobError, TimeoutError):
        pass  # it may exist: a right is missing, or the server is away; State tells what it cannot read
    apart = api.apart(patience=settings.lease / _LEASE_ATTEMPTS)
    return Homes(
        ConfigMapHome(reader, ClusterWriter(api.scoped(guard=guard)), namespace),
        ClusterLease(ClusterReader(apart), ClusterWriter(apart), namespace),
    )


def _in_folder(folder: Path) -> Homes:
    return Homes(FolderHome(folder), FolderLease(folder))
