"""Objects in files that wait in line: at most so many bytes, first come first out, also for the next process."""

import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from maintd.core.errors import Conflict, Transient
from maintd.core.text import sized
from maintd.storage import disk
from maintd.storage.offload import Offload

_OLD_SECONDS = 3600.0
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Waiting:
    """One object; the name of its file is its number in line and its path, the file's content is the object's."""

    file: Path
    path: str
    size: int

    @property
    def number(self) -> int:
        return int(self.file.name[:_DIGITS])


class Backlog:
    """The files of one folder. Only one call at a time may change it."""

    def __init__(self, folder: Path, limit: int) -> None:
        """`limit` is in bytes."""
        self.folder = folder.absolute()
        self.limit = limit
        self.bytes = 0
        self._line = deque[Waiting]()
        self._next = 1
        self._disk = Offload(f"the spool {self.folder}")

    def __len__(self) -> int:
        return len(self._line)

    async def load(self) -> None:
        """Take over what another process left. Raises Denied or Transient."""
        for waiting in await self._disk.run(self._found):
            self._append(waiting)

    async def append(self, path: str, data: bytes) -> None:
        """Put an object at the end; it is on disk when this returns. Raises Transient or Denied when it is not."""
        if self.bytes + len(data) > self.limit:
            raise Transient(f"the spool {self.folder} is full, it holds {sized(self.limit)}; MAINTD_SPOOL_LIMIT")
        while True:
            file = self.folder / f"{self._next:0{_DIGITS}}-{quote(path, safe='')}"
            self._next += 1
            try:
                await self._disk.run(disk.write_new, file, data)
            except Conflict:
                continue  # another process has this number
            self._append(Waiting(file, path, len(data)))
            return

    def first(self) -> Waiting | None:
        """What is next; None where nothing waits."""
        return self._line[0] if self._line else None

    async def read(self, waiting: Waiting) -> bytes:
        """The object. Raises JobError when its file is gone or unreadable."""
        return await self._disk.run(disk.read_whole, waiting.file)

    async def remove_first(self) -> None:
        """It waits no longer. Raises JobError when its file stays, to be found again by the next process."""
        waiting = self._line.popleft()
        self.bytes -= waiting.size
        await self._disk.run(disk.remove, waiting.file)

    def _append(self, waiting: Waiting) -> None:
        self._line.append(waiting)
        self.bytes += waiting.size
        self._next = max(self._next, waiting.number + 1)

    def _found(self) -> list[Waiting]:
        disk.sweep(self.folder, older_than=time.time() - _OLD_SECONDS)
        found = []
        for name in sorted(disk.entries(self.folder)):
            number, dash, path = name.partition("-")
            if number.isdecimal() and len(number) == _DIGITS and dash and not path.endswith("/"):
                file = self.folder / name
                found.append(Waiting(file, unquote(path), disk.size(file)))
        return found
