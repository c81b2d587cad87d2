"""What `diff` and `restore` are told in the same words: which backup, what of it, and which cluster."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maintd.cli.keys import IDENTITY, VERIFY_KEY, identities, public_key
from maintd.core.errors import ConfigError, JobError

if TYPE_CHECKING:
    from maintd.config.settings import Settings
    from maintd.core.resource import Resource
    from maintd.recovery.contents import Contents

_ID = re.compile(r"\d{4,8}|\d{8}T\S*")
"""An id, or the beginning of one; an object that is called so is written as KIND/NAME."""


@dataclass(frozen=True, slots=True)
class Meant:
    """Which backup, and what of it, as it was typed."""

    words: tuple[str, ...]
    """The id, if it comes first, and names."""
    namespaces: tuple[str, ...]
    kinds: tuple[str, ...]
    as_of: datetime | None
    source: str
    """Where the backup is, if not in the store of the settings."""
    identity: Path | None
    context: str
    verify_key: Path | None = None

    async def contents(self, settings: "Settings") -> "Contents":
        """Find the backup and what is meant of it. Raises ConfigError for what there is not, else JobError."""
        from maintd.recovery.contents import Contents
        from maintd.recovery.selection import Asked, choose
        from maintd.recovery.source import anywhere, manifest_of
        from maintd.storage.open import open_store

        opener, trusted = identities(self.identity), public_key(self.verify_key)
        store, wanted = anywhere(self.source) if self.source else (open_store(settings.storage, settings.cluster), "")
        backup_id, names = (wanted, self.words) if wanted else self._split()
        manifest = await manifest_of(store, backup_id, as_of=self.as_of, verify_key=trusted)
        asked = Asked(self.namespaces, self.kinds, names)
        try:
            return Contents(store, choose(manifest, asked), opener)
        except ConfigError:
            return Contents(store, choose(manifest, asked, await self._served(settings)), opener)

    async def _served(self, settings: "Settings") -> "tuple[Resource, ...]":
        """What the cluster has, which alone knows the short names of custom resources; nothing where it is away."""
        from maintd.cluster.api import Api
        from maintd.cluster.discovery import discover

        if not self.kinds and not any("/" in word for word in self.words):
            return ()
        try:
            api = await Api.connect(context=self.context or settings.kube_context or None, hurried=True)
        except ConfigError:
            return ()
        try:
            return (await discover(api)).resources
        except JobError:
            return ()
        finally:
            await api.close()

    def _split(self) -> tuple[str, tuple[str, ...]]:
        if self.words and _ID.fullmatch(self.words[0]):
            return self.words[0], self.words[1:]
        return "", self.words


def _instant(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text} is not an instant; write it like 2026-11-20T03:00Z") from None
    if found.utcoffset() is None:
        raise click.BadParameter(f"{text} has no zone; write {found.isoformat()}Z if it is UTC")
    return found


_OPTIONS = (
    click.argument("words", nargs=-1, metavar="[ID] [NAME|KIND/NAME]..."),
    click.option("-n", "--namespace", "namespaces", multiple=True, metavar="NS", help="Only this; may be repeated."),
    click.option(
        "--kind", "kinds", multiple=True, metavar="KIND", help="Only this, as kubectl knows it: deploy. Repeatable."
    ),
    click.option(
        "--as-of", "as_of", metavar="TIME", callback=_instant, help="The last backup by then: 2026-11-20T03:00Z."
    ),
    click.option(
        "--from",
        "source",
        default="",
        metavar="URL",
        help="A backup anywhere: gs://bucket/prefix/CLUSTER/backups/ID or file:///…; takes no settings.",
    ),
    IDENTITY,
    VERIFY_KEY,
    click.option("--context", default="", help="The context of the kubeconfig; MAINTD_KUBE_CONTEXT unless given."),
)


def of_a_backup(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets them as one `meant`."""

    @functools.wraps(function)
    def command(**given: Any) -> None:
        meant = Meant(**{field: given.pop(field) for field in Meant.__slots__})
        function(meant=meant, **given)

    for option in reversed(_OPTIONS):
        command = option(command)
    return command
