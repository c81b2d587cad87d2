"""Tokens, certificates and CAs rotate while the daemon runs: they are read again by the clock, and on refusal."""

import asyncio
import logging

from maintd.cluster.endpoints import Endpoint, Source
from maintd.core.errors import ConfigError

REREAD_SECONDS = 60.0

log = logging.getLogger(__name__)


class Credentials:
    """The endpoint in use; read anew every minute by the monotonic clock, and when the server refuses it."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._endpoint: Endpoint | None = None
        self._due = 0.0
        self._lock = asyncio.Lock()

    async def endpoint(self) -> Endpoint:
        """Raises ConfigError only where there never was one: a re-read that fails keeps what we have."""
        if self._endpoint is not None and _clock() < self._due:
            return self._endpoint
        async with self._lock:
            if self._endpoint is not None and _clock() < self._due:
                return self._endpoint
            return await self._read(refused=False)

    async def renewed(self, refused: Endpoint) -> Endpoint | None:
        """What to use instead of an endpoint that the server refused, or None when we have nothing else."""
        async with self._lock:
            found = await self._read(refused=True) if self._endpoint == refused else self._endpoint
            return found if found != refused else None

    async def _read(self, *, refused: bool) -> Endpoint:
        self._due = _clock() + REREAD_SECONDS
        try:
            self._endpoint = await self._source.load(refused=refused)
        except ConfigError as error:
            if self._endpoint is None:
                raise
            log.warning("credentials re-read failed", extra={"error": str(error)})
        return self._endpoint


def _clock() -> float:
    return asyncio.get_running_loop().time()
