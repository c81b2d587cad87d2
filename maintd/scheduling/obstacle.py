"""Why a run does not start."""

from dataclasses import dataclass

from maintd.core.outcome import Status


@dataclass(frozen=True, slots=True)
class Obstacle:
    """As its record says it."""

    summary: str
    in_the_way: str = ""
    """A run id."""
    status: Status = Status.SKIPPED
    error: str = ""
    traceback: str = ""
