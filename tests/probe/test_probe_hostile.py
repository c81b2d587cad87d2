"""Servers that misbehave: each ends in time, in bounded memory, with a reason."""

import asyncio
import resource
import socket
import struct
from datetime import timedelta

import pytest

from maintd.core.ports import HttpRequest
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard
from maintd.probe.hop import MAX_READ

SOON = timedelta(milliseconds=300)


@pytest.fixture
def curl() -> Curl:
    return Curl(Guard(allow_loopback=True))


def trickle(first: bytes, drop: bytes):
    """A server that goes on for ever, a little at a time."""

    async def speak(writer):
        writer.write(first)
        while True:
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02)

    return speak


async def test_a_head_that_trickles_is_no_answer(curl, wire):
    server = await wire.start(trickle(b"HTTP/1.1 200", b" "))

    sample = await curl.sample(HttpRequest(server.url(), timeout=SOON))

    assert (sample.status, sample.error) == (None, f"no answer from 127.0.0.1:{server.port} within 300ms")


async def test_a_body_that_trickles_is_half_an_answer(curl, wire):
    server = await wire.start(trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"x"))

    sample = await curl.sample(HttpRequest(server.url(), timeout=SOON))

    assert (sample.status, sample.body) == (None, b"x" * sample.size)
    assert sample.error == (
        f"127.0.0.1:{server.port} answered 200, but not to the end within 300ms ({sample.size} B came)"
    )
    assert sample.first_byte_seconds < 0.3 <= sample.total_seconds


async def test_headers_that_trickle_for_ever_end_in_time(curl, wire):
    server = await wire.start(trickle(b"HTTP/1.1 200 OK\r\n", b"X-More: 1\r\n"))

    sample = await curl.sample(HttpRequest(server.url(), timeout=SOON))

    assert sample.status is None
    assert sample.error.endswith("not to the end within 300ms (0 B came)")


async def test_interim_answers_for_ever_end_in_time(curl, wire):
    server = await wire.start(trickle(b"", b"HTTP/1.1 102 Processing\r\n\r\n"))

    sample = await curl.sample(HttpRequest(server.url(), timeout=SOON))

    assert (sample.status, sample.size) == (None, 0)
    assert "within 300ms" in sample.error


@pytest.mark.parametrize("header", [b"X-Big: " + b"a" * 2_000_000, b"\r\n".join([b"X-Many: 1"] * 200_000)])
async def test_headers_without_end_are_given_up(curl, wire, header):
    server = await wire.says(b"HTTP/1.1 200 OK\r\n" + header + b"\r\n\r\n")

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.error) == (None, f"127.0.0.1:{server.port} sent more headers than libcurl takes")


async def test_a_body_without_end_is_given_up_and_fills_no_memory(curl, wire):
    async def speak(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 1_000_000)
            await writer.drain()

    server = await wire.start(speak)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    sample = await curl.sample(HttpRequest(server.url(), timeout=timedelta(seconds=60)))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert sample.error.startswith("the body is longer than 64.0 MiB; reading was given up after ")
    assert (sample.status, len(sample.body)) == (None, 65536)
    assert MAX_READ < sample.size <= MAX_READ + 1024 * 1024
    assert after - before < 32 * 1024  # KiB: half of what was read


async def test_a_compressed_bomb_is_not_unpacked(curl, wire, answer):
    packed = b"\x1f\x8b" + b"\0" * 1000
    server = await wire.says(answer(packed, "200 OK", "Content-Encoding: gzip"))

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.body, sample.size) == (200, packed, 1002)
    assert "accept-encoding" not in server.requests[0].lower()


async def test_a_body_cut_short_is_no_answer(curl, wire):
    server = await wire.says(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")

    sample = await curl.sample(HttpRequest(server.url()))

    assert sample.status is None
    assert sample.error.startswith(f"127.0.0.1:{server.port} broke off after ")
    assert sample.error.endswith(", in the middle of the body (3 B came)")


async def test_a_closed_connection_is_no_answer(curl, wire):
    server = await wire.says(b"")

    sample = await curl.sample(HttpRequest(server.url()))

    assert sample.status is None
    assert sample.error.startswith(f"127.0.0.1:{server.port} closed the connection after ")


async def test_a_reset_connection_is_no_answer(curl, wire):
    async def speak(writer):
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server = await wire.start(speak)
    sample = await curl.sample(HttpRequest(server.url()))

    assert sample.status is None
    assert sample.error.startswith(f"127.0.0.1:{server.port} reset the connection after ")


@pytest.mark.parametrize("banner", [b"SSH-2.0-OpenSSH_9.2\r\n", b"\x16\x03\x01\x02\x00\x01", b"hello\n", b"\0" * 50])
async def test_what_is_not_http_is_said_to_be_that(curl, wire, banner):
    server = await wire.says(banner)

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.error) == (None, f"127.0.0.1:{server.port} answered something that is not HTTP")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/9.9 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nabcdefg",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        b"HTTP/1.1 200 OK\r\nX-Null: a\0b\r\n\r\n",
    ],
)
async def test_a_broken_head_is_a_reason_and_not_an_exception(curl, wire, head):
    server = await wire.says(head)

    sample = await curl.sample(HttpRequest(server.url(), timeout=SOON))

    assert sample.status is None
    assert sample.error
    assert sample.error.isprintable()
    assert len(sample.error) < 250


async def test_headers_of_any_bytes_are_text(curl, wire):
    server = await wire.says(b"HTTP/1.1 200 OK\r\nX-Odd: \xff\xfe\x80\r\n: nameless\r\nContent-Length: 0\r\n\r\n")

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.headers["x-odd"]) == (200, "\xff\xfe\x80")
