"""A server on loopback that answers byte for byte what a test tells it to, and an Api that speaks to it."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from maintd.cluster.api import Api

DATE = "Sun, 22 Nov 2026 10:00:00 GMT"


@dataclass(frozen=True)
class Seen:
    """One request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


Answer = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
Script = Callable[[Seen], Answer]


def reply(
    body: Any, status: int = 200, *, content: str = "application/json", date: str = DATE, **headers: str
) -> bytes:
    """A whole HTTP reply; `body` is sent as JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = {"Content-Type": content, "Content-Length": str(len(raw)), "Date": date}
    head |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items() if value)
    return f"HTTP/1.1 {status} Words\r\n{lines}\r\n".encode() + raw


def refusal(status: int, reason: str, message: str = "", details: Any = None, **headers: str) -> bytes:
    """A Status as the API server says it."""
    body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": reason}
    return reply(body | {"message": message, "details": details or {}, "code": status}, status, **headers)


def page(names: list[str], token: str = "", *, version: str = "7", kind: str = "Pod", **extra: Any) -> bytes:
    """One page of a list."""
    items = [{"metadata": {"name": name, "namespace": "a", "uid": f"uid-{name}"}} for name in names]
    metadata = {"resourceVersion": version} | ({"continue": token} if token else {})
    return reply({"kind": f"{kind}List", "apiVersion": "v1", "metadata": metadata, "items": items} | extra)


async def reset(writer: asyncio.StreamWriter) -> None:
    """A TCP reset instead of an answer."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def silence(_: asyncio.StreamWriter) -> None:
    """No answer, ever."""
    await asyncio.Event().wait()


def cut(answer: bytes, keep: int) -> Answer:
    """The first bytes of an answer, then the end of the connection."""

    async def send(writer: asyncio.StreamWriter) -> None:
        writer.write(answer[:keep])
        await writer.drain()

    return send


async def trickle(writer: asyncio.StreamWriter) -> None:
    """A body that never ends, a byte at a time."""
    writer.write(f"HTTP/1.1 200 OK\r\nDate: {DATE}\r\nContent-Length: 1000000\r\n\r\n".encode())
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


async def flood(writer: asyncio.StreamWriter) -> None:
    """A body that never ends, as fast as it is read."""
    writer.write(f"HTTP/1.1 200 OK\r\nDate: {DATE}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    while True:
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


@dataclass
class Scripted:
    """The server. `script` may be changed at any time; `seen` are the requests so far."""

    script: Script
    tls: ssl.SSLContext | None = None
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, target, _ = head[0].split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.seen.append(Seen(method, target, headers, body))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            answer = self.script(self.seen[-1])
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        finally:
            self.in_flight -= 1
        return isinstance(answer, bytes)


@dataclass
class Stage:
    """Starts servers and connects to them; stops and closes everything at the end of the test."""

    folder: Path
    _servers: list[Scripted] = field(default_factory=list)
    _apis: list[Api] = field(default_factory=list)

    async def serve(
        self, *answers: Answer, script: Script | None = None, tls: ssl.SSLContext | None = None
    ) -> Scripted:
        """A server that gives these answers in turn, the last one for ever."""
        rest = list(answers)
        server = Scripted(script or (lambda _: rest.pop(0) if len(rest) > 1 else rest[0]), tls)
        await server.start()
        self._servers.append(server)
        return server

    async def connect(self, server: Scripted, **options: Any) -> Api:
        """An Api on this server, by a kubeconfig with a token."""
        api = await Api.connect(self.kubeconfig(server.url), **options)
        self._apis.append(api)
        return api

    def kubeconfig(self, url: str, *, user: Any = None, cluster: Any = None) -> Path:
        path = self.folder / "kubeconfig"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": {"server": url} | (cluster or {})}],
            "users": [{"name": "u", "user": {"token": "canary-token"} if user is None else user}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        }
        path.write_text(json.dumps(config))
        return path

    def keep(self, api: Api) -> Api:
        self._apis.append(api)
        return api

    async def clear(self) -> None:
        for api in self._apis:
            await api.close()
        for server in self._servers:
            await server.stop()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Servers and connections that end with the test."""
    made = Stage(tmp_path)
    yield made
    await made.clear()
