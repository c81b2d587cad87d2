"""The store in a bucket of Google Cloud Storage: `gs://bucket/prefix`, with one folder a cluster in it."""

import asyncio
import random
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from maintd.core.errors import Denied, Transient, Unreadable
from maintd.core.ports import Staging, Stored
from maintd.storage.bucket_settings import BucketSettings, read_settings
from maintd.storage.encoding import encode
from maintd.storage.offload import Offload
from maintd.storage.paths import check_path, check_size, is_path
from maintd.storage.staging import SpooledStaging
from maintd.storage.walk import folder_of_prefix, walk

if TYPE_CHECKING:
    from maintd.storage.gcs import Gcs, Listed

T = TypeVar("T")

_THREADS = 8
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_OPENING_SECONDS = 5.0


class BucketStore:
    """Objects of one bucket, as core.ports.Store describes it. Google's libraries are loaded by the first call."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        cluster: str,
        emulator: str = "",
        *,
        attempt: timedelta = timedelta(seconds=15),
        deadline: timedelta = timedelta(seconds=25),
    ) -> None:
        """An attempt that takes too long or fails in a way that may pass is repeated until the deadline.

        `emulator` is the address of a server that stands in for Google's; it is sent no credentials.
        """
        check_path(cluster)
        self._folder = f"{prefix}/{cluster}/" if prefix else f"{cluster}/"
        self.bucket_url = f"gs://{bucket}"
        self._root = f"{self.bucket_url}/{self._folder}"
        self._door = Door(bucket, emulator)
        remedy = "look at the network and at https://status.cloud.google.com"
        self._threads = Offload(f"gs://{bucket}", threads=_THREADS, deadline=attempt, remedy=remedy)
        self._in_flight = asyncio.Semaphore(_THREADS)
        self._deadline = deadline.total_seconds()

    async def create(self, path: str, data: bytes) -> Stored:
        """Write one object; a reply that was lost is found out by the nonce that the object carries."""
        check_path(self._folder + path)
        check_path(path)
        check_size(path, len(data))
        encoded, nonce = await self._threads.run(encode, path, data), secrets.token_hex(8)
        await self._call(lambda gcs: gcs.create(self._folder + path, encoded, nonce))
        return encoded.stored

    async def read(self, path: str) -> bytes:
        """The plain bytes. Raises Missing, or Unreadable when they are not those that were written."""
        check_path(path)
        return await self._call(lambda gcs: gcs.read(self._folder + path))

    def names(self, prefix: str, *, reverse: bool = False) -> AsyncIterator[str]:
        """Paths that begin with `prefix`. A bucket lists forwards only: backwards goes folder by folder."""
        return walk(self._entries, prefix, reverse=True) if reverse else self._forwards(prefix)

    def staging(self) -> AbstractAsyncContextManager[Staging]:
        """Files that wait until the list they come from is whole."""
        return SpooledStaging(self.create, self._in_flight)

    def url(self, path: str) -> str:
        """`gs://bucket/prefix/cluster/path`, as `gcloud storage` takes it."""
        return self._root + path

    def name(self, path: str) -> str:
        """What the object is called within the bucket."""
        return self._folder + path

    async def settings(self) -> BucketSettings:
        """How the bucket is set up. It takes a right that maintd itself does without: Denied is no fault."""
        return read_settings(self.bucket_url, await self._call(lambda gcs: gcs.about()))

    async def _forwards(self, prefix: str) -> AsyncIterator[str]:
        folder_of_prefix(prefix)
        async for name in self._listed(prefix, one_folder=False):
            if is_path(name):
                yield name

    async def _entries(self, folder: str) -> list[str]:
        found = [name.removeprefix(folder) async for name in self._listed(folder, one_folder=True)]
        return [name for name in found if is_path(name.removesuffix("/"))]

    async def _listed(self, prefix: str, *, one_folder: bool) -> AsyncIterator[str]:
        following = ""
        while True:
            page = await self._call(partial(self._page, prefix, following, one_folder))
            for name in page.names:
                yield name.removeprefix(self._folder)
            if not page.following:
                return
            if page.following == following:
                raise Unreadable(f"{self.url(prefix)} is listed in circles; look for a proxy on the way")
            following = page.following

    def _page(self, prefix: str, following: str, one_folder: bool, gcs: "Gcs") -> "Listed":
        return gcs.page(self._folder + prefix, following, one_folder=one_folder)

    async def _call(self, call: "Callable[[Gcs], T]") -> T:
        """The result of `call` in a thread. Tries again what may pass, no sooner than Google asked for."""
        clock = asyncio.get_running_loop().time
        until, pause = clock() + self._deadline, _FIRST_PAUSE
        while True:
            try:
                return await self._threads.run(self._door.through, call)
            except Transient as error:
                asked = error.retry_after.total_seconds() if error.retry_after else 0.0
                wait = max(asked, random.uniform(0.5, 1) * pause)  # noqa: S311 - spreads load, guards nothing
                if clock() + wait >= until:
                    raise
            await asyncio.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)


class Door:
    """The way into the bucket, opened by the first call; and anew after a refusal, for credentials may change."""

    def __init__(self, bucket: str, emulator: str) -> None:
        self._bucket = bucket
        self._emulator = emulator
        self._opening = threading.Lock()
        self._gcs: Gcs | None = None

    def through(self, call: "Callable[[Gcs], T]") -> T:
        """The result of `call`, in the thread of whoever asks."""
        gcs = self._gcs or self._open()
        try:
            return call(gcs)
        except Denied:
            self._gcs = None
            raise

    def _open(self) -> "Gcs":
        # A metadata server that is away holds up one thread, not all of them.
        if not self._opening.acquire(timeout=_OPENING_SECONDS):
            raise Transient(f"gs://{self._bucket}: its credentials are still looked for; see to the metadata server")
        try:
            from maintd.storage.gcs import Gcs  # noqa: PLC0415 - a second, and tens of MiB that a folder never needs

            self._gcs = self._gcs or Gcs(self._bucket, self._emulator)
            return self._gcs
        finally:
            self._opening.release()
