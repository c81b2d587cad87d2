"""Units that people write in jobs.yaml: parsed, printed and described to the schema in one place."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d|w)", re.ASCII)
_QUANTITY = re.compile(r"(\d{1,15}(?:\.\d{1,3})?)(Ki|Mi|Gi|Ti|k|M|G|T)?", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)%", re.ASCII)
_SCALES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}
_LONGEST = timedelta(days=3660)


def parse_duration(text: Any) -> timedelta:
    """`6h`, `1h30m`, `500ms`, `2d` → timedelta; ValueError says what to write instead."""
    if isinstance(text, timedelta):
        return text
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"a duration needs a unit; write {_with_units(text)}")
    parts = _DURATION.findall(text) if isinstance(text, str) else []
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a duration; write it like 30s, 5m, 1h30m or 2d")
    found = timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in parts))
    if found > _LONGEST:
        raise ValueError(f"{text} is longer than ten years; write a shorter time")
    return found


def _with_units(number: float) -> str:
    """The number as durations that would be taken: `30s, 30m or 30h`; examples where it would be none."""
    spelled = [f"{number:g}{unit}" for unit in ("s", "m", "h")]
    if not all(map(_DURATION.fullmatch, spelled)) or timedelta(hours=number) > _LONGEST:
        return "it like 30s, 5m, 1h30m or 2d"
    return f"{spelled[0]}, {spelled[1]} or {spelled[2]}"


def format_duration(value: timedelta) -> str:
    """The shortest exact spelling: timedelta(minutes=90) → `1h30m`; zero → `0s`."""
    left = round(value.total_seconds() * 1000)
    sign, left = ("-", -left) if left < 0 else ("", left)
    words = []
    for unit, size in (("d", 86400000), ("h", 3600000), ("m", 60000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        if count:
            words.append(f"{count}{unit}")
    return sign + "".join(words or ["0s"])


def parse_quantity(text: Any) -> int:
    """`500Mi`, `1k`, `4096` → bytes or a count, as Kubernetes writes quantities."""
    if isinstance(text, int) and not isinstance(text, bool) and text >= 0:
        return text
    found = _QUANTITY.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is not a quantity; write it like 4096, 64Ki or 500Mi")
    return int(float(found[1]) * _SCALES[found[2] or ""])


def parse_percent(text: Any) -> float:
    """`30%` or `99.5%` → 30.0, 99.5 (0 to 100)."""
    found = _PERCENT.fullmatch(text) if isinstance(text, str) else None
    if found is None or float(found[1]) > 100:
        raise ValueError(f"{text!r} is not a percentage; write it like 30%")
    return float(found[1])


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": r"^(\d{1,9}(\.\d{1,3})?(ms|s|m|h|d|w))+$",
            "examples": ["30s", "5m", "1h30m", "2d"],
        }
    ),
]
"""A length of time with its unit: `30s`, `1h30m`, `2d`. A bare number is refused."""

Quantity = Annotated[
    int,
    BeforeValidator(parse_quantity),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\d{1,15}(\.\d{1,3})?(Ki|Mi|Gi|Ti|k|M|G|T)?$"},
            ],
            "examples": ["64Ki", "500Mi"],
        }
    ),
]
"""A size or count in Kubernetes' notation: `64Ki`, `500Mi`, `4096`."""

Percent = Annotated[
    float,
    BeforeValidator(parse_percent),
    PlainSerializer(lambda value: f"{value:g}%", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\d{1,3}(\.\d{1,3})?%$", "examples": ["30%", "99.5%"]}),
]
"""A share of a whole: `30%`. A bare number is refused, since 30 and 0.3 would both look right."""


def parse_count_or_percent(value: Any) -> int | str:
    """A count, or a percentage kept as text (`30%`); `abort_over` takes either."""
    if isinstance(value, str):
        parse_percent(value)
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(f"{value!r} is neither a count like 200 nor a percentage like 30%")


CountOrPercent = Annotated[
    int | str,
    BeforeValidator(parse_count_or_percent),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 0},
                {"type": "string", "pattern": r"^\d{1,3}(\.\d{1,3})?%$"},
            ],
            "examples": [200, "30%"],
        }
    ),
]
"""`200` or `30%`."""
