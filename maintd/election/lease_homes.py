"""Where the Lease lives: in the cluster, or in a file where there is no cluster."""

import asyncio
import json
from pathlib import Path
from typing import Any, Protocol

from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, Missing, Transient, Unreadable
from maintd.core.ports import Reader
from maintd.core.resource import LEASES, Json
from maintd.core.rules import Rule
from maintd.election.lease_record import Record, read
from maintd.objects.metadata import blank
from maintd.storage.swapfile import SwapFile

NAME = "maintd"


class LeaseHome(Protocol):
    """One Lease, changed by compare-and-swap. Raises JobError for what it cannot read or write."""

    async def load(self) -> tuple[Record | None, Any]:
        """What the Lease says and a token for this version of it; None where there is no Lease."""
        ...

    async def save(self, record: Record, token: Any) -> Any:
        """Write it if it is still the version of `token`, and return the next token. Raises Conflict.

        It returns only when this very write is known to have been done.
        """
        ...

    def describe(self) -> str: ...


class ClusterLease:
    """`leases.coordination.k8s.io/maintd` in the namespace of the state."""

    def __init__(self, reader: Reader, writer: ClusterWriter, namespace: str) -> None:
        self._reader = reader
        self._writer = writer
        self._namespace = namespace

    def describe(self) -> str:
        """How a person names it to kubectl."""
        return f"lease {self._namespace}/{NAME}"

    async def load(self) -> tuple[Record | None, Json | None]:
        """The record, and the whole Lease."""
        try:
            found = await self._reader.get(LEASES, NAME, self._namespace)
        except Missing:
            return None, None
        return read(found), found

    async def save(self, record: Record, token: Json | None) -> Json:
        """Create it, or replace it as it was loaded, uid and resourceVersion included: one deleted stays deleted."""
        manifest = token or blank(LEASES, NAME, self._namespace)
        metadata = manifest["metadata"]
        annotations = (metadata.get("annotations") or {}) | record.annotations()
        manifest = manifest | {"metadata": metadata | {"annotations": annotations}, "spec": record.spec()}
        try:
            stored = await (self._writer.replace if token else self._writer.create)(LEASES, manifest)
            if read(stored).write != record.write:  # what a proxy answers is no renewal
                raise Unreadable(f"{self.describe()}: the reply to a write is not what was written")
        except (Conflict, Transient, Unreadable):
            found, stored_now = await self.load()
            if found is None or stored_now is None or found.write != record.write:
                raise
            return stored_now
        return stored


class FolderLease:
    """`lease.json` beside `state.json`, in the shape of a Lease."""

    def __init__(self, folder: Path) -> None:
        self._file = SwapFile(folder / "lease.json")

    def describe(self) -> str:
        """The file's path."""
        return str(self._file.path)

    async def load(self) -> tuple[Record | None, str]:
        """The record and the hash of the file; what is no Lease says nothing, and is written over in time."""
        text, token = await asyncio.to_thread(self._file.load)
        if not token:
            return None, ""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        return read(found if isinstance(found, dict) else {}), token

    async def save(self, record: Record, token: str) -> str:
        """Replace the file, if it is still the one that was loaded."""
        lease = {"metadata": {"name": NAME, "annotations": record.annotations()}, "spec": record.spec()}
        return await asyncio.to_thread(self._file.swap, json.dumps(lease, indent=1).encode(), token)


def lease_needs(namespace: str) -> tuple[Rule, ...]:
    """The rights that it takes to elect a leader in this namespace."""
    return (
        Rule(LEASES.name, "create", namespace=namespace),
        Rule(LEASES.name, "get", "update", namespace=namespace, names=(NAME,)),
    )
