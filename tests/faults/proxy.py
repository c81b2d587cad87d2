"""A TCP proxy that does to connections what networks do to them; its weather can change while it runs."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import urlsplit

_RESET = struct.pack("ii", 1, 0)


class Weather(Enum):
    """What befalls connections, those that are open included."""

    FAIR = "fair"
    RESET = "reset"
    REFUSED = "refused"
    BLACK_HOLE = "black hole"
    TRICKLE = "10 B/s"
    CUT = "cut"
    """The connection ends after `cut_after` bytes of the replies."""


@dataclass
class Proxy:
    """One way to one server; each client that shall suffer by itself has its own."""

    to: str
    """The server's URL; it is spoken to without TLS."""
    tls: ssl.SSLContext | None = None
    """What clients see; may be replaced for connections to come."""
    cut_after: int = 1000
    port: int = 0
    _weather: Weather = Weather.FAIR
    _server: asyncio.Server | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen: at the port of before, where there was one."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse new connections and reset those that are open."""
        if self._server:
            self._server.close()
            self._server = None
        self._reset_all()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def turn(self, weather: Weather) -> None:
        """Change the weather, for what is open too."""
        was, self._weather = self._weather, weather
        self._changed.set()
        self._changed = asyncio.Event()
        if weather is Weather.REFUSED:
            await self.close()
        elif was is Weather.REFUSED:
            await self.open()
        if weather is Weather.RESET:
            self._reset_all()

    async def present(self, tls: ssl.SSLContext) -> None:
        """Show another certificate from now on, and end what was agreed under the old one."""
        await self.close()
        self.tls = tls
        await self.open()

    def _reset_all(self) -> None:
        for writer in [*self._open]:
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            writer.transport.abort()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._forward(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        if self._weather is Weather.RESET:
            self._reset_all()
        target = urlsplit(self.to)
        try:
            there, back = await asyncio.open_connection(target.hostname, target.port)
            try:
                await asyncio.gather(self._copy(reader, back, reply=False), self._copy(there, writer, reply=True))
            finally:
                back.close()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, reply: bool) -> None:
        left = self.cut_after
        try:
            while data := await reader.read(65536):
                while self._weather is Weather.BLACK_HOLE:
                    await self._changed.wait()
                    if reader.at_eof():
                        return  # who gave up meanwhile is not heard: what was never delivered is not sent again
                if self._weather is Weather.CUT and reply:
                    data, left = data[:left], left - len(data)
                if self._weather is Weather.TRICKLE:
                    data = await self._trickle(data, writer)
                    if data and not reply and reader.at_eof():
                        return
                writer.write(data)
                await writer.drain()
                if left <= 0:
                    return
        finally:
            writer.close()

    async def _trickle(self, data: bytes, writer: asyncio.StreamWriter) -> bytes:
        """10 bytes a second until the weather changes; what is left then."""
        while data and self._weather is Weather.TRICKLE:
            writer.write(data[:10])
            data = data[10:]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), 1)
        return data


@asynccontextmanager
async def proxy(to: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    """A proxy in fair weather, as long as the context is open."""
    made = Proxy(to, tls)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
