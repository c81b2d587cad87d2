"""Files on a disk, written whole or not at all: blocking calls, errors in our own words."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from maintd.core.errors import Conflict, Denied, JobError, Missing, Transient, Unreadable
from maintd.core.failpoints import reach
from maintd.core.text import sized
from maintd.storage.paths import MAX_OBJECT

UNFINISHED = ".unfinished-"
"""Files named so are what a crash left of a file that was being written; they may be deleted."""


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet; it is on disk, under its name, when this returns.

    Raises Conflict when something has the name already, Denied or Transient when the disk does not take it.
    """
    try:
        _make_folders(path.parent)
        unfinished = _write_unfinished(path.parent, data)
    except OSError as error:
        raise disk_error("written", path, error) from error
    try:
        reach("folder-object-unfinished")
        os.link(unfinished, path)
        _sync(path.parent)
        reach("folder-object-linked")
    except FileExistsError as error:
        raise Conflict(f"{path} is there already, and nothing in the store is ever overwritten") from error
    except OSError as error:
        raise disk_error("written", path, error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def read_whole(path: Path) -> bytes:
    """The bytes of a file. Raises Missing, Denied, Transient, or Unreadable when it is larger than an object."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_OBJECT + 1)
    except OSError as error:
        raise disk_error("read", path, error) from error
    if len(data) > MAX_OBJECT:
        raise Unreadable(f"{path} is larger than {sized(MAX_OBJECT)}, so maintd did not write it; move it away")
    return data


def entries(folder: Path) -> list[str]:
    """Names of the files in a folder, and of its folders with a slash behind them; none where there is no folder."""
    try:
        with os.scandir(folder) as found:
            return [entry.name + "/" * entry.is_dir() for entry in found if not entry.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise disk_error("listed", folder, error) from error


def size(path: Path) -> int:
    """Bytes of a file. Raises Missing, Denied, Transient."""
    try:
        return path.stat().st_size
    except OSError as error:
        raise disk_error("read", path, error) from error


def remove(path: Path) -> None:
    """Remove a file; one that is not there is removed already. Raises Denied or Transient."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise disk_error("removed", path, error) from error


def sweep(folder: Path, *, older_than: float) -> None:
    """Remove what crashes left unfinished in a folder before `older_than`, in seconds since the epoch."""
    for path in folder.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            if path.stat().st_mtime < older_than:
                path.unlink()


def disk_error(done: str, path: Path, error: OSError) -> JobError:
    """What follows from an error of the operating system: `done` is what could not be `read` or `written`."""
    what = f"{path} could not be {done}: {error.strerror or error}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Denied(f"{what}; give maintd's user the right to, or set MAINTD_STORAGE to another folder")
    if done == "read" and error.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR):
        return Missing(f"{path} is not there: it was never written, or somebody removed it")
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return Transient(f"{what}; a file stands where a folder is needed, move it away")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Transient(f"{what}; make room on the disk, or set MAINTD_STORAGE to another folder")
    return Transient(f"{what}; look at the disk or mount behind it")


def _write_unfinished(folder: Path, data: bytes) -> Path:
    """Under a name of its own, so that a crash on the way leaves nothing under the real one."""
    path = folder / f"{UNFINISHED}{secrets.token_hex(8)}"
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return path


def _make_folders(folder: Path) -> None:
    """The folder and those above it, each entered on disk in the one that holds it."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
