"""One wish on its way through the gate, and what has become of it so far."""

from dataclasses import dataclass
from typing import Literal

from maintd.core.outcome import Change
from maintd.core.ports import Deletion

Result = Literal["done", "planned", "gone", "kept", "left", "failed"]


@dataclass(slots=True)
class Ticket:
    """Open until it has a result; what is still open when a run ends early is left."""

    wish: Deletion
    result: Result | None = None
    reason: str = ""
    evidence: str = ""
    sent: bool = False
    """True from before the change is sent until the server has said for certain that it was not made."""

    def close(self, result: Result, reason: str = "") -> None:
        """Say what became of it."""
        self.result, self.reason = result, reason

    def summary(self) -> dict[str, str]:
        """The fields of its log line."""
        fields = {"object": str(self.wish.object), "uid": self.wish.object.uid, "rule": self.wish.rule}
        return fields | {"result": self.result or "", "reason": self.reason, "evidence": self.evidence}

    def change(self) -> Change:
        """As the record has it."""
        result, reason = self.result, self.reason
        if result is None and self.sent:
            result, reason = "failed", "the run ended while it was under way; it may have been made"
        return Change(
            object=self.wish.object,
            verb="delete",
            result=result or "left",
            reason=reason or ("the run ended before its turn came" if result is None else ""),
            evidence=self.evidence,
        )
