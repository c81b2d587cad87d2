"""Writes objects as YAML that every reader takes to mean the same: YAML 1.1 (PyYAML), 1.2, and kubectl's Go reader.

A string goes unquoted only where no reader could take it for anything else. `12e4567`, `0o17`, `y` and `1:30` are a
number, a bool or a time to some of them, so whatever is not plainly a word is quoted. Text of several lines is a
literal block, so that the scripts and files in ConfigMaps stay readable and comparable.
"""

import json
import math
import re
from collections.abc import Callable
from typing import Any

_READ_AS_OTHER = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
_INSIDE = "\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff"
_PLAIN = re.compile(
    # Words, paths and flags; then what holds a letter that no number or time has (64Mi, 500m, 4h); then 10.0.0.0/16.
    rf"(?:-{{0,2}}[A-Za-z]|[/_$(])[{_INSIDE}]*+"
    r"|[0-9][-0-9A-FXOTZPNYa-fxotzpny._]*+[G-MQ-SU-Wg-mq-su-w][-0-9A-Za-z._/]*+"
    r"|[0-9]{1,9}(?:\.[0-9]{1,9}){2,}+(?:/[0-9]{1,3})?"
)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NEXT_LINE = re.compile(r"\n(?=[^\n])")
_SHORT = 64
_MANY = 8192
_LONGEST_KEY = 1000
"""Readers look 1,024 characters ahead for the colon that makes a key of what they read."""


def emit(obj: dict[str, Any]) -> str:
    """One object alone, as an Emitter writes it."""
    return Emitter().emit(obj)


class Emitter:
    """Writes objects that belong together, and remembers short text as it is written: keys, names, labels and images
    come again and again. What it remembers may be secret, and goes with it.
    """

    def __init__(self) -> None:
        self._written: dict[str, str] = {}

    def emit(self, obj: dict[str, Any]) -> str:
        """One object as a YAML document that begins with `---`, so that documents and files can simply be joined.

        Raises ValueError for what YAML or JSON cannot say: a key that is no string, NaN, half of a surrogate pair, a
        nesting deeper than Python's stack.
        """
        pieces = ["---\n"] if obj else ["--- {}\n"]
        try:
            self._mapping(obj, "", "", pieces.append)
        except RecursionError:
            raise ValueError("it is nested too deep") from None
        return "".join(pieces)

    def _mapping(self, node: dict[str, Any], lead: str, pad: str, put: Callable[[str], None]) -> None:
        """`lead` stands before the first key (`- ` in a list), `pad` before the others."""
        known = self._written.get
        for key, value in node.items():
            name = known(key) or self._key(key, pad)
            kind = type(value)
            if kind is str:
                put(f"{lead}{name}: {known(value) or self._text(value, pad)}\n")
            elif kind is dict and value:
                put(f"{lead}{name}:\n")
                inner = pad + "  "
                self._mapping(value, inner, inner, put)
            elif kind is list and value:
                put(f"{lead}{name}:\n")
                self._sequence(value, pad, pad, put)
            else:
                put(f"{lead}{name}: {_other(value)}\n")
            lead = pad

    def _sequence(self, node: list[Any], lead: str, pad: str, put: Callable[[str], None]) -> None:
        inner = pad + "  "
        for value in node:
            kind = type(value)
            if kind is str:
                put(f"{lead}- {self._written.get(value) or self._text(value, pad)}\n")
            elif kind is dict and value:
                self._mapping(value, lead + "- ", inner, put)
            elif kind is list and value:
                self._sequence(value, lead + "- ", inner, put)
            else:
                put(f"{lead}- {_other(value)}\n")
            lead = pad

    def _text(self, text: str, pad: str) -> str:
        return _block(text, pad) if "\n" in text else self._remembered(text)

    def _key(self, key: Any, pad: str) -> str:
        if type(key) is not str:
            raise ValueError(f"it has a key that is no string: {key!r}")
        quoted = self._remembered(key) if "\n" not in key else _inline(key)
        return quoted if len(quoted) <= _LONGEST_KEY else f"? {quoted}\n{pad}"

    def _remembered(self, text: str) -> str:
        """On one line. Text of several lines is never remembered: as a value it is written otherwise than as a key."""
        written = _inline(text)
        if len(text) <= _SHORT:
            if len(self._written) >= _MANY:
                self._written.clear()
            self._written[text] = written
        return written


def _block(text: str, pad: str) -> str:
    """A literal block: `|`, and where the text needs it an indentation indicator and what becomes of its end."""
    if _UNPRINTABLE.search(text) or not text.strip(" \t\n"):
        return _escaped(text)
    indent = "2" if text[0] in " \t\n" else ""
    if not text.endswith("\n"):
        end = "-"
    else:
        end = "+" if text.endswith("\n\n") else ""
        text = text[:-1]
    lines = _NEXT_LINE.sub(f"\n{pad}  ", f"\n{text}")
    return f"|{indent}{end}{lines}"


def _inline(text: str) -> str:
    if _PLAIN.fullmatch(text) and _stays_plain(text):
        return text
    if not text or "\t" in text or "\n" in text or _UNPRINTABLE.search(text):
        return _escaped(text)
    return "'" + text.replace("'", "''") + "'"


def _stays_plain(text: str) -> bool:
    if ": " in text or " #" in text or text[-1] in ": ":
        return False
    return len(text) > 5 or text.lower() not in _READ_AS_OTHER


def _escaped(text: str) -> str:
    """In double quotes, as JSON writes it, and what only YAML takes offence at escaped as well."""
    return _UNPRINTABLE.sub(_escape, json.dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError(f"it holds half of a surrogate pair, U+{code:04X}, which is no character")
    return f"\\u{code:04x}"


def _other(value: Any) -> str:
    """A number, a truth value, nothing, or an empty collection."""
    if value is None or value is True or value is False:
        return "null" if value is None else str(value).lower()
    if type(value) is int:
        return str(value)
    if type(value) is float and math.isfinite(value):
        # YAML 1.1 takes `1e+21` for text: its numbers with an exponent have a point.
        number = repr(value)
        return number if "." in number else number.replace("e", ".0e")
    if type(value) in (dict, list):
        return "{}" if type(value) is dict else "[]"
    raise ValueError(f"it holds what JSON has no word for: {value!r:.60}")
