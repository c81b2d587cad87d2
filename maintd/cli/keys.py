"""`--identity` and `--verify-key`: the keys of whoever types, read from files that stay where they are."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maintd.core.errors import ConfigError

if TYPE_CHECKING:
    from maintd.objects.age import Identities

_FILE = click.Path(dir_okay=False, path_type=Path)
_LARGEST = 64 * 1024

IDENTITY = click.option(
    "--identity", "identity", type=_FILE, metavar="FILE", help="Open Secrets with this age key, as age-keygen wrote it."
)
VERIFY_KEY = click.option(
    "--verify-key",
    "verify_key",
    type=_FILE,
    metavar="FILE",
    help="Take no backup but those signed with this key (PEM).",
)


def identities(file: Path | None) -> "Identities | None":
    """What --identity names; None where it was not given: Secrets stay unchecked. Raises ConfigError."""
    from maintd.objects.age import Identities

    if file is None:
        return None
    try:
        return Identities(_read(file))
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from None


def public_key(file: Path | None) -> str:
    """What --verify-key names, as objects.backup_manifest.opened() takes it; empty without. Raises ConfigError."""
    from maintd.objects import signature

    if file is None:
        return ""
    try:
        return signature.public_key(_read(file))
    except ValueError as error:
        raise ConfigError(f"{file}: {error}") from None


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
