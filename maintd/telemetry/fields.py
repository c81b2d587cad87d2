"""What a log line may carry: any value becomes plain JSON, bounded, and without what looks like a secret."""

import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any

from maintd.core.units import format_duration

_LONGEST_TEXT = 8 * 1024
_LONGEST_LINE = 32 * 1024
_MOST_ITEMS = 100
_DEEPEST = 12
_COST = 8
"""What a value costs of the line besides its characters, so that a structure of nothing but brackets ends too."""
_REDACTED = "[redacted]"
_SECRET_KEY = re.compile(
    r"(?i)authorization|cookie|passw(or)?d|passphrase|secret|token|credential|(api|private|client|access)[-_ ]?key"
)
_SECRET_TEXT = re.compile(r"(?P<scheme>\b(?i:Bearer|Basic)\s+)[\w.~+/=-]{16,}|(?P<url>://)[^/\s@]*:[^/\s@]*(?=@)")
_SURROGATE = re.compile("[\ud800-\udfff]")
# Tuples that are made once: a union is made anew, and looked through slowly, each time that its line is reached.
_NUMBERS = (int, float)
_CONTAINERS = (dict, list, tuple, set, frozenset, Mapping)
_BYTES = (bytes, bytearray, memoryview)


class Fields:
    """Makes the fields of one line plain; what they may hold together is bounded. Never raises."""

    def __init__(self) -> None:
        self._left = _LONGEST_LINE
        self._inside: set[int] = set()

    def plain(self, value: Any, key: str = "") -> Any:
        """None, bool, int, float, str, list or dict that any JSON reader takes."""
        self._left -= _COST
        try:
            if type(value) is str:  # nearly all of them
                return _REDACTED if _is_secret(key) else self._text(value)
            if value is None or isinstance(value, bool):
                return value
            if isinstance(value, _NUMBERS):
                return _number(value)
            if _is_secret(key):
                return _REDACTED
            if type(value) is not datetime and isinstance(value, _CONTAINERS):
                return self._container(value)
            return self._text(_spelled(value))
        except Exception:  # noqa: BLE001 - whatever an object does when it is looked at, the line is written
            return "<a value that cannot be shown>"

    def _container(self, value: Any) -> Any:
        if id(value) in self._inside:
            return "<the same again>"
        if len(self._inside) == _DEEPEST or self._left <= 0:
            return "…"
        self._inside.add(id(value))
        try:
            return self._mapping(value) if isinstance(value, Mapping) else self._list(value)
        finally:
            self._inside.discard(id(value))

    def _mapping(self, value: Mapping[Any, Any]) -> dict[str, Any]:
        found = {}
        for each, content in islice(value.items(), _MOST_ITEMS):
            key = str(self.plain(each))
            found[key] = self.plain(content, key)
        if len(value) > _MOST_ITEMS:
            found["…"] = f"{len(value) - _MOST_ITEMS} more"
        return found

    def _list(self, value: Any) -> list[Any]:
        found = [self.plain(each) for each in islice(value, _MOST_ITEMS)]
        return found + [f"… {len(value) - _MOST_ITEMS} more"] * (len(value) > _MOST_ITEMS)

    def _text(self, text: str) -> str:
        found = clean(text, max(0, min(_LONGEST_TEXT, self._left)))
        self._left -= len(found)
        return found


@lru_cache(maxsize=256)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def clean(text: str, longest: int = _LONGEST_LINE) -> str:
    """The text without lone surrogates and credentials; of one that is too long, the beginning and the end."""
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    # Looked for one by one: a twentieth of what the pattern costs, on every field of every line.
    if "://" in text or "earer" in text or "asic" in text or "EARER" in text or "ASIC" in text:
        text = _SECRET_TEXT.sub(lambda found: f"{found['scheme'] or found['url']}{_REDACTED}", text)
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}… {len(text) - 2 * half:,} characters left out …{text[len(text) - half :]}"


def _number(value: float) -> int | float | str:
    if isinstance(value, int):
        # Readers that keep numbers in 64 bits would change a larger one; decimal digits of it could take minutes.
        return int(value) if -(2**63) <= value < 2**63 else "<a number of more than 64 bits>"
    return float(value) if math.isfinite(value) else str(float(value))


def _spelled(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, _BYTES):
        return f"<{len(value)} bytes>"
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {value}"
    # The plain characters, whatever a subclass of str makes of them.
    return str.__str__(value) if isinstance(value, str) else str(value)
