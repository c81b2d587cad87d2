"""What a Lease says, and how it is written down.

Two things have no field in a Lease and stand in annotations: the epoch, and the exact duration, since the field holds
whole seconds. A third tells a Lease that was given back from one whose holder somebody took out by hand.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from maintd.core.resource import Json

LONGEST_SECONDS = 300.0
"""What a Lease may say and be waited for; more is somebody's mistake, and nothing would run meanwhile."""
_EPOCH = "maintd.dev/epoch"
_SECONDS = "maintd.dev/lease-seconds"
_RELEASED = "maintd.dev/released"
_WRITE = "maintd.dev/write"
_HIGHEST_EPOCH = 2**53


@dataclass(frozen=True, slots=True)
class Record:
    """One state of the Lease. Times are there for people to read; nothing is decided by them."""

    holder: str = ""
    epoch: int = 0
    seconds: float | None = None
    """How long it is valid after a renewal; None where what stands there cannot be that."""
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0
    released: bool = False
    """Given back by its holder, who had stopped acting before."""
    write: str = ""
    """Another one with each write: so a write whose reply was lost is known again."""

    def lasts(self, own: float) -> float:
        """Seconds that a candidate whose own leases last `own` waits after it saw this appear."""
        return min(max(self.seconds or own, own), max(own, LONGEST_SECONDS))

    def annotations(self) -> dict[str, str]:
        """As they stand in the Lease's metadata."""
        return {
            _EPOCH: str(self.epoch),
            _SECONDS: f"{self.seconds or 0:g}",
            _RELEASED: str(self.released).lower(),
            _WRITE: self.write,
        }

    def spec(self) -> Json:
        """As it stands in the Lease."""
        return {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": max(1, math.ceil(self.seconds or 0)),
            "acquireTime": self.acquired,
            "renewTime": self.renewed,
            "leaseTransitions": self.transitions,
        }


def read(lease: Json) -> Record:
    """What a Lease says; of what cannot be read, nothing. Never raises: somebody may have edited it by hand."""
    spec, notes = _mapping(lease.get("spec")), _mapping(_mapping(lease.get("metadata")).get("annotations"))
    holder = _text(spec.get("holderIdentity"))
    return Record(
        holder=holder,
        epoch=_epoch(notes.get(_EPOCH)),
        seconds=_seconds(spec.get("leaseDurationSeconds"), notes.get(_SECONDS)),
        acquired=_text(spec.get("acquireTime")),
        renewed=_text(spec.get("renewTime")),
        transitions=_whole(spec.get("leaseTransitions")),
        released=not holder and notes.get(_RELEASED) == "true",
        write=_text(notes.get(_WRITE)),
    )


def stamp() -> str:
    """Now, as Kubernetes writes a MicroTime: always with six digits, always UTC."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _seconds(whole: Any, exact: Any) -> float | None:
    """The exact duration, where it is the one that the whole seconds were rounded from."""
    if not (rounded := _whole(whole)):
        return None
    try:
        found = float(_text(exact))
    except ValueError:
        return float(rounded)
    return found if 0 < found <= rounded < found + 1 or (rounded == 1 and 0 < found < 1) else float(rounded)


def _epoch(value: Any) -> int:
    text = _text(value)
    found = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else 0
    return found if found < _HIGHEST_EPOCH else 0


def _whole(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
