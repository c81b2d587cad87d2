"""The HTTP side: who asks, and what faults befall them."""

import asyncio
import contextlib
import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from typing import NoReturn

from aiohttp import web

from maintd.sandbox.access import Access
from maintd.sandbox.api import Api
from maintd.sandbox.audit import Audit
from maintd.sandbox.call import Call, address
from maintd.sandbox.faults import Fault, Pace, without_preconditions
from maintd.sandbox.reply import Reply

_GZIP_FROM = 128 * 1024
"""Bytes; where the real server begins to compress."""

_NO_FAULT = Fault("")
_TRICKLE_BYTES = 10
"""A second."""


class Front:
    """Answers requests one by one; keeps an audit log and plays `faults`."""

    def __init__(self, api: Api, access: Access, audit: Audit, clock: Callable[[], datetime]) -> None:
        self._api = api
        self._access = access
        self._audit = audit
        self._clock = clock
        self.faults: list[Fault] = []
        self.ignores_preconditions = False

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
        reply = fault.answer or self._api.answer(self._obeyed(call))
        if fault.reset == "after":
            self._cut(request, call)
        if fault.edit:
            reply = fault.edit(reply)
        self._audit.keep(call, reply.code, self._clock())
        response = self._response(request, reply)
        if fault.pace:
            await self._badly(request, response, fault.pace)
        return response

    def _obeyed(self, call: Call) -> Call:
        """The call as far as this server takes notice of it."""
        return replace(call, body=without_preconditions(call.body)) if self.ignores_preconditions else call

    def _cut(self, request: web.Request, call: Call) -> NoReturn:
        self._audit.keep(call, 0, self._clock())
        if request.transport is not None:
            request.transport.abort()
        raise asyncio.CancelledError

    async def _badly(self, request: web.Request, response: web.Response, pace: Pace) -> NoReturn:
        """Send the reply with its whole length announced, and then not, or hardly ever."""
        body = response.body if isinstance(response.body, bytes) else b""
        stream = web.StreamResponse(status=response.status, headers=response.headers)
        stream.content_length = len(body) + 1  # one byte that never comes: an empty body would be whole at once
        await stream.prepare(request)
        if pace == "half":
            await stream.write(body[: len(body) // 2])
        else:
            with contextlib.suppress(ConnectionError):
                for start in range(0, len(body), _TRICKLE_BYTES):
                    await stream.write(body[start : start + _TRICKLE_BYTES])
                    await asyncio.sleep(1)
        if request.transport is not None:
            request.transport.close()
        raise asyncio.CancelledError

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
