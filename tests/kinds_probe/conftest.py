"""An application on loopback, and a context with real HTTP and a real store to look at it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestServer

from maintd.core.kind import Context
from maintd.core.target import Target
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard
from maintd.storage.folder import FolderStore

NOW = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)


class Untouched:
    """Stands for what these kinds have no business with."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"a kind of level 0 that probes asked for {name}")


@dataclass
class App:
    """Answers as `pages` says: a path to (status, body, headers), or to a handler."""

    pages: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        page = self.pages.get(request.path, (404, "", {}))
        if callable(page):
            return await page(request)
        status, body, headers = page
        return web.Response(status=status, body=body, headers=headers)


@pytest.fixture
async def app() -> AsyncIterator[App]:
    app = App()
    site = web.Application()
    site.router.add_route("*", "/{path:.*}", app.handle)
    async with TestServer(site, host="127.0.0.1") as server:
        app.url = str(server.make_url("")).rstrip("/")
        yield app


@pytest.fixture
def context(app: App, tmp_path: Path) -> Callable[..., Context]:
    """`context(memory, run=2)`: the context of the job's second run, a minute after its first."""

    def build(memory: dict[str, Any] | None = None, *, run: int = 1, guard: Guard | None = None) -> Context:
        now = NOW + timedelta(minutes=run - 1)
        return Context(
            run_id=f"{now:%Y%m%dT%H%M%SZ}-web-abc{run:03}",
            job="web",
            target=Target(namespace="shop", deployment="backend", url=app.url),
            cluster=Untouched(),
            gate=Untouched(),
            store=FolderStore(tmp_path, "test"),
            http=Curl(guard or Guard(allow_loopback=True)),
            log=structlog.get_logger(),
            now=lambda: now,
            memory={} if memory is None else memory,
        )

    return build
