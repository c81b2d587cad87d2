"""Reads YAML to its end and keeps only which objects are in it: in a quarter of the time that building them takes.

Every byte goes through libyaml's parser, which knows all of YAML's grammar. Once a document has said what it is, the
rest of it is parsed without telling Python of each key and value; no dict is made, and nothing is taken for a number.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from maintd.core.errors import Unreadable

_DEEPEST: Final = 2
"""`metadata.name` is as deep as anything that is kept."""
_LIMIT: Final = 1000
"""The emitter writes nothing that is nested deeper, and libyaml takes hours for what is nested without end."""
_BETWEEN: Final = re.compile(rb"^(?=---(?:[ \t\r\n]|\Z))", re.MULTILINE)
"""What begins a document, and can stand nowhere else at the beginning of a line."""
_ODD: Final = (
    *(b" *", b"\t*", b"\n*", b"[*", b"{*", b",*"),
    *(b"\n...", b"\n%", b"\r", b"\xc2\x85", b"\xe2\x80\xa8", b"\xe2\x80\xa9"),
    *(b"\0", b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"),
)
"""A document with one of these could refer to another place, hold a second one, or be in another encoding."""
_LIST: Final = "[]"
"""In place of an open key, within a list: nothing there is a key."""


@dataclass(slots=True)
class Head:
    """What an object says of itself. Empty where it does not say it."""

    fields: dict[str, str] = field(default_factory=dict)
    """`apiVersion`, `kind`, `metadata.name`, `metadata.namespace` and whatever text stands beside them."""

    @property
    def kind(self) -> str:
        return self.fields.get("kind", "")

    @property
    def namespace(self) -> str:
        return self.fields.get("metadata.namespace", "")

    @property
    def named(self) -> bool:
        """It says what it is, as an API server would need to know."""
        return all(map(self.fields.get, ("apiVersion", "kind", "metadata.name")))


def heads(data: bytes) -> Iterator[Head]:
    """One for each document, in their order. Raises Unreadable where it is not YAML, or not as objects are written."""
    try:
        for piece in _pieces(data):
            yield from _heads(piece)
    except (yaml.YAMLError, UnicodeError) as error:
        raise Unreadable(f"it is not YAML: {' '.join(str(error).split())}") from error


def _pieces(data: bytes) -> Iterator[bytes]:
    """One after another, so that whoever asks can do something else in between."""
    start = 0
    for found in _BETWEEN.finditer(data):
        yield data[start : found.start()]
        start = found.start()
    yield data[start:]


def _heads(piece: bytes) -> Iterator[Head]:
    plain = piece.startswith(b"---") and not any(odd in piece for odd in _ODD)
    plain = plain and piece.count(b"[") + piece.count(b"{") < _LIMIT
    parser = yaml.CBaseLoader(piece)
    while type(event := parser.get_event()) is not StreamEndEvent:
        if type(event) is DocumentStartEvent:
            yield _head(parser, plain=plain)
            if plain:
                return


def _head(parser: yaml.CBaseLoader, *, plain: bool) -> Head:
    """`plain`: it is the last document, and what it does not say of itself need not be looked at.

    Without recursion: a hostile file may be nested as deep as it is long.
    """
    outline = _Outline()
    while (kind := type(event := parser.get_event())) is not DocumentEndEvent:
        if kind is not ScalarEvent or outline.depth <= _DEEPEST:
            _STEPS[kind](outline, event)
            if plain and outline.depth == 1 and kind is MappingEndEvent and outline.head.named:
                break
    if plain:
        parser.raw_parse()
    return outline.head


class _Outline:
    """Where in an object the parser is, as far as that matters."""

    def __init__(self) -> None:
        self.head = Head()
        self.depth = 0
        self._keys = ["", "", ""]
        """At each depth the key whose value comes next; empty where a key comes next."""

    def mapping(self, _: MappingStartEvent) -> None:
        self._deeper("")

    def sequence(self, _: SequenceStartEvent) -> None:
        if not self.depth:
            raise Unreadable("it holds a document that is no object")
        self._deeper(_LIST)

    def end(self, _: MappingEndEvent | SequenceEndEvent) -> None:
        self.depth -= 1
        if self.depth <= _DEEPEST and self._keys[self.depth] is not _LIST:
            self._keys[self.depth] = ""

    def scalar(self, event: ScalarEvent) -> None:
        depth = self.depth
        if not depth or (key := self._keys[depth]) is _LIST:
            return
        self._keys[depth] = "" if key else event.value or _NO_NAME
        if key and depth == 1:
            self.head.fields[key] = event.value
        elif key and self._keys[1] == "metadata":
            self.head.fields[f"metadata.{key}"] = event.value

    def alias(self, _: AliasEvent) -> None:
        raise Unreadable("it refers from one place to another, which maintd never writes")

    def _deeper(self, key: str) -> None:
        self.depth += 1
        if self.depth > _LIMIT:
            raise Unreadable(f"it is nested more than {_LIMIT:,} deep, which maintd never writes")
        if self.depth <= _DEEPEST:
            self._keys[self.depth] = key


_NO_NAME: Final = "\0"
_STEPS: Final[dict[type, Callable[[_Outline, Any], None]]] = {
    MappingStartEvent: _Outline.mapping,
    SequenceStartEvent: _Outline.sequence,
    MappingEndEvent: _Outline.end,
    SequenceEndEvent: _Outline.end,
    ScalarEvent: _Outline.scalar,
    AliasEvent: _Outline.alias,
}
