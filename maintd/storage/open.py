"""From MAINTD_STORAGE to a store."""

import os
import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

from maintd.core.errors import ConfigError, Refused
from maintd.core.ports import Store
from maintd.storage.bucket import BucketStore, cluster_folder
from maintd.storage.erasing import BucketPlace, Eraser, FolderPlace
from maintd.storage.folder import FolderStore
from maintd.storage.pruning import BucketPruner, FolderPruner, Pruner

_FILE, _GS = "file://", "gs://"
_WRITE = "write gs://bucket/prefix or file:///folder"
_BUCKET = re.compile(r"(?!goog)[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*")
"""https://cloud.google.com/storage/docs/buckets#naming, but for what only Google can tell."""
_PREFIX = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)*/?", re.ASCII)
_EMULATOR = "STORAGE_EMULATOR_HOST"
_ATTEMPT, _DEADLINE = timedelta(seconds=6), timedelta(seconds=3)
"""Of a hurried store: one attempt that takes long, or some that fail soon."""


def open_store(url: str, cluster: str, *, hurried: bool = False) -> Store:
    """The store behind `gs://bucket/prefix` or `file:///folder` (`file://folder` is relative).

    Nothing is read or written yet. `hurried`: somebody waits, and hears of a bucket that does not answer in seconds.
    Raises ConfigError, with what to write instead.
    """
    try:
        if url.startswith(_GS):
            bucket, prefix = _bucket_of(url)
            if hurried:
                return BucketStore(bucket, prefix, cluster, emulator(), attempt=_ATTEMPT, deadline=_DEADLINE)
            return BucketStore(bucket, prefix, cluster, emulator())
        return FolderStore(folder_of(url), cluster)
    except Refused as error:
        raise ConfigError(f"MAINTD_CLUSTER={cluster!r} cannot be the name of a folder: {error}") from error


def open_pruner(url: str, cluster: str) -> Pruner:
    """What deletes from that store; the URL and the name are those of a store that was opened."""
    if url.startswith(_GS):
        return BucketPruner(*_bucket_of(url), cluster, emulator())
    return FolderPruner(folder_of(url), cluster)


def open_eraser(url: str, cluster: str) -> Eraser:
    """What deletes backups from that store; the URL and the name are those of a store that was opened."""
    if url.startswith(_GS):
        return Eraser(BucketPlace(*_bucket_of(url), cluster, emulator()))
    return Eraser(FolderPlace(folder_of(url), cluster))


def pruned_names(url: str, cluster: str, areas: Iterable[str]) -> list[str]:
    """What the names of objects in these areas begin with, within the bucket; empty where the store is none."""
    if not url.startswith(_GS):
        return []
    folder = cluster_folder(_bucket_of(url)[1], cluster)
    return [f"{folder}{area}/" for area in areas]


def state_folder(url: str, cluster: str) -> Path:
    """Where state lies while no cluster keeps it: in the store's folder; beside the work where that is a bucket."""
    if url.startswith(_GS):
        return Path(".maintd") / "state" / cluster
    return folder_of(url) / cluster / "state"


def emulator() -> str:
    """`http://host:port` of the server that stands in for Google's, from STORAGE_EMULATOR_HOST; empty for none."""
    return _address(os.environ.get(_EMULATOR, ""))


def check_emulator(allowed: str) -> None:
    """Raises ConfigError where STORAGE_EMULATOR_HOST names another server than the one that is allowed."""
    if (found := emulator()) and found != _address(allowed):
        raise ConfigError(
            f"{_EMULATOR}={found} would send records and backups there, without authentication; unset it, or allow "
            f"this very server: MAINTD_ALLOW_STORAGE_EMULATOR={found.partition('://')[2]}"
        )


def _address(said: str) -> str:
    said = said.rstrip("/")
    return said if not said or "://" in said else f"http://{said}"


def folder_of(url: str) -> Path:
    """The folder that a `file://` URL names. Raises ConfigError."""
    if not url.startswith(_FILE):
        raise ConfigError(f"MAINTD_STORAGE={url}: not the URL of a store; {_WRITE}")
    folder = unquote(url.removeprefix(_FILE))
    if not folder.isprintable() or folder.startswith("~") or not folder:
        raise ConfigError(f"MAINTD_STORAGE={url!r}: names no folder; write file:///folder, its path in full")
    return Path(folder)


def _bucket_of(url: str) -> tuple[str, str]:
    bucket, _, prefix = url.removeprefix(_GS).partition("/")
    if not _BUCKET.fullmatch(bucket) or not 3 <= len(bucket) <= 222:
        raise ConfigError(f"MAINTD_STORAGE={url!r}: no bucket can be called {bucket!r}; write gs://bucket/prefix")
    if prefix and not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"MAINTD_STORAGE={url!r}: {prefix!r} is no prefix; write gs://bucket/prefix, with letters, digits, "
            "dots, hyphens and slashes between"
        )
    return bucket, prefix.rstrip("/")
