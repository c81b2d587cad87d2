"""The daemon's HTTP endpoints: /livez, /readyz and /metrics, in plain text, for the kubelet and Prometheus."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from maintd.core.errors import ConfigError
from maintd.telemetry.health import Answer, Health
from maintd.telemetry.metrics import CONTENT_TYPE

LONGEST_CONNECTION: Final = timedelta(seconds=10)
"""A connection is closed after this, whatever it was doing: one that sends a byte a minute holds nothing up."""


class Server:
    """Serves until stopped; one request a connection."""

    def __init__(
        self,
        address: str,
        health: Health,
        exposition: Callable[[], Awaitable[bytes]],
        *,
        longest_connection: timedelta = LONGEST_CONNECTION,
    ) -> None:
        """`address` is `host:port`, `:port` for every interface. Raises ConfigError."""
        self._address = address
        self._host, self._port = _host_and_port(address)
        self._health = health
        self._exposition = exposition
        self._longest_connection = longest_connection.total_seconds()
        application = web.Application()
        application.on_response_prepare.append(_close_after)
        application.router.add_get("/livez", self._livez)
        application.router.add_get("/readyz", self._readyz)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_route("*", "/{path:.*}", _not_here)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=2)
        self._listener: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. Raises ConfigError when the address cannot be had."""
        await self._runner.setup()
        try:
            self._listener = await asyncio.get_running_loop().create_server(self._connection, self._host, self._port)
        except OSError as error:
            raise ConfigError(
                f"MAINTD_HTTP_ADDRESS={self._address} cannot be listened on: {error.strerror or error}; "
                "set it to another address, or stop what uses this one"
            ) from error

    async def stop(self) -> None:
        """Close what is open."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """`http://127.0.0.1:8080`: where it can be reached from this machine."""
        if self._listener is None:
            raise RuntimeError("start() comes first")
        host, port = min(self._listener.sockets, key=lambda each: each.family).getsockname()[:2]
        at = ip_address(host)
        if at.is_unspecified:
            at = ip_address("::1" if at.version == 6 else "127.0.0.1")
        return f"http://[{at}]:{port}" if at.version == 6 else f"http://{at}:{port}"

    def _connection(self) -> RequestHandler:
        if self._runner.server is None:
            raise RuntimeError("start() comes first")
        connection: RequestHandler = self._runner.server()
        asyncio.get_running_loop().call_later(self._longest_connection, _abort, connection)
        return connection

    async def _livez(self, _: web.Request) -> web.Response:
        return _told(self._health.live())

    async def _readyz(self, _: web.Request) -> web.Response:
        return _told(self._health.ready())

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=await self._exposition(), headers={"Content-Type": CONTENT_TYPE})


def _told(answer: Answer) -> web.Response:
    return web.Response(text=f"{answer.text}\n", status=200 if answer.good else 503)


async def _not_here(_: web.Request) -> web.Response:
    return web.Response(text="not here; there are /livez, /readyz and /metrics\n", status=404)


async def _close_after(_: web.Request, response: web.StreamResponse) -> None:
    response.force_close()
    response.headers["Server"] = "maintd"


def _abort(connection: RequestHandler) -> None:
    if connection.transport is not None:
        connection.transport.abort()


def _host_and_port(address: str) -> tuple[str | None, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ConfigError(f"MAINTD_HTTP_ADDRESS={address}: write host:port, or :port for every interface")
    return host.removeprefix("[").removesuffix("]") or None, int(port)
