"""Who may write in this process: the reign of the moment, or nobody."""

from maintd.core.errors import NotLeading
from maintd.core.guard import ByHand, Guard
from maintd.election.elector import identity


class Leadership:
    """The guard of all that one process writes: it stands for whatever reign it is.

    By hand until somebody calls `end`: who types is not elected.
    """

    def __init__(self) -> None:
        self.identity = identity()
        """This process's name among all that share the state."""
        self._reign: Guard | None = ByHand()
        self._crowned = True

    @property
    def reign(self) -> Guard | None:
        """This process's own, while it leads."""
        return self._reign

    @property
    def epoch(self) -> int:
        """Of the reign; 0 where there is none."""
        return self._reign.epoch if self._reign else 0

    def begin(self, reign: Guard) -> None:
        """Let writes through; nothing is claimed yet, for what the reign before left open is not known."""
        self._reign, self._crowned = reign, False

    def crown(self) -> None:
        """Let jobs be claimed."""
        self._crowned = True

    def end(self) -> None:
        """Let nothing through any more."""
        self._reign, self._crowned = None, False

    def seconds_left(self) -> float:
        """As core.guard has it."""
        if self._reign is None:
            raise NotLeading("this maintd does not lead, so it writes nothing; /readyz says who does")
        return self._reign.seconds_left()

    def current(self) -> Guard:
        """The reign itself, which is over when another begins. Raises NotLeading."""
        self.seconds_left()
        if self._reign is None or not self._crowned:
            raise NotLeading("this maintd leads since a moment, and has not read yet what was claimed before")
        return self._reign
