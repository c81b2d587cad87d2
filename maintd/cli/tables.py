"""How commands print: tables as kubectl prints them, JSON, YAML; colour only on a terminal."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from maintd.core.outcome import Status
from maintd.core.units import format_duration

OUTPUT = click.option(
    "-o", "--output", type=click.Choice(["table", "json", "yaml"]), default="table", help="How to print it."
)
_COLOURS = {Status.OK: "green", Status.ATTENTION: "yellow", Status.PARTIAL: "yellow", Status.SKIPPED: "cyan"}


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Capitals, columns three spaces apart, no borders, `<none>` for nothing: made for awk and for eyes."""
    cells = [list(titles), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(titles))]
    return "\n".join(_line(row, widths) for row in cells)


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text.replace("\n", " ") or "<none>"


def _width(text: str) -> int:
    return len(click.unstyle(text)) if "\x1b" in text else len(text)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    padded = (text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True))
    return "   ".join(padded).rstrip()


def show(data: Any, output: str) -> None:
    """Print JSON-able data as JSON or YAML on stdout."""
    if output == "json":
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    import yaml

    click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)


def coloured(status: Status) -> str:
    """The status word, in its colour where colour is wanted."""
    if not colour_wanted():
        return str(status)
    return click.style(str(status), fg=_COLOURS.get(status, "red"))


def colour_wanted() -> bool:
    """Not when piped, not with NO_COLOR, not on a dumb terminal."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def age(then: datetime | None, at: datetime) -> str:
    """`3m ago`, `now`, `in 2h`: the two largest units at most."""
    if then is None:
        return ""
    seconds = round((then - at).total_seconds())
    if not seconds:
        return "now"
    words = rough(timedelta(seconds=abs(seconds)))
    return f"in {words}" if seconds > 0 else f"{words} ago"


def took(seconds: float) -> str:
    """How long a run worked: `4ms`, `<1ms`, `35s`, `14m`."""
    if seconds >= 1:
        return rough(timedelta(seconds=seconds))
    return f"{seconds * 1000:.0f}ms" if seconds >= 0.001 else "<1ms"


def rough(span: timedelta) -> str:
    """`2d4h`, `14m`, `35s`: no more than a person reads."""
    seconds = int(span.total_seconds())
    for size, keep in ((86400, 3600), (3600, 60), (60, 60 if seconds >= 600 else 1)):
        if seconds >= size:
            return format_duration(timedelta(seconds=seconds - seconds % keep))
    return format_duration(timedelta(seconds=seconds))


def now() -> datetime:
    """This moment, UTC."""
    return datetime.now(UTC)


def utc(when: datetime | None) -> str:
    """`2026-11-22T03:00:00Z`, or nothing."""
    return f"{when:%Y-%m-%dT%H:%M:%SZ}" if when else ""
