"""Files that wait until the list they come from is whole: in memory while they are few, then in a nameless file."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import ParamSpec, Self, TypeVar

from maintd.core.errors import Transient
from maintd.core.failpoints import reach
from maintd.core.ports import Stored
from maintd.storage.offload import Offload
from maintd.storage.paths import check_path, check_size

P = ParamSpec("P")
T = TypeVar("T")

IN_MEMORY = 1024 * 1024
"""Bytes that are kept in memory before all of it goes to a file: several lists wait at the same time."""


class SpooledStaging:
    """As core.ports.Staging describes it, for any store.

    The file has no name, so that neither a crash nor a look into the temporary folder brings its content out.
    """

    def __init__(
        self,
        create: Callable[[str, bytes], Awaitable[Stored]],
        in_flight: asyncio.Semaphore | None = None,
        *,
        in_memory: int = IN_MEMORY,
    ) -> None:
        """`in_flight` bounds how many files are on their way to the store at once, over all that share it."""
        self._create = create
        self._in_flight = in_flight or asyncio.Semaphore(1)
        self._in_memory = in_memory
        self._disk = Offload("the temporary folder", threads=1)

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def add(self, path: str, data: bytes) -> None:
        """Stage one file. Raises Refused where the store would, Transient when there is no room for it."""
        check_path(path)
        check_size(path, len(data))
        await self._off_loop(self._write, data)
        self._index.append((path, self._size, len(data)))
        self._size += len(data)

    async def clear(self) -> None:
        """Drop what is staged."""
        self._close()
        self._open()

    async def commit(self) -> list[Stored]:
        """Write all of it to the store; what it returns is in the order it was added. What comes then is staged anew.

        Several files are on their way at once. When one is not taken, no other is begun.
        """
        try:
            async with asyncio.TaskGroup() as group:
                puts = [group.create_task(self._put(*staged)) for staged in self._index]
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        await self.clear()
        return [put.result() for put in puts]

    async def _put(self, path: str, start: int, size: int) -> Stored:
        async with self._in_flight:
            reach("backup-object-before")
            stored = await self._create(path, await self._off_loop(self._read, start, size))
            reach("backup-object-after")
            return stored

    def _write(self, data: bytes) -> None:
        self._spool.seek(self._size)
        self._spool.write(data)

    def _read(self, start: int, size: int) -> bytes:
        self._spool.seek(start)
        return self._spool.read(size)

    def _open(self) -> None:
        self._spool = SpooledTemporaryFile[bytes](max_size=self._in_memory)
        self._index: list[tuple[str, int, int]] = []
        self._size = 0

    def _close(self) -> None:
        # Closing flushes, and a full disk would say so here: of what nobody will read again.
        with suppress(OSError):
            self._spool.close()

    async def _off_loop(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._disk.run(call, *args, **kwargs)
        except OSError as error:
            raise Transient(
                f"what was read could not be kept in the temporary folder: {error.strerror or error}; "
                "make room there, or set TMPDIR to a folder that has room"
            ) from error
