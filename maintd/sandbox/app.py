"""The sample application of the demo: it answers as the runbook expects, and its health check gets slower."""

import asyncio
import time
from collections.abc import Callable
from typing import Self

from aiohttp import web

from maintd.core.resource import Json

TITLE = "OMTX-Hub API"
_HEALTH = {"status": "healthy", "database": "gcp_firestore", "storage": "gcp_cloud_storage"}
_FIRST_SECONDS = 0.02
_SLOWER_BY = 0.01
_SLOWEST_SECONDS = 2.0
_RESOURCES = ("batches", "datasets", "jobs", "ligands", "models", "proteins", "results", "users")


def delay_after(seconds: float) -> float:
    """How long `/health` takes when the application is this old: 20 ms, and 10 ms more each second, up to 2 s."""
    return min(_FIRST_SECONDS + _SLOWER_BY * seconds, _SLOWEST_SECONDS)


class SampleApp:
    """Serves on a free loopback port, at `url`, while the context is open."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = 0.0
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/health", self._health)
        app.router.add_get("/docs", self._docs)
        app.router.add_get("/openapi.json", self._openapi)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._started = self._clock()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _health(self, _: web.Request) -> web.Response:
        await asyncio.sleep(delay_after(self._clock() - self._started))
        return web.json_response(_HEALTH)

    async def _docs(self, _: web.Request) -> web.Response:
        return web.Response(text=f"<!DOCTYPE html><title>{TITLE}</title>", content_type="text/html")

    async def _openapi(self, _: web.Request) -> web.Response:
        return web.json_response(openapi())


def openapi() -> Json:
    """A schema of the size that a real one has: more than 10,000 characters."""
    paths = {path: _operations(name) for name in _RESOURCES for path in (f"/api/v3/{name}", f"/api/v3/{name}/{{id}}")}
    return {"openapi": "3.1.0", "info": {"title": TITLE, "version": "3.0.0"}, "paths": paths}


def _operations(name: str) -> Json:
    return {
        method: {
            "summary": f"{method.title()} {name}",
            "operationId": f"{method}_{name}",
            "tags": [name],
            "responses": {
                code: {"description": said, "content": {"application/json": {"schema": {"type": "object"}}}}
                for code, said in (("200", "Successful response"), ("422", "Validation error"))
            },
        }
        for method in ("get", "put", "delete")
    }
