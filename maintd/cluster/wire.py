"""The connections to one API server, and what all who use them know of it."""

import aiohttp

from maintd.cluster.backpressure import Backpressure
from maintd.cluster.credentials import Credentials
from maintd.cluster.leave import AskingRequest
from maintd.cluster.replies import Unreachable
from maintd.core.errors import JobError

CONNECT_SECONDS = 10.0
HURRIED_SECONDS = 3.0
"""How long a person who waits is left without an answer when the server does not take a connection."""


class Wire:
    """What every view of the API shares: connections, credentials, and the server's wish for patience."""

    def __init__(self, credentials: Credentials, *, hurried: bool, backpressure: Backpressure | None = None) -> None:
        self.credentials = credentials
        self.backpressure = backpressure or Backpressure()
        self.connect_seconds = HURRIED_SECONDS if hurried else CONNECT_SECONDS
        self._hurried = hurried
        self._given_up = ""
        self._apart: list[Wire] = []
        self.problem = ""
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,  # netrc and the environment's proxies are not the kubeconfig's business
            request_class=AskingRequest,
        )

    def apart(self) -> "Wire":
        """Connections of their own to the same server, with the same patience; they are closed with these."""
        self._apart.append(Wire(self.credentials, hurried=False, backpressure=self.backpressure))
        return self._apart[-1]

    async def close(self) -> None:
        """Close these connections, and those apart."""
        for wire in (self, *self._apart):
            await wire.session.close()

    def check_given_up(self) -> None:
        """Raises JobError, which nobody tries again, where a hurried caller was not connected before."""
        if self._given_up:
            raise JobError(self._given_up)

    def unreached(self, error: Unreachable) -> None:
        """Take note that no connection was made: a hurried caller gives up on the server for good."""
        self._given_up = error.why if self._hurried else ""
        self.check_given_up()
