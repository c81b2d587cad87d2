"""Files beneath one folder, reached without following a link: blocking calls, errors in our own words.

A link on the way could lead to the backups, or out of the store; what is deleted must lie where its path says.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from maintd.core.errors import Denied
from maintd.storage.disk import UNFINISHED, disk_error

_FOLDER = os.O_RDONLY | os.O_DIRECTORY


def entries(root: Path, folder: str, *, unfinished: bool = False) -> list[str]:
    """Names in a folder, given with its slash: those of folders with a slash behind; none where there is no folder.

    `unfinished`: with what crashes left of files that were being written. Raises Denied or Transient.
    """
    try:
        with _opened(root, folder.split("/")[:-1]) as folders, os.scandir(folders[-1]) as found:
            names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise disk_error("listed", root / folder, error) from error
    return sorted(name + "/" * is_folder for name, is_folder in names if _counts(name, unfinished=unfinished))


def _counts(name: str, *, unfinished: bool) -> bool:
    return not name.startswith(".") or (unfinished and name.startswith(UNFINISHED))


def remove(root: Path, path: str) -> None:
    """Remove a file, and the folders that it leaves empty, but not the topmost; what is gone is gone.

    Raises Denied or Transient.
    """
    *above, name = path.split("/")
    try:
        with _opened(root, above) as folders:
            os.unlink(name, dir_fd=folders[-1])
            with suppress(OSError):  # the first that is not empty ends it
                for folder, within in zip(above[:0:-1], folders[-2:0:-1], strict=True):
                    os.rmdir(folder, dir_fd=within)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise disk_error("removed", root / path, error) from error


def remove_empty(root: Path, folder: str) -> None:
    """Remove the folders in a folder, given with its slash, and itself, where nothing is in them.

    Raises Denied or Transient.
    """
    for name in entries(root, folder, unfinished=True):
        if name.endswith("/"):
            remove_empty(root, folder + name)
    *above, name = folder.split("/")[:-1]
    try:
        with _opened(root, above) as folders:
            os.rmdir(name, dir_fd=folders[-1])
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
            raise disk_error("removed", root / folder, error) from error


@contextmanager
def _opened(root: Path, names: list[str]) -> Iterator[list[int]]:
    """Descriptors of the root and of each folder on the way down."""
    with ExitStack() as stack:
        folders = [os.open(root, _FOLDER)]
        stack.callback(os.close, folders[0])
        for number, name in enumerate(names, start=1):
            folders.append(_open(root / "/".join(names[:number]), name, folders[-1]))
            stack.callback(os.close, folders[-1])
        yield folders


def _open(path: Path, name: str, within: int) -> int:
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=within)
    except NotADirectoryError:
        if path.is_symlink():
            raise Denied(f"{path} is a link, and nothing behind a link is deleted; put a folder in its place") from None
        raise
