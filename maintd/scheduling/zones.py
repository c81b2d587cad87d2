"""Time zones, from the tzdata package alone: the same rules on a laptop, in the image and in the tests."""

import difflib
import io
import pkgutil
from functools import cache
from zoneinfo import ZoneInfo

_OLD_NAMES = {
    "CET": "Europe/Brussels",
    "CST6CDT": "America/Chicago",
    "EET": "Europe/Athens",
    "EST": "America/Panama",
    "EST5EDT": "America/New_York",
    "HST": "Pacific/Honolulu",
    "MET": "Europe/Brussels",
    "MST": "America/Phoenix",
    "MST7MDT": "America/Denver",
    "PST8PDT": "America/Los_Angeles",
    "WET": "Europe/Lisbon",
}
"""Abbreviations that tzdata keeps for old systems, and the places whose rules they follow (its file `backward`).

Some of them change their clocks and some do not, against what people think when they write them.
"""


def check_zone(name: str) -> None:
    """ValueError for what a person should not write as a time zone, though tzdata may have it."""
    if name in _OLD_NAMES:
        raise ValueError(f"{name!r} is an old abbreviation and not a place; write {_OLD_NAMES[name]} if that is meant")
    zone(name)


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of that IANA name. ValueError, with the nearest name, for any other."""
    if name not in zone_names():
        raise ValueError(f"{name!r} is not a time zone{_nearest(name)}")
    return ZoneInfo.from_file(io.BytesIO(_read(f"zoneinfo/{name}")), key=name)


@cache
def zone_names() -> frozenset[str]:
    """Every name that tzdata has: nothing else is ever looked up as a file."""
    return frozenset(_read("zones").decode("ascii").split())


def _read(path: str) -> bytes:
    data = pkgutil.get_data("tzdata", path)
    if data is None:
        raise ModuleNotFoundError("the tzdata package has no files; reinstall maintd with its requirements")
    return data


def _nearest(name: str) -> str:
    """Abbreviations and offsets have no nearest name: PST is not EST, and UTC+2 is not UTC."""
    spelled = {known.rpartition("/")[2].lower(): known for known in sorted(zone_names())}
    spelled |= {known.lower(): known for known in zone_names()}
    typed = name.strip().lower().replace(" ", "_")
    cutoff = 0.75 if len(typed) > 5 and typed.replace("_", "").replace("/", "").isalpha() else 1.0
    near = difflib.get_close_matches(typed, spelled, n=1, cutoff=cutoff)
    return f"; did you mean {spelled[near[0]]}?" if near else "; write it like Europe/Berlin, or Etc/UTC"
