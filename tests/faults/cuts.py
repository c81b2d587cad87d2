"""The ways to cut one replica of maintd off from the others' API server, each for as long as its context is open."""

import random
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from aiohttp import web

from maintd.sandbox import faults
from maintd.sandbox.reply import Reply
from tests.faults.proxy import Weather
from tests.faults.trio import Replica, Trio

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
"""Debian's faketime, where it is installed: without it no clock jumps."""
STOPPED, JUMP = "stopped", "clock jump"

Cut = Callable[[Trio, Replica, random.Random], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _weather(weather: Weather, _: Trio, cut: Replica, __: random.Random) -> AsyncIterator[None]:
    await cut.way.turn(weather)
    try:
        yield
    finally:
        await cut.way.turn(Weather.FAIR)


@asynccontextmanager
async def _stranger(reply: Reply, found: Trio, cut: Replica, _: random.Random) -> AsyncIterator[None]:
    """Somebody else answers, always with this."""

    async def answer(_: web.Request) -> web.Response:
        headers = {"Content-Type": reply.content_type, **reply.headers}
        return web.Response(status=reply.code, body=reply.body, headers=headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        await _led(cut, f"http://127.0.0.1:{runner.addresses[0][1]}")
        yield
    finally:
        await _led(cut, found.sandbox.url)
        await runner.cleanup()


async def _led(replica: Replica, to: str) -> None:
    """What it has open ends, and what it opens ends there."""
    replica.way.to = to
    await replica.way.turn(Weather.RESET)
    await replica.way.turn(Weather.FAIR)


@asynccontextmanager
async def _stopped(_: Trio, cut: Replica, __: random.Random) -> AsyncIterator[None]:
    cut.process.tell(signal.SIGSTOP)
    try:
        yield
    finally:
        cut.process.tell(signal.SIGCONT)


@asynccontextmanager
async def _lease_deleted(found: Trio, _: Replica, __: random.Random) -> AsyncIterator[None]:
    found.remove_lease()
    yield


@asynccontextmanager
async def _lease_edited(found: Trio, _: Replica, __: random.Random) -> AsyncIterator[None]:
    found.edit_lease()
    yield


@asynccontextmanager
async def _clock_jump(_: Trio, cut: Replica, chance: random.Random) -> AsyncIterator[None]:
    cut.clock.write_text(chance.choice(("+3600s", "-3600s")))
    try:
        yield
    finally:
        cut.clock.write_text("+0")


CUTS: dict[str, Cut] = {
    "reset": partial(_weather, Weather.RESET),
    "refused": partial(_weather, Weather.REFUSED),
    "black hole": partial(_weather, Weather.BLACK_HOLE),
    "10 B/s": partial(_weather, Weather.TRICKLE),
    "HTML 500": partial(_stranger, faults.html(500)),
    "429 storm": partial(_stranger, faults.unavailable(429, retry_after=1)),
    STOPPED: _stopped,
    "Lease deleted": _lease_deleted,
    "Lease edited": _lease_edited,
    JUMP: _clock_jump,
}


def clock_environment() -> dict[str, str]:
    """Of processes whose wall clock may jump; what counts seconds is left alone, as by a real jump."""
    return {"LD_PRELOAD": str(FAKETIME), "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
