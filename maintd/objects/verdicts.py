"""Several points that together make one verdict about one thing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from maintd.core.outcome import Finding

Severity = Literal["info", "warning", "error"]
_WEIGHT = {"info": 0, "warning": 1, "error": 2}


@dataclass(frozen=True, slots=True)
class Point:
    """One thing to know."""

    severity: Severity
    says: str
    """For the finding's message."""
    remedy: str = ""
    head: str = ""
    """For the run's one line; empty: not worth a word there."""


def finding(subject: str, points: Sequence[Point]) -> Finding:
    """All points in one finding, as severe as the worst of them."""
    return Finding(
        severity=max((point.severity for point in points), key=_WEIGHT.__getitem__),
        subject=subject,
        message="; ".join(point.says for point in points),
        remedy="; ".join(dict.fromkeys(point.remedy for point in points if point.remedy)),
    )


def headline(points: Iterable[Point]) -> str:
    """The heads of the points, in order, each once."""
    return ", ".join(dict.fromkeys(point.head for point in points if point.head))
