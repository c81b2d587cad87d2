"""Real servers on loopback that answer, or misbehave, exactly as a test says."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

Speak = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Listener:
    """One listening port: how many connected, and what they sent."""

    port: int
    scheme: str
    connections: int = 0
    requests: list[str] = field(default_factory=list)

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


class Wire:
    """Starts servers; all of them end with the test."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, speak: Speak, *, tls: ssl.SSLContext | None = None) -> Listener:
        """A server that reads the head of a request, speaks, and hangs up."""
        listener = Listener(0, "https" if tls else "http")

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                listener.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
                await speak(writer)
            writer.close()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            listener.connections += 1
            task = asyncio.get_running_loop().create_task(serve(reader, writer))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
        self._servers.append(server)
        listener.port = server.sockets[0].getsockname()[1]
        return listener

    async def says(self, data: bytes, *, tls: ssl.SSLContext | None = None) -> Listener:
        """A server that says this, whatever it is asked."""

        async def speak(writer: asyncio.StreamWriter) -> None:
            writer.write(data)
            await writer.drain()

        return await self.start(speak, tls=tls)

    async def hangs(self) -> Listener:
        """A server that takes a request and never answers."""

        async def speak(_writer: asyncio.StreamWriter) -> None:
            await asyncio.Event().wait()

        return await self.start(speak)

    async def stop(self) -> None:
        for server in self._servers:
            server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    yield wire
    await wire.stop()


@pytest.fixture
def answer() -> Callable[..., bytes]:
    """`answer(b"body", "404 Not Found", "X-Header: 1")`: a whole HTTP/1.1 answer."""

    def build(body: bytes = b"fine", status: str = "200 OK", *headers: str) -> bytes:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + body

    return build
