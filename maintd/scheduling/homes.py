"""Where state lives: a ConfigMap in the cluster, or a file where there is no cluster to write to."""

import asyncio
import json
import secrets
from pathlib import Path

from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, Missing, Transient, Unreadable
from maintd.core.failpoints import reach
from maintd.core.ports import Reader
from maintd.core.resource import CONFIG_MAPS, Json
from maintd.core.rules import Rule
from maintd.objects.metadata import blank
from maintd.storage.swapfile import SwapFile

NAME = "maintd-state"
_NONCE = "maintd.dev/write"


class ConfigMapHome:
    """`configmaps/maintd-state` in maintd's namespace, one key a job, compared by resourceVersion."""

    def __init__(self, reader: Reader, writer: ClusterWriter, namespace: str) -> None:
        self._reader = reader
        self._writer = writer
        self._namespace = namespace

    def describe(self) -> str:
        """How a person names it to kubectl."""
        return f"configmap {self._namespace}/{NAME}"

    async def load(self) -> tuple[dict[str, str], Json | None]:
        """The entries, and the whole ConfigMap; none and None where it does not exist yet."""
        try:
            found = await self._reader.get(CONFIG_MAPS, NAME, self._namespace)
        except Missing:
            return {}, None
        data = found.get("data") or {}
        if not isinstance(data, dict):
            raise Unreadable(f"{self.describe()} has data that is not a map; delete it to start blank")
        return data, found

    async def save(self, entries: dict[str, str], token: Json | None) -> None:
        """Create it, or replace it if it is still the one that was loaded.

        A reply can be lost, or unreadable, after the write was done: a nonce tells our own write from another's.
        """
        manifest, nonce = token or blank(CONFIG_MAPS, NAME, self._namespace), secrets.token_hex(8)
        metadata = manifest["metadata"]
        annotations = (metadata.get("annotations") or {}) | {_NONCE: nonce}
        manifest = manifest | {"data": entries, "metadata": metadata | {"annotations": annotations}}
        reach("state-save-before")
        try:
            await (self._writer.replace if token else self._writer.create)(CONFIG_MAPS, manifest)
        except (Conflict, Transient, Unreadable):
            if await self._written_by() != nonce:
                raise
        reach("state-save-after")

    async def _written_by(self) -> str | None:
        try:
            found = await self._reader.get(CONFIG_MAPS, NAME, self._namespace)
        except Missing:
            return None
        return (found["metadata"].get("annotations") or {}).get(_NONCE)


class FolderHome:
    """`state.json` in a folder."""

    def __init__(self, folder: Path) -> None:
        self._file = SwapFile(folder / "state.json")

    def describe(self) -> str:
        """The file's path."""
        return str(self._file.path)

    async def load(self) -> tuple[dict[str, str], str]:
        """The entries and the hash of the file; none and `` where there is no file yet."""
        text, token = await asyncio.to_thread(self._file.load)
        if not token:
            return {}, ""
        try:
            entries = json.loads(text)["jobs"]
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(f"{self._file.path} is not maintd's state; move it away to start blank") from error
        return {job: json.dumps(entry) for job, entry in entries.items()}, token

    async def save(self, entries: dict[str, str], token: str) -> None:
        """Replace the file, if it is still the one that was loaded."""
        lines = ",\n".join(f"{json.dumps(job)}: {text}" for job, text in sorted(entries.items()))
        data = f'{{"format": 1, "jobs": {{\n{lines}\n}}}}\n'
        reach("state-save-before")
        await asyncio.to_thread(self._file.swap, data.encode(), token)
        reach("state-save-after")


def state_needs(namespace: str) -> tuple[Rule, ...]:
    """The rights that it takes to keep state in this namespace."""
    return (
        Rule("configmaps", "create", namespace=namespace),
        Rule("configmaps", "get", "update", namespace=namespace, names=(NAME,)),
        Rule("namespaces", "get", namespace=namespace, names=(namespace,)),  # a Role in it may grant that
    )
