"""The never-list: which objects no job may change, whatever it was told."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta

from maintd.core.limits import KEEP_UNTIL, PROTECT, is_system_namespace
from maintd.core.ports import Deletion
from maintd.core.resource import NAMESPACES
from maintd.core.units import format_duration

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def why_kept(wish: Deletion, *, now: datetime, min_age: timedelta, own_namespace: str) -> str:
    """Which rule keeps the object, in a person's words; empty where none does. `now` is the API server's clock."""
    return (
        _namespace(wish, own_namespace)
        or _annotation(wish.annotations, now.date())
        or ("it is being deleted already" if wish.deleting else "")
        or _too_young(wish, now, min_age)
    )


def _namespace(wish: Deletion, own_namespace: str) -> str:
    ref = wish.object
    namespace = ref.name if ref.resource == NAMESPACES.name else ref.namespace
    if is_system_namespace(namespace):
        return f"nothing is ever changed in namespace {namespace}"
    if namespace and namespace == own_namespace:
        return f"{namespace} is the namespace of maintd itself"
    return ""


def _annotation(annotations: Mapping[str, str], today: date) -> str:
    """An annotation can only protect: one that says neither yes nor no, or no date, protects as well."""
    protect = annotations.get(PROTECT)
    if protect is not None and protect.strip().lower() != "false":
        return f"annotation {PROTECT} is {_shown(protect)}"
    until = annotations.get(KEEP_UNTIL)
    if until is None:
        return ""
    day = _day(until)
    if day is None:
        return f"annotation {KEEP_UNTIL} is {_shown(until)}, which is not a date like 2026-12-24, so it protects"
    return f"annotation {KEEP_UNTIL} is {day}" if today <= day else ""


def _day(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        return None


def _too_young(wish: Deletion, now: datetime, min_age: timedelta) -> str:
    age = now - wish.created
    if age < timedelta(0):
        return "it was made after the list was read, or in the API server's future"
    return "" if age >= min_age else f"it is {format_duration(age)} old, and min_age is {format_duration(min_age)}"


def _shown(value: str) -> str:
    """An annotation may be long, and may hold anything."""
    return ascii(value)[:60]
