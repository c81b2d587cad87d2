"""The HTTP side: who asks, what faults befall them, what the audit log keeps."""

import asyncio
import gzip
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import NoReturn

from aiohttp import web

from maintd.sandbox.access import Access
from maintd.sandbox.api import Api
from maintd.sandbox.call import Call, address
from maintd.sandbox.faults import Fault
from maintd.sandbox.reply import Reply

_GZIP_FROM = 128 * 1024
"""Bytes; where the real server begins to compress."""

_NO_FAULT = Fault("")
_KEPT_REQUESTS = 100_000
"""A demo that is left running must not fill the memory with its audit log."""


@dataclass(frozen=True, slots=True)
class Request:
    """One line of the audit log. `status` is 0 where a fault cut the connection."""

    time: datetime
    verb: str
    path: str
    resource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    dry_run: bool
    status: int


class Front:
    """Answers requests one by one; keeps `requests` and plays `faults`."""

    def __init__(self, api: Api, access: Access, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._access = access
        self._clock = clock
        self.requests: list[Request] = []
        self.faults: list[Fault] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The one handler of the server."""
        call = Call(
            method=request.method,
            path=request.path,
            query=request.query,
            headers=request.headers,
            body=await request.read(),
            user=self._access.identify(request.headers),
            **address(request.path),
        )
        fault = next((fault for fault in self.faults if fault.strikes(call.verb, call.path)), _NO_FAULT)
        await asyncio.sleep(fault.delay_seconds)
        if fault.reset == "before":
            self._cut(request, call)
        reply = fault.answer or self._api.answer(call)
        if fault.reset == "after":
            self._cut(request, call)
        if fault.edit:
            reply = fault.edit(reply)
        self._record(call, reply.code)
        return self._response(request, reply)

    def _cut(self, request: web.Request, call: Call) -> NoReturn:
        self._record(call, 0)
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError

    def _record(self, call: Call, code: int) -> None:
        self._keep(
            Request(
                time=self._clock(),
                verb=call.verb,
                path=call.path,
                resource=call.resource,
                namespace=call.namespace,
                name=call.name,
                user=call.user.name if call.user else "",
                user_agent=call.headers.get("User-Agent", ""),
                dry_run="All" in call.query.getall("dryRun", []) or b'"dryRun"' in call.body,
                status=code,
            )
        )

    def _keep(self, line: Request) -> None:
        if len(self.requests) >= _KEPT_REQUESTS:
            del self.requests[: _KEPT_REQUESTS // 2]
        self.requests.append(line)

    def _response(self, request: web.Request, reply: Reply) -> web.Response:
        body = reply.body
        headers = {"Date": format_datetime(self._clock(), usegmt=True), "Cache-Control": "no-cache, private"}
        headers |= reply.headers
        if len(body) > _GZIP_FROM and "gzip" in request.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, compresslevel=1)
            headers["Content-Encoding"] = "gzip"
        if reply.code != 204:
            headers["Content-Type"] = reply.content_type
        return web.Response(status=reply.code, body=body, headers=headers)
