"""Instants as people type them."""

from datetime import datetime

import click


def instant(_ctx: click.Context, _param: click.Parameter, text: str | None) -> datetime | None:
    """The instant in ISO 8601 that was typed, for an option; none where none was. It must name its zone."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text} is not an instant; write it like 2026-03-07T00:00:00Z") from error
    if found.tzinfo is None:
        raise click.BadParameter(f"{text} has no zone; write {found.isoformat()}Z if it is UTC")
    return found
