"""What a check says: one line a thing that it looked at."""

from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Verdict(StrEnum):
    """How a thing stands."""

    OK = "ok"
    WARNING = "warning"
    """Worth knowing, or not known and not needed either."""
    UNKNOWN = "unknown"
    """It has to be known and is not: never ok."""
    PROBLEM = "problem"

    @property
    def fails(self) -> bool:
        """Whether it makes the exit code 1."""
        return self in (Verdict.UNKNOWN, Verdict.PROBLEM)


@dataclass(frozen=True, slots=True)
class Line:
    """One thing and how it stands."""

    verdict: Verdict
    subject: str
    message: str
    remedy: str = ""
    """What to type: it can be pasted into a shell as it is, and prose in it is comments."""


@dataclass(frozen=True, slots=True)
class Examined:
    """One check and what it found, in a fixed order."""

    check: str
    lines: tuple[Line, ...]


ok = partial(Line, Verdict.OK)
warning = partial(Line, Verdict.WARNING)
unknown = partial(Line, Verdict.UNKNOWN)
problem = partial(Line, Verdict.PROBLEM)
