"""Asks for leave once more when the connection stands: making one takes time, and the machine may sleep meanwhile."""

from collections.abc import Callable

import aiohttp
from aiohttp.connector import Connection


class AskingRequest(aiohttp.ClientRequest):
    """A request that is not sent where `leave` raises."""

    leave: Callable[[], object] | None = None

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Nothing is awaited between the answer and the first byte."""
        if self.leave:
            self.leave()
        return await super().send(conn)


def asking(leave: Callable[[], object]) -> aiohttp.ClientMiddlewareType:
    """Middleware that tells an AskingRequest whom to ask."""

    async def ask(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if isinstance(request, AskingRequest):
            request.leave = leave
        return await handler(request)

    return ask
