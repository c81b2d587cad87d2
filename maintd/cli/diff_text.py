"""How a comparison looks: `-` is as the backup has it, `+` as the cluster has it."""

import difflib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from maintd.cli.tables import age, now, utc
from maintd.core.text import counted
from maintd.objects.differences import ABSENT, Difference
from maintd.objects.fields import printable
from maintd.recovery.against import Held
from maintd.recovery.comparison import Compared, Comparison, State

_COLOURS = {"-": "red", "+": "green", "~": "yellow", "?": "magenta", "@": "cyan"}
_SIGNS = {State.CHANGED: "~", State.MISSING: "-", State.ADDED: "+"}
_WORDS = {State.CHANGED: "", State.MISSING: ": missing from the cluster", State.ADDED: ": only in the cluster"}
_COUNTED = {State.CHANGED: "changed", State.MISSING: "missing from the cluster", State.ADDED: "only in the cluster"}
_LONGEST = 400
"""Characters of a value; -o json has all of it."""


def text(found: Comparison, *, colour: bool) -> Iterator[str]:
    """Line by line, without a character that could act on a terminal; nothing where nothing differs."""
    for raw in _lines(found):
        line = printable(raw, len(raw))
        mark = line.lstrip()[:1]
        yield click.style(line, fg=_COLOURS.get(mark)) if colour and mark in _COLOURS else line


def _lines(found: Comparison) -> Iterator[str]:
    for each in found.objects:
        yield f"{_SIGNS[each.state]} {each}{_WORDS[each.state]}"
        for difference in each.differences:
            yield from _difference(difference)
    for missed in found.unchecked:
        yield f"? {missed.what}: {missed.why}"


def _difference(found: Difference) -> Iterator[str]:
    if found.order:
        yield f"    ~ {found.path}: in another order"
        yield f"      - {_value(found.wanted)}"
        yield f"      + {_value(found.live)}"
    elif found.live is ABSENT:
        yield f"    - {found.path}: {_value(found.wanted)}"
    elif found.wanted is ABSENT:
        yield f"    + {found.path}: {_value(found.live)}"
    elif _is_long(found.live) and _is_long(found.wanted):
        yield f"    ~ {found.path}:"
        yield from _by_line(found.wanted, found.live)
    else:
        yield f"    ~ {found.path}: {_value(found.wanted)} -> {_value(found.live)}"


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _by_line(wanted: str, live: str) -> Iterator[str]:
    if wanted.endswith("\n") and live.endswith("\n"):
        wanted, live = wanted[:-1], live[:-1]
    lines = difflib.unified_diff(wanted.split("\n"), live.split("\n"), n=2, lineterm="")
    for line in list(lines)[2:]:
        shown = line if line.startswith("@@") else f"{line[0]} {printable(line[1:].expandtabs(4), _LONGEST)}"
        yield f"      {shown}".rstrip()


def _value(value: Any) -> str:
    """On one line; text goes without quotes where nothing is lost by that."""
    plain = isinstance(value, str) and value.isprintable() and value.strip() == value != ""
    said = value if plain else json.dumps(value, ensure_ascii=False)
    cut = f" … ({len(said) - _LONGEST:,} characters more)" if len(said) > _LONGEST else ""
    return said[:_LONGEST] + cut


def head(held: Held) -> Iterator[str]:
    """What is compared with what."""
    manifest = held.manifest
    if held.same_cluster is False:
        yield f"ATTENTION: this is another cluster than the one that was backed up as {manifest.cluster}"
    if held.same_cluster is None:
        yield "note: kube-system could not be read, so nobody knows whether this is the cluster that was backed up"
    yield f"backup {manifest.id} of {manifest.cluster}, {age(manifest.started, now())} (-), and {held.server} now (+)"


def summary(found: Comparison) -> str:
    """What it comes to."""
    states = Counter(each.state for each in found.objects)
    words = [f"{states[state]:,} {_COUNTED[state]}" for state in State if states[state]]
    if found.same or not words:
        words.append(f"{counted(found.same, 'object')} as they were" if found.same != 1 else "1 object as it was")
    if found.unchecked:
        words.append(f"{counted(len(found.unchecked), 'thing')} could not be compared (?)")
    return ", ".join(words)


def data(held: Held) -> dict[str, object]:
    """All of it as JSON; a side that has no value has no key."""
    found = held.comparison
    return {
        "format": 1,
        "backup": held.manifest.id,
        "started": utc(held.manifest.started),
        "cluster": held.manifest.cluster,
        "server": held.server,
        "same_cluster": held.same_cluster,
        "same": found.same,
        "objects": [_object(each) for each in found.objects],
        "unchecked": [{"what": missed.what, "why": missed.why} for missed in found.unchecked],
    }


def _object(each: Compared) -> dict[str, object]:
    return {
        "resource": each.resource.name,
        "namespace": each.namespace,
        "name": each.name,
        "state": str(each.state),
        "differences": [_sides(difference) for difference in each.differences],
    }


def _sides(found: Difference) -> dict[str, Any]:
    sides = {"backup": found.wanted, "cluster": found.live}
    order = {"order": True} if found.order else {}
    return {"path": found.path, **order, **{side: value for side, value in sides.items() if value is not ABSENT}}
