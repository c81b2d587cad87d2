"""A YAML document as a tree that remembers where everything stood."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from maintd.config.scalars import Scalar
from maintd.config.sheet import Mark

_WORD = re.compile(r"[\w./~-]{1,80}")


@dataclass(slots=True)
class Text:
    """A scalar: as it is written, and its value."""

    mark: Mark
    text: str
    value: Scalar


@dataclass(slots=True)
class Items:
    """A sequence."""

    mark: Mark
    nodes: "list[Node | None]" = field(default_factory=list)


@dataclass(slots=True)
class Entries:
    """A mapping: each key's place and value."""

    mark: Mark
    keys: dict[str, Mark] = field(default_factory=dict)
    nodes: "dict[str, Node | None]" = field(default_factory=dict)


Step = int | str
Node = Text | Items | Entries
"""Where a tree holds None instead, something stood that has been noted as a mistake already."""


def plain(node: Node | None) -> Any:
    """The tree as JSON knows values."""
    if isinstance(node, Text):
        return node.value
    if isinstance(node, Entries):
        return {key: plain(value) for key, value in node.nodes.items()}
    if isinstance(node, Items):
        return [plain(item) for item in node.nodes]
    return None


def shallow(node: Node | None) -> Any:
    """The same for a mapping of which only the scalars matter: what is below them is left empty."""
    if not isinstance(node, Entries):
        return plain(node)
    return {key: _emptied(value) for key, value in node.nodes.items()}


def _emptied(node: Node | None) -> Any:
    if isinstance(node, Entries):
        return {}
    return [] if isinstance(node, Items) else plain(node)


def child(node: Node | None, step: Step) -> Node | None:
    """What stands under a key or at a position; None where nothing does."""
    if isinstance(node, Entries) and isinstance(step, str):
        return node.nodes.get(step)
    if isinstance(node, Items) and isinstance(step, int) and step < len(node.nodes):
        return node.nodes[step]
    return None


def joined(steps: Iterable[Step]) -> str:
    """The path of a value, as in `jobs[0].params.older_than`."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _WORD.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += f"[{step[:40]!r}]"
    return path
