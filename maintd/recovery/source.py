"""Where a backup is: in the store of the settings, or anywhere, as a URL says that needs no settings."""

import re
from datetime import datetime

from maintd.core.errors import ConfigError, Unreadable
from maintd.core.ports import Store
from maintd.objects import archive
from maintd.objects.backup_manifest import Manifest
from maintd.storage.open import open_store

_ANYWHERE = re.compile(r"(?P<url>(?:gs|file)://.*?)/(?P<cluster>[^/]+)/backups(?:/(?P<id>[^/]*))?/?")
_SHAPE = "gs://bucket/prefix/CLUSTER/backups/ID or file:///folder/CLUSTER/backups/ID"


def anywhere(url: str) -> tuple[Store, str]:
    """The store that holds a backup, and its id: empty where the URL ends in `/backups`. Raises ConfigError."""
    found = _ANYWHERE.fullmatch(url.removesuffix("/manifest.json"))
    if not found:
        raise ConfigError(f"--from {url}: not where a backup is; write {_SHAPE}")
    try:
        return open_store(found["url"] + "/" * (found["url"] == "file://"), found["cluster"]), found["id"] or ""
    except ConfigError as error:
        said = str(error).removeprefix("MAINTD_STORAGE=")
        raise ConfigError(f"--from: {said.replace('MAINTD_CLUSTER=', 'the cluster ')}") from error


async def manifest_of(
    store: Store, wanted: str = "", *, as_of: datetime | None = None, verify_key: str = ""
) -> Manifest:
    """Of the backup that is meant: archive.find says which, and what is made of `verify_key`.

    Raises ConfigError where none or several are meant, Unreadable where it is none that can be used.
    """
    found = await archive.find(store, wanted, as_of=as_of, verify_key=verify_key)
    where = store.url(f"{archive.BACKUPS}/{found.id}")
    if found.problem:
        raise Unreadable(f"backup {found.id} cannot be used: {found.problem}; {where}")
    if found.manifest is None:
        raise Unreadable(f"backup {found.id} is unfinished: it has no manifest; `maintd backups` lists the others")
    return found.manifest
