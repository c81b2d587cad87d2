"""Reads fields of objects that anybody may have written: missing, null, or not of the type they should be.

Missing and null mean the same, as they do to the API server. Everything else that is not what the API promises
raises Unreadable with the field's name and the value, cut short and escaped.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from maintd.core.errors import Unreadable
from maintd.core.resource import Json

_RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})")
_LONGEST_WORD = 80
_EARLIEST = 2000
"""Kubernetes is younger; Go's zero time, which some clients write out, is in the year 1."""


def mapping(obj: Mapping[str, Any], key: str) -> Json:
    """A nested object; empty where there is none."""
    value = obj.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _unreadable(key, value, "an object")
    return value


def mappings(obj: Mapping[str, Any], key: str) -> list[Json]:
    """A list of objects; empty where there is none."""
    value = obj.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise _unreadable(key, value, "a list of objects")
    return value


def text(obj: Mapping[str, Any], key: str) -> str:
    """A string; empty where there is none."""
    value = obj.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _unreadable(key, value, "text")
    return value


def word(obj: Mapping[str, Any], key: str) -> str:
    """A string that others chose, fit for a sentence: short, and without a character that could act on a terminal."""
    return printable(text(obj, key))


def printable(said: str, longest: int = _LONGEST_WORD) -> str:
    """What others said, cut short, and without a character that could act on a terminal."""
    return "".join(char if char.isprintable() else "?" for char in said[:longest])


def instant(obj: Mapping[str, Any], key: str) -> datetime | None:
    """An RFC 3339 time in UTC; None where there is none."""
    value = obj.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not _RFC3339.fullmatch(value) or int(value[:4]) < _EARLIEST:
        raise _unreadable(key, value, "a time")
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unreadable(key, value, "a time") from None


def _unreadable(key: str, value: Any, wanted: str) -> Unreadable:
    return Unreadable(f"{key} is not {wanted}: {ascii(value)[:60]}")
