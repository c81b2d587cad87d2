"""Whether the daemon lives, and what a person who asks should be told."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

LONGEST_SILENCE_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe is told: `good` decides about the status code, the text is for a person."""

    good: bool
    text: str


class Health:
    """Answers /livez and /readyz. Neither calls anybody: that the API server is away is no reason to be killed."""

    def __init__(
        self,
        silent_seconds: Callable[[], float],
        overdue: Callable[[], timedelta],
        troubles: Mapping[str, Callable[[], str]],
        role: Callable[[], str] = lambda: "",
    ) -> None:
        """`troubles`: by name (`config`, `store`, `state`), what is wrong with it now, or an empty text.

        `overdue`: by how much the scheduler has missed its next wake-up. `role`: whether this process leads.
        """
        self._clocks: dict[str, Callable[[], float]] = {
            "event loop": silent_seconds,
            "scheduler": lambda: overdue().total_seconds(),
        }
        self._troubles = troubles
        self._role = role
        self._not_ready = "starting"

    def started(self) -> None:
        """Jobs are scheduled from here on."""
        self._not_ready = ""

    def stopping(self) -> None:
        """No job starts any more."""
        self._not_ready = "stopping"

    def live(self) -> Answer:
        """Not good: a restart would help."""
        late = {name: seconds for name, clock in self._clocks.items() if (seconds := clock()) > LONGEST_SILENCE_SECONDS}
        lines = [f"{name}: has stood still for {seconds:.0f} s" for name, seconds in late.items()]
        return Answer(not late, "\n".join(lines) or "alive")

    def ready(self) -> Answer:
        """Not good: it starts or stops. A follower is ready, to take over; troubles are told, and change nothing."""
        lines = [f"{name}: {' '.join(text().split()) or 'ok'}" for name, text in self._troubles.items()]
        role = [f"role: {self._role()}"] if self._role() else []
        return Answer(not self._not_ready, "\n".join([self._not_ready or "ready", *lines, *role]))
