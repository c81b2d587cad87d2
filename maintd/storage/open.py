"""From MAINTD_STORAGE to a store."""

from pathlib import Path
from urllib.parse import unquote

from maintd.core.errors import ConfigError, Refused
from maintd.core.ports import Store
from maintd.storage.folder import FolderStore

_FILE = "file://"


def open_store(url: str, cluster: str) -> Store:
    """The store behind `file:///folder` (`file://folder` is relative); nothing is read or written yet.

    Raises ConfigError, with what to write instead.
    """
    folder = folder_of(url)
    try:
        return FolderStore(folder, cluster)
    except Refused as error:
        raise ConfigError(f"MAINTD_CLUSTER={cluster!r} cannot be the name of a folder: {error}") from error


def folder_of(url: str) -> Path:
    """The folder that a `file://` URL names. Raises ConfigError."""
    if url.startswith("gs://"):
        raise ConfigError(f"MAINTD_STORAGE={url}: buckets are not supported yet; use file:///folder")
    if not url.startswith(_FILE):
        raise ConfigError(f"MAINTD_STORAGE={url}: not the URL of a store; write file:///folder")
    folder = unquote(url.removeprefix(_FILE))
    if not folder.isprintable() or folder.startswith("~") or not folder:
        raise ConfigError(f"MAINTD_STORAGE={url!r}: names no folder; write file:///folder, its path in full")
    return Path(folder)
