"""Deleting from a store: for housekeeping alone. Kinds are handed a Store, which cannot."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from maintd.storage import beneath
from maintd.storage.bucket import cluster_folder
from maintd.storage.offload import Offload
from maintd.storage.paths import check_path
from maintd.storage.prunable import check_prunable
from maintd.storage.remote import ATTEMPT, DEADLINE, Remote


class Pruner(Protocol):
    """What housekeeping sees of the bucket or folder; paths are relative to this cluster's folder in it."""

    def entries(self, folder: str) -> AsyncGenerator[str, None]:
        """Names in a folder, given with its slash: those of folders with a slash behind. Raises Denied, Transient."""
        ...

    async def delete(self, path: str, before: datetime) -> None:
        """Delete one object that was written before then; one that is gone is gone.

        Raises Refused for a path that is not to be spared or not that old, Denied or Transient.
        """
        ...


class FolderPruner:
    """Of `file:///folder`: a folder that is left empty goes too."""

    def __init__(self, root: Path, cluster: str) -> None:
        check_path(cluster)
        self._root = root.absolute() / cluster
        self._disk = Offload(f"the folder {self._root}", threads=1)

    async def entries(self, folder: str) -> AsyncGenerator[str, None]:
        """All of one folder at once, in the order of their characters."""
        for name in await self._disk.run(beneath.entries, self._root, folder):
            yield name

    async def delete(self, path: str, before: datetime) -> None:
        """No link is followed on the way to it."""
        check_prunable(path, before)
        await self._disk.run(beneath.remove, self._root, path)


class BucketPruner:
    """Of `gs://bucket/prefix`."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        cluster: str,
        emulator: str = "",
        *,
        attempt: timedelta = ATTEMPT,
        deadline: timedelta = DEADLINE,
    ) -> None:
        """As Remote has it."""
        self._folder = cluster_folder(prefix, cluster)
        self._remote = Remote(bucket, self._folder, emulator, attempt, deadline)

    async def entries(self, folder: str) -> AsyncGenerator[str, None]:
        """A page at a time."""
        async for name in self._remote.listed(folder, one_folder=True):
            yield name.removeprefix(folder)

    async def delete(self, path: str, before: datetime) -> None:
        """With versioning, what is deleted is a noncurrent version from then on."""
        check_prunable(path, before)
        await self._remote.call(lambda gcs: gcs.delete(self._folder + path))
