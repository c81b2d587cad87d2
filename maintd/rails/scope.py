"""What the rails know of the run they watch over."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from maintd.core.limits import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One run of one job."""

    run_id: str
    job: str
    mode: Literal["act", "dry-run"]
    limits: Limits
    own_namespace: str
    """maintd's own: nothing is changed in it, and Events are written there."""
    instance: str
    """The name of the pod or host that acts."""
    in_flight: int = 8
    """Objects that are worked on at once."""
    log_timeout: timedelta = timedelta(seconds=5)
    """How long one log may take, its retries included."""
