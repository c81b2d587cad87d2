"""The store in a folder: `file:///folder`, with one folder a cluster in it."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import quote

from maintd.core.ports import Fetched, Staging, Stored
from maintd.storage import disk
from maintd.storage.offload import Offload
from maintd.storage.paths import check_path, check_size
from maintd.storage.staging import SpooledStaging
from maintd.storage.walk import folders, walk


class FolderStore:
    """Objects as plain files, as core.ports.Store describes it."""

    def __init__(self, root: Path, cluster: str) -> None:
        check_path(cluster)
        self._root = root.absolute() / cluster
        self._disk = Offload(f"the folder {self._root}")
        self._in_flight = asyncio.Semaphore(4)

    async def create(self, path: str, data: bytes) -> Stored:
        """Write one object; it is on disk when this returns."""
        check_path(path)
        check_size(path, len(data))
        return await self._disk.run(self._create, path, data)

    def _create(self, path: str, data: bytes) -> Stored:
        disk.write_new(self._root / path, data)
        return _as_it_is(path, data)

    async def read(self, path: str) -> bytes:
        """The bytes. Raises Missing, or Unreadable for a file that is too large to be an object of the store."""
        return (await self.fetch(path)).data

    async def fetch(self, path: str) -> Fetched:
        """The same, with sizes and hashes."""
        check_path(path)
        data = await self._disk.run(disk.read_whole, self._root / path)
        return Fetched(data, _as_it_is(path, data))

    def names(self, prefix: str, *, reverse: bool = False) -> AsyncIterator[str]:
        """Paths that begin with `prefix`; only folders that can hold such are looked into, one at a time."""

        return walk(self._entries, prefix, reverse=reverse)

    async def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder."""
        return await folders(self._entries, folder)

    def staging(self) -> AbstractAsyncContextManager[Staging]:
        """Files that wait until the list they come from is whole."""
        return SpooledStaging(self.create, self._in_flight)

    def url(self, path: str) -> str:
        """`file:///folder/cluster/path`."""
        return f"{self._root.as_uri()}/{quote(path)}"

    async def _entries(self, folder: str) -> list[str]:
        return await self._disk.run(disk.entries, self._root / folder)


def _as_it_is(path: str, data: bytes) -> Stored:
    digest = hashlib.sha256(data).hexdigest()
    return Stored(path, size=len(data), sha256=digest, stored_size=len(data), stored_sha256=digest)
