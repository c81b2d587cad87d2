"""Two servers that stand in for Google Cloud Storage: a real program for what it does right, our own for the faults."""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import google_crc32c
import pytest
import requests
from aiohttp import web


@pytest.fixture
def gcs_bucket(fake_gcs: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """`gs://bucket`: a new and empty one in fake-gcs-server, which the environment leads to."""
    name = f"bucket-{abs(hash(request.node.nodeid)):x}"
    requests.post(f"{fake_gcs}/storage/v1/b", json={"name": name}, timeout=5).raise_for_status()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs)
    return f"gs://{name}"


@dataclass
class Kept:
    """An object as it lies in the bucket."""

    data: bytes
    about: dict[str, Any]

    @property
    def resource(self) -> dict[str, Any]:
        return self.about | {"size": str(len(self.data)), "crc32c": crc32c(self.data), "generation": "1"}


def crc32c(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Fault = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


@dataclass
class FaultyGcs:
    """A bucket `bucket` that does what a test tells it to; told nothing, what Google Cloud Storage does.

    `play("create", fault, …)` answers the next calls of that operation (`create`, `describe`, `download`, `list`,
    `delete`) with these faults, one each; a fault is handed the request and what would answer it.
    """

    url: str = ""
    page: int = 1000
    objects: dict[str, Kept] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    _faults: dict[str, list[Fault]] = field(default_factory=dict)
    _always: dict[str, Fault] = field(default_factory=dict)

    def play(self, operation: str, *faults: Fault) -> None:
        self._faults.setdefault(operation, []).extend(faults)

    def always(self, operation: str, fault: Fault | None) -> None:
        """Until told otherwise; None: well again."""
        if fault:
            self._always[operation] = fault
        else:
            del self._always[operation]

    def store(self, name: str, data: bytes, **about: Any) -> None:
        """An object that somebody else wrote."""
        self.objects[name] = Kept(data, {"name": name, **about})

    def application(self) -> web.Application:
        app = web.Application(client_max_size=2**25)
        app.router.add_post("/upload/storage/v1/b/bucket/o", self._operation("create", self._create))
        app.router.add_get("/storage/v1/b/bucket/o", self._operation("list", self._list))
        app.router.add_get("/storage/v1/b/bucket/o/{name:.+}", self._operation("describe", self._describe))
        app.router.add_delete("/storage/v1/b/bucket/o/{name:.+}", self._operation("delete", self._delete))
        app.router.add_get("/download/storage/v1/b/bucket/o/{name:.+}", self._operation("download", self._download))
        return app

    def _operation(self, name: str, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            self.calls.append(name)
            self.headers.append(dict(request.headers))
            fault = self._faults[name].pop(0) if self._faults.get(name) else self._always.get(name)
            return await (fault(request, handler) if fault else handler(request))

        return answer

    async def _create(self, request: web.Request) -> web.Response:
        boundary = request.content_type and request.headers["Content-Type"].partition('boundary="')[2].strip('"=')
        body = await request.read()
        first = body.split(b"\r\n", 1)[0]
        assert boundary in first.decode()
        _, described, content, _ = body.split(first)
        about = json.loads(described.partition(b"\r\n\r\n")[2])
        data = content.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        assert about.pop("crc32c") == crc32c(data)
        assert request.query["ifGenerationMatch"] == "0"
        if about["name"] in self.objects:
            return answered(412)
        self.store(data=data, **about)
        return web.json_response(self.objects[about["name"]].resource)

    async def _describe(self, request: web.Request) -> web.Response:
        kept = self.objects.get(request.match_info["name"])
        return web.json_response(kept.resource) if kept else answered(404)

    async def _delete(self, request: web.Request) -> web.Response:
        gone = self.objects.pop(request.match_info["name"], None)
        return web.Response(status=204) if gone else answered(404)

    async def _download(self, request: web.Request) -> web.Response:
        kept = self.objects.get(request.match_info["name"])
        return sent(kept.data, kept) if kept else answered(404)

    async def _list(self, request: web.Request) -> web.Response:
        prefix, delimiter = request.query.get("prefix", ""), request.query.get("delimiter", "")
        found = sorted(name for name in self.objects if name.startswith(prefix))
        cut = {name: name.find(delimiter, len(prefix)) if delimiter else -1 for name in found}
        entries = sorted({name if at < 0 else name[: at + 1] for name, at in cut.items()})
        after = [name for name in entries if name > request.query.get("pageToken", "")]
        some = after[: self.page]
        reply: dict[str, Any] = {
            "items": [{"name": name} for name in some if cut.get(name, 0) < 0],
            "prefixes": [name for name in some if cut.get(name, 0) >= 0],
        }
        if len(after) > len(some):
            reply["nextPageToken"] = some[-1]
        return web.json_response({key: value for key, value in reply.items() if value})


def answered(status: int, message: str = "secret words of the server", **headers: str) -> web.Response:
    """An error as Google writes it."""
    error = {"error": {"code": status, "message": message, "errors": [{"message": message, "reason": "because"}]}}
    return web.json_response(error, status=status, headers={k.replace("_", "-"): v for k, v in headers.items()})


def sent(data: bytes, kept: Kept, **headers: str) -> web.Response:
    """A download, the object's bytes as they lie there."""
    head = {"X-Goog-Hash": f"crc32c={crc32c(kept.data)}", "X-Goog-Generation": "1"}
    if encoding := kept.about.get("contentEncoding"):
        head |= {"Content-Encoding": encoding, "X-Goog-Stored-Content-Encoding": encoding}
    return web.Response(body=data, headers=head | {k.replace("_", "-"): v for k, v in headers.items()})


def refuses(status: int, message: str = "secret words of the server", **headers: str) -> Fault:
    """Answers with an error, and does nothing."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        return answered(status, message, **headers)

    return fault


async def loses_the_reply(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Does it, and breaks the connection off."""
    response = await handler(request)
    assert request.transport
    request.transport.abort()
    return response


def says(body: bytes, content_type: str = "text/html", status: int = 200) -> Fault:
    """Answers something else altogether."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        return web.Response(body=body, content_type=content_type, status=status)

    return fault


def hangs(seconds: float = 60) -> Fault:
    """Does not answer for so long."""

    async def fault(request: web.Request, handler: Handler) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await handler(request)

    return fault


@pytest.fixture
async def faulty(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FaultyGcs]:
    """Our own server, which the environment leads to."""
    fake = FaultyGcs()
    runner = web.AppRunner(fake.application(), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    fake.url = f"http://{host}:{port}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake.url)
    yield fake
    await runner.cleanup()


@pytest.fixture
def faults() -> SimpleNamespace:
    """What the server can be told to do, by name."""
    return SimpleNamespace(
        answered=answered, hangs=hangs, loses_the_reply=loses_the_reply, refuses=refuses, says=says, sent=sent
    )


@pytest.fixture
def ports() -> tuple[int, int]:
    """Two ports at which nothing listens yet."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]
