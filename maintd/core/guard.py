"""Whether this process may change the cluster now: asked before every write, wherever it comes from."""

import math
from typing import Protocol


class Guard(Protocol):
    """One reign of a leader; or somebody's own hand, which nobody elects."""

    @property
    def epoch(self) -> int:
        """The number of the reign, higher than that of every reign before it; 0 where nobody was elected."""
        ...

    def seconds_left(self) -> float:
        """How long a write that is sent now may be under way, more than 0. Raises NotLeading: send it not."""
        ...


class ByHand:
    """The guard of a command that a person typed: who may do what is for the API server to say."""

    epoch = 0

    def seconds_left(self) -> float:
        """No end."""
        return math.inf
