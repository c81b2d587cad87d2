"""Redirects: as many as were asked for, and nothing taken along that was meant for one origin only."""

import asyncio
from datetime import timedelta

import pytest

from maintd.core.ports import HttpRequest
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard


@pytest.fixture
def curl() -> Curl:
    return Curl(Guard(allow_loopback=True))


async def test_a_redirect_is_an_answer_where_none_is_followed(curl, wire, answer):
    there = await wire.says(answer())
    here = await wire.says(answer(b"", "302 Found", f"Location: {there.url()}"))

    sample = await curl.sample(HttpRequest(here.url()))

    assert (sample.status, sample.redirects, sample.headers["location"]) == (302, 0, there.url())
    assert there.connections == 0


async def test_a_redirect_is_followed_and_its_times_add_up(curl, wire, answer):
    there = await wire.says(answer(b"there"))
    here = await wire.says(answer(b"here", "302 Found", f"Location: {there.url('/x?y=1')}", "X-Here: 1"))

    sample = await curl.sample(HttpRequest(here.url(), max_redirects=1))

    assert (sample.status, sample.redirects, sample.body, sample.size) == (200, 1, b"there", 5)
    assert "x-here" not in sample.headers
    assert there.requests[0].startswith("GET /x?y=1 HTTP/1.1\r\n")
    phases = [sample.dns_seconds, sample.connect_seconds, sample.first_byte_seconds, sample.total_seconds]
    assert phases == sorted(phases)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"])
async def test_a_relative_redirect_stays_on_its_host_with_its_headers(curl, wire, status):
    async def speak(writer):
        first = len(server.requests) == 1
        head = f"HTTP/1.1 {status}\r\nLocation: ../b" if first else "HTTP/1.1 200 OK"
        writer.write(f"{head}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())

    server = await wire.start(speak)
    sample = await curl.sample(HttpRequest(server.url("/a/a"), headers={"X-Tenant": "t1"}, max_redirects=3))

    assert (sample.status, sample.redirects) == (200, 1)
    assert server.requests[1].startswith("GET /b HTTP/1.1\r\n")
    assert ["X-Tenant: t1" in request for request in server.requests] == [True, True]


async def test_headers_and_cookies_do_not_go_to_another_origin(curl, wire, answer):
    there = await wire.says(answer())
    here = await wire.says(answer(b"", "302 Found", f"Location: {there.url()}", "Set-Cookie: session=s3cret"))

    sample = await curl.sample(HttpRequest(here.url(), headers={"X-Api-Key": "s3cret"}, max_redirects=1))

    assert sample.status == 200
    assert "s3cret" in here.requests[0]
    assert "s3cret" not in there.requests[0]


async def test_a_loop_ends_after_so_many_redirects(curl, wire, answer):
    server = await wire.says(answer(b"", "302 Found", "Location: /again"))

    sample = await curl.sample(HttpRequest(server.url(), max_redirects=3))

    assert (sample.status, sample.error) == (None, "more than 3 redirects, the last to 127.0.0.1")
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("location", "scheme"),
    [("file:///etc/passwd", "file"), ("gopher://127.0.0.1/", "gopher"), ("FTP://127.0.0.1/", "ftp")],
)
async def test_no_redirect_leads_out_of_http(curl, wire, answer, location, scheme):
    server = await wire.says(answer(b"", "302 Found", f"Location: {location}"))

    sample = await curl.sample(HttpRequest(server.url(), max_redirects=3))

    assert (sample.status, sample.error, sample.body) == (
        None,
        f"redirected to a {scheme} URL, which probes do not follow",
        b"",
    )


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_only_get_and_head_are_repeated_elsewhere(curl, wire, answer, method):
    there = await wire.says(answer())
    here = await wire.says(answer(b"", "307 Temporary Redirect", f"Location: {there.url()}"))

    sample = await curl.sample(HttpRequest(here.url(), method=method, max_redirects=3))

    assert (sample.status, there.connections) == (307, 0)


async def test_the_timeout_is_for_all_hops_together(curl, wire):
    async def slow(writer):
        await asyncio.sleep(0.15)
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    server = await wire.start(slow)
    sample = await curl.sample(HttpRequest(server.url(), max_redirects=10, timeout=timedelta(milliseconds=400)))

    assert sample.error == f"no answer from 127.0.0.1:{server.port} within 400ms"
    assert len(server.requests) <= 3


async def test_a_redirect_into_nothing_says_what_is_missing_there(curl, wire, answer):
    silent = await wire.hangs()
    here = await wire.says(answer(b"", "302 Found", f"Location: {silent.url()}"))

    sample = await curl.sample(HttpRequest(here.url(), max_redirects=1, timeout=timedelta(milliseconds=200)))

    assert (sample.status, sample.error) == (None, f"no answer from 127.0.0.1:{silent.port} within 200ms")
    assert (sample.redirects, sample.headers, sample.first_byte_seconds) == (1, {}, None)


async def test_a_redirect_without_a_place_is_just_an_answer(curl, wire, answer):
    server = await wire.says(answer(b"", "302 Found"))

    sample = await curl.sample(HttpRequest(server.url(), max_redirects=3))

    assert (sample.status, sample.error, sample.redirects) == (302, "", 0)
