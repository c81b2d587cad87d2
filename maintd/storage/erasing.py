"""Deleting a whole backup, and nothing else: for the one kind that prunes them.

Its manifest goes first. Wherever this ends, what is left has none and so is taken for a backup by nobody.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

from maintd.core.errors import Refused
from maintd.core.failpoints import reach
from maintd.objects.archive import BACKUPS, is_id
from maintd.objects.pins import PINS
from maintd.objects.verification import VERIFICATIONS
from maintd.storage import beneath
from maintd.storage.bucket import cluster_folder
from maintd.storage.offload import Offload
from maintd.storage.paths import check_path, is_path
from maintd.storage.remote import ATTEMPT, DEADLINE, Remote

ERASED = (BACKUPS, VERIFICATIONS, PINS)
"""The topmost folders in which a backup leaves objects."""


class Place(Protocol):
    """Where objects are deleted; paths are relative to this cluster's folder."""

    def below(self, folder: str) -> AsyncIterator[str]:
        """Paths of all objects below a folder, given with its slash. Raises Denied, Transient."""
        ...

    async def remove(self, path: str) -> None:
        """What is gone is gone. Raises Denied, Transient."""
        ...

    async def remove_empty(self, folder: str) -> None:
        """A folder, given with its slash, that a crash left before anything was in it. Raises Denied, Transient."""
        ...


class Eraser:
    """Of one store."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def erase(self, backup_id: str) -> None:
        """Raises Refused for what is no id, else Denied or Transient: some of it may be gone then, its manifest first.

        Asked again, it goes on where it ended.
        """
        if not is_id(backup_id):
            raise Refused(f"{backup_id!r} is not the id of a backup, and nothing else is deleted")
        await self._place.remove(f"{BACKUPS}/{backup_id}/manifest.json")
        reach("prune-manifest-deleted")
        for folder in ERASED:
            found = [path async for path in self._place.below(f"{folder}/{backup_id}/")]
            for path in found:
                await self._place.remove(path)
                reach("prune-object-deleted")
            await self._place.remove_empty(f"{folder}/{backup_id}/")


class FolderPlace:
    """`file:///folder`: no link is followed on the way, and a folder that is left empty goes too."""

    def __init__(self, root: Path, cluster: str) -> None:
        check_path(cluster)
        self._root = root.absolute() / cluster
        self._disk = Offload(f"the folder {self._root}", threads=1)

    async def below(self, folder: str) -> AsyncIterator[str]:
        """Folder by folder; with what a crash left unfinished."""
        for name in await self._disk.run(beneath.entries, self._root, folder, unfinished=True):
            if name.endswith("/"):
                async for path in self.below(folder + name):
                    yield path
            else:
                yield folder + name

    async def remove(self, path: str) -> None:
        """And the folders that it leaves empty."""
        await self._disk.run(beneath.remove, self._root, path)

    async def remove_empty(self, folder: str) -> None:
        """And the folders in it; or it would be listed as a backup that is unfinished, for ever."""
        await self._disk.run(beneath.remove_empty, self._root, folder)


class BucketPlace:
    """`gs://bucket/prefix`. With versioning, what is deleted is a noncurrent version from then on."""

    def __init__(self, bucket: str, prefix: str, cluster: str, emulator: str = "") -> None:
        """As Remote has it."""
        self._folder = cluster_folder(prefix, cluster)
        self._remote = Remote(bucket, self._folder, emulator, ATTEMPT, DEADLINE)

    async def below(self, folder: str) -> AsyncIterator[str]:
        """A page at a time."""
        async for path in self._remote.listed(folder, one_folder=False):
            if is_path(path):
                yield path

    async def remove(self, path: str) -> None:
        """It takes storage.objects.delete."""
        await self._remote.call(lambda gcs: gcs.delete(self._folder + path))

    async def remove_empty(self, folder: str) -> None:
        """A bucket has no folders."""
