"""Runs in a row that went well or badly, so that one blip is no alarm and a recovery is said once."""

from collections.abc import Collection, MutableMapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from pydantic import Field

from maintd.core.kind import Params
from maintd.core.outcome import Finding

_KEY = "streaks"


class Patience(Params):
    """Parameters of a kind that watches something."""

    fail_after: int = Field(
        default=3,
        ge=1,
        le=1000,
        description="So many bad runs in a row before the run asks for attention; write 1 for a job that runs daily.",
    )
    ok_after: int = Field(
        default=2, ge=1, le=1000, description="So many good runs in a row before it counts as recovered."
    )


class Turn(Enum):
    """What a run means after those before it."""

    FINE = "fine"
    BLIP = "blip"
    DOWN = "down"
    MENDING = "mending"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Streak:
    """What is remembered: the state, the runs in a row that speak against it, and when the trouble began."""

    down: bool = False
    against: int = 0
    since: str = ""

    @classmethod
    def remembered(cls, value: Any) -> "Streak":
        """From memory; what a hand has bent out of shape there counts as nothing remembered."""
        match value:
            case {"down": bool(down), "against": int(against), "since": str(since)} if against >= 0:
                return cls(down, against, since[:20])
        return cls()

    def after(self, ok: bool, patience: Patience, now: datetime) -> "tuple[Streak, Turn]":
        """The next state, and what this run means."""
        since = self.since or f"{now:%Y-%m-%dT%H:%M:%SZ}"
        if ok is not self.down:
            return (Streak(), Turn.FINE) if ok else (Streak(True, 0, since), Turn.DOWN)
        against = self.against + 1
        if against < (patience.ok_after if ok else patience.fail_after):
            return Streak(self.down, against, since), (Turn.MENDING if ok else Turn.BLIP)
        return (Streak(), Turn.RECOVERED) if ok else (Streak(True, 0, since), Turn.DOWN)


class Streaks:
    """The streaks that a job remembers, one a name; what is fine takes no room."""

    def __init__(
        self, memory: MutableMapping[str, Any], patience: Patience, now: datetime, *, by_hand: bool = False
    ) -> None:
        """`by_hand`: somebody waits to hear what is so now, so nothing is counted and nothing is played down."""
        self._memory = memory
        self._patience = patience
        self._now = now
        self._by_hand = by_hand

    def judge(self, name: str, trouble: str, remedy: str = "") -> Finding | None:
        """Count one run (`trouble` empty: a good one) and say what it means, if it means anything."""
        if self._by_hand:
            return Finding(severity="error", subject=name, message=trouble, remedy=remedy) if trouble else None
        kept = self._kept()
        before = Streak.remembered(kept.pop(name, None))
        after, turn = before.after(not trouble, self._patience, self._now)
        if after != Streak():
            kept[name] = {"down": after.down, "against": after.against, "since": after.since}
        self._keep(kept)
        return self._finding(turn, name, trouble, remedy, after if after.since else before)

    def only(self, names: Collection[str]) -> None:
        """Forget what is no longer watched."""
        self._keep({name: streak for name, streak in self._kept().items() if name in names})

    def _kept(self) -> dict[str, Any]:
        kept = self._memory.get(_KEY)
        return dict(kept) if isinstance(kept, dict) else {}

    def _keep(self, kept: dict[str, Any]) -> None:
        if kept:
            self._memory[_KEY] = kept
        else:
            self._memory.pop(_KEY, None)

    def _finding(self, turn: Turn, name: str, trouble: str, remedy: str, streak: Streak) -> Finding | None:
        match turn:
            case Turn.FINE:
                return None
            case Turn.BLIP:
                need = self._patience.fail_after
                message = f"{trouble} ({streak.against} of {need} runs in a row before it asks for attention)"
                return Finding(severity="info", subject=name, message=message, remedy=remedy)
            case Turn.DOWN:
                message = f"{trouble} (since {streak.since})"
                return Finding(severity="error", subject=name, message=message, remedy=remedy)
            case Turn.MENDING:
                need = self._patience.ok_after
                message = f"good again, {streak.against} of {need} runs in a row; was bad since {streak.since}"
                return Finding(severity="warning", subject=name, message=message)
            case Turn.RECOVERED:
                return Finding(severity="info", subject=name, message=f"recovered; was bad since {streak.since}")
