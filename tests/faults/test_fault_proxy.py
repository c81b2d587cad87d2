"""What each weather of the proxy does to connections, new ones and those that are open."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.faults.proxy import Proxy, Weather, proxy


@pytest.fixture
async def echo() -> AsyncIterator[Proxy]:
    """A proxy before a server that says again what it is told."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server, proxy(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as made:
        yield made


class Line:
    """One connection through it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, text: bytes, within: float = 2.0) -> bytes:
        """What comes back in that time, until it is as much as was said or the end."""
        self.writer.write(text)
        heard = b""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while len(heard) < len(text) and (data := await self.reader.read(1000)):
                    heard += data
        return heard


@pytest.fixture
async def connect(echo: Proxy) -> AsyncIterator[Callable[[], Awaitable[Line]]]:
    """Opens connections, and closes them at the end."""
    lines = []

    async def made() -> Line:
        lines.append(Line(*await asyncio.open_connection("127.0.0.1", echo.port)))
        return lines[-1]

    yield made
    for line in lines:
        line.writer.close()


async def test_fair_weather_passes_everything_on(echo, connect):
    assert await (await connect()).say(b"hello") == b"hello"


@pytest.mark.parametrize("weather", [Weather.RESET, Weather.REFUSED])
async def test_what_is_open_is_reset_when_the_weather_turns(echo, connect, weather):
    line = await connect()
    await line.say(b"hello")
    await echo.turn(weather)

    with pytest.raises(ConnectionResetError):
        await line.say(b"again")


async def test_new_connections_are_refused_and_taken_again_at_the_same_port(echo, connect):
    port = echo.port
    await echo.turn(Weather.REFUSED)
    with pytest.raises(ConnectionRefusedError):
        await connect()

    await echo.turn(Weather.FAIR)

    assert (echo.port, await (await connect()).say(b"hello")) == (port, b"hello")


async def test_new_connections_are_reset_as_soon_as_they_are_made(echo, connect):
    await echo.turn(Weather.RESET)

    with pytest.raises(ConnectionResetError):
        await (await connect()).say(b"hello")


async def test_a_black_hole_keeps_what_is_said_until_the_weather_is_fair(echo, connect):
    line = await connect()
    await echo.turn(Weather.BLACK_HOLE)
    silence = await line.say(b"hello", 0.2)
    await echo.turn(Weather.FAIR)

    assert (silence, await line.say(b"", 0.1) or await line.reader.read(1000)) == (b"", b"hello")


@pytest.mark.parametrize(("weather", "heard"), [(Weather.BLACK_HOLE, b""), (Weather.TRICKLE, b"x" * 10)])
async def test_who_gave_up_is_not_heard_later(echo, connect, weather, heard):
    line = await connect()
    await echo.turn(weather)
    await line.say(b"x" * 40, 0.1)
    line.writer.write_eof()
    await asyncio.sleep(0.1)
    await echo.turn(Weather.FAIR)

    assert heard.startswith(await line.reader.read(1000))


async def test_ten_bytes_a_second_come_until_the_weather_is_fair(echo, connect):
    line = await connect()
    await echo.turn(Weather.TRICKLE)
    first = await line.say(b"x" * 40, 0.3)
    await echo.turn(Weather.FAIR)

    assert len(first) <= 10
    assert first + await line.reader.readexactly(40 - len(first)) == b"x" * 40


async def test_a_connection_is_cut_after_so_many_bytes_of_the_reply(echo, connect):
    echo.cut_after = 3
    await echo.turn(Weather.CUT)
    line = await connect()

    assert await line.say(b"hello") == b"hel"
