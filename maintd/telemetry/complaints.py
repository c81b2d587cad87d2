"""Says a trouble once, and again only after a while."""

import asyncio

from maintd.core.ports import Log

REPEATED_SECONDS = 60.0


class Complaints:
    """At most one line a minute for the same event and cause."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._quiet_until: dict[tuple[str, str], float] = {}

    def say(self, event: str, error: str, **fields: object) -> None:
        """Log a warning, unless it was said within the last minute."""
        now = asyncio.get_running_loop().time()
        self._quiet_until = {said: until for said, until in self._quiet_until.items() if until > now}
        if (event, error) not in self._quiet_until:
            self._quiet_until[event, error] = now + REPEATED_SECONDS
            self._log.warning(event, error=error, **fields)
