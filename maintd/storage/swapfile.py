"""A small file that several processes change by compare-and-swap."""

import fcntl
import hashlib
import os
from pathlib import Path

from maintd.core.errors import Conflict, Transient


class SwapFile:
    """Written whole and renamed into place, compared by its content's hash; `.lock` beside it is what writers take."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[bytes, str]:
        """What is in it and its hash; nothing and `` where there is no file yet. Raises Transient."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return b"", ""
        except OSError as error:
            raise Transient(f"cannot read {self.path}: {error.strerror}") from error
        return data, hashlib.sha256(data).hexdigest()

    def swap(self, data: bytes, token: str) -> str:
        """Replace it if its hash is still `token`, and return the new one. Raises Conflict and Transient."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self.load()[1] != token:
                    raise Conflict(f"{self.path} was written by another maintd")
                fresh = self.path.with_suffix(".new")
                fresh.write_bytes(data)
                os.replace(fresh, self.path)  # noqa: PTH105 - the atomic one, by its well-known name
        except OSError as error:
            raise Transient(f"cannot write {self.path}: {error.strerror}") from error
        return hashlib.sha256(data).hexdigest()
