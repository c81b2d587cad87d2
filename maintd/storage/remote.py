"""One folder of a bucket, asked from the event loop: in threads, with deadlines, and again where it may pass."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from maintd.core.errors import Denied, Transient, Unreadable
from maintd.storage.offload import Offload

if TYPE_CHECKING:
    from maintd.storage.gcs import Gcs, Listed

T = TypeVar("T")

THREADS = 8
ATTEMPT, DEADLINE = timedelta(seconds=15), timedelta(seconds=25)
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0
_OPENING_SECONDS = 5.0


class Remote:
    """Objects whose names begin with `folder`, which has its slash. Google's libraries are loaded by the first call."""

    def __init__(self, bucket: str, folder: str, emulator: str, attempt: timedelta, deadline: timedelta) -> None:
        """An attempt that takes too long or fails in a way that may pass is repeated until the deadline.

        `emulator` is the address of a server that stands in for Google's; it is sent no credentials.
        """
        self.folder = folder
        self.url = f"gs://{bucket}/{folder}"
        self._door = Door(bucket, emulator)
        remedy = "look at the network and at https://status.cloud.google.com"
        self.threads = Offload(f"gs://{bucket}", threads=THREADS, deadline=attempt, remedy=remedy)
        self._deadline = deadline.total_seconds()

    async def listed(self, prefix: str, *, one_folder: bool) -> AsyncIterator[str]:
        """Names after the folder's that begin with `prefix`, a page at a time; as `Gcs.page` has them."""
        following = ""
        while True:
            page = await self.call(partial(self._page, prefix, following, one_folder))
            for name in page.names:
                yield name.removeprefix(self.folder)
            if not page.following:
                return
            if page.following == following:
                raise Unreadable(f"{self.url}{prefix} is listed in circles; look for a proxy on the way")
            following = page.following

    def _page(self, prefix: str, following: str, one_folder: bool, gcs: "Gcs") -> "Listed":
        return gcs.page(self.folder + prefix, following, one_folder=one_folder)

    async def call(self, call: "Callable[[Gcs], T]") -> T:
        """The result of `call` in a thread. Tries again what may pass, no sooner than Google asked for."""
        clock = asyncio.get_running_loop().time
        until, pause = clock() + self._deadline, _FIRST_PAUSE
        while True:
            try:
                return await self.threads.run(self._door.through, call)
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

            gcs = self._gcs = self._gcs or Gcs(self._bucket, self._emulator)
            return gcs
        finally:
            self._opening.release()
