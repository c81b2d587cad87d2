"""Taking an edited jobs.yaml without a restart.

A ConfigMap is swapped by renaming a symlink above the file, which inotify on the file misses after the first time;
so the file is looked at every 2 seconds, and read when it is another one than before.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from maintd.config.jobs import JobsFile
from maintd.config.load import read_bytes
from maintd.core.errors import ConfigError

EVERY_SECONDS = 2.0
_SETTLE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Watch:
    """Watches the file at `path`; `parse` makes jobs of its bytes, or raises ConfigError."""

    path: Path
    parse: Callable[[bytes], JobsFile]
    every_seconds: float = EVERY_SECONDS

    async def changes(self, sha256: str) -> AsyncIterator[JobsFile | ConfigError]:
        """What the file says each time it says something new, beginning after the content with `sha256`.

        A ConfigError where it cannot be used, or is not there; once it can again the file follows, even when it is
        what it was before. Never ends.
        """
        seen, known = "never", sha256
        while True:
            stamp = self._stamp()
            if stamp != seen and await self._is_settled(stamp):
                seen = stamp
                found, news = await asyncio.to_thread(self._read, known)
                if news is not None:
                    known = found
                    yield news
            await asyncio.sleep(self.every_seconds)

    def _read(self, known: str) -> tuple[str, JobsFile | ConfigError | None]:
        """The hash of what is there now, and what it says; None where that is known."""
        found = ""
        try:
            data = read_bytes(self.path)
            found = hashlib.sha256(data).hexdigest()
            return found, None if found == known else self.parse(data)
        except ConfigError as error:
            return found, error

    async def _is_settled(self, stamp: str) -> bool:
        """Whether nobody is writing it right now; half a file can be a good file that lacks jobs."""
        await asyncio.sleep(_SETTLE_SECONDS)
        return self._stamp() == stamp

    def _stamp(self) -> str:
        """What changes when the file does: where it really is, its inode, time and size; empty where there is none."""
        try:
            real = os.path.realpath(self.path)
            stat = Path(real).stat()
        except OSError:
            return ""
        return f"{real} {stat.st_ino} {stat.st_mtime_ns} {stat.st_size}"
