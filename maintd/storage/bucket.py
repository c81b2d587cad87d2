"""The store in a bucket of Google Cloud Storage: `gs://bucket/prefix`, with one folder a cluster in it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from maintd.core.ports import Fetched, Staging, Stored
from maintd.storage.bucket_settings import BucketSettings, read_settings
from maintd.storage.encoding import encode
from maintd.storage.paths import check_path, check_size, is_path
from maintd.storage.remote import ATTEMPT, DEADLINE, THREADS, Remote
from maintd.storage.staging import SpooledStaging
from maintd.storage.walk import folder_of_prefix, folders, walk


def cluster_folder(prefix: str, cluster: str) -> str:
    """What the names of all objects of a cluster begin with. Raises Refused."""
    check_path(cluster)
    return f"{prefix}/{cluster}/" if prefix else f"{cluster}/"


class BucketStore:
    """Objects of one bucket, as core.ports.Store describes it. Google's libraries are loaded by the first call."""

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
        self.bucket_url = f"gs://{bucket}"
        self._remote = Remote(bucket, self._folder, emulator, attempt, deadline)
        self._in_flight = asyncio.Semaphore(THREADS)

    async def create(self, path: str, data: bytes) -> Stored:
        """Write one object; a reply that was lost is found out by the nonce that the object carries."""
        check_path(self._folder + path)
        check_path(path)
        check_size(path, len(data))
        encoded, nonce = await self._remote.threads.run(encode, path, data), secrets.token_hex(8)
        await self._remote.call(lambda gcs: gcs.create(self._folder + path, encoded, nonce))
        return encoded.stored

    async def read(self, path: str) -> bytes:
        """The plain bytes. Raises Missing, or Unreadable when they are not those that were written."""
        return (await self.fetch(path)).data

    async def fetch(self, path: str) -> Fetched:
        """The same, with sizes and hashes of the plain and of the stored bytes."""
        check_path(path)
        return await self._remote.call(lambda gcs: gcs.fetch(self._folder + path, path))

    def names(self, prefix: str, *, reverse: bool = False) -> AsyncIterator[str]:
        """Paths that begin with `prefix`. A bucket lists forwards only: backwards goes folder by folder."""
        return walk(self._entries, prefix, reverse=True) if reverse else self._forwards(prefix)

    async def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder."""
        return await folders(self._entries, folder)

    def staging(self) -> AbstractAsyncContextManager[Staging]:
        """Files that wait until the list they come from is whole."""
        return SpooledStaging(self.create, self._in_flight)

    def url(self, path: str) -> str:
        """`gs://bucket/prefix/cluster/path`, as `gcloud storage` takes it."""
        return self._remote.url + path

    def name(self, path: str) -> str:
        """What the object is called within the bucket."""
        return self._folder + path

    async def settings(self) -> BucketSettings:
        """How the bucket is set up. It takes a right that maintd itself does without: Denied is no fault."""
        return read_settings(self.bucket_url, await self._remote.call(lambda gcs: gcs.about()))

    async def held(self, *permissions: str) -> tuple[str, ...]:
        """Those of these permissions of Google's that we have on the whole bucket, under no condition."""
        return await self._remote.call(lambda gcs: gcs.held(permissions))

    async def _forwards(self, prefix: str) -> AsyncIterator[str]:
        folder_of_prefix(prefix)
        async for name in self._remote.listed(prefix, one_folder=False):
            if is_path(name):
                yield name

    async def _entries(self, folder: str) -> list[str]:
        found = [name.removeprefix(folder) async for name in self._remote.listed(folder, one_folder=True)]
        return [name for name in found if is_path(name.removesuffix("/"))]
