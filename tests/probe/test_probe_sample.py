"""What a sample says about an answer, and about the lack of one."""

import asyncio
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maintd.core.errors import Refused, Transient
from maintd.core.ports import HttpRequest
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SOON = timedelta(milliseconds=300)


@pytest.fixture
def curl() -> Curl:
    return Curl(Guard(allow_loopback=True), user_agent="maintd/1", now=lambda: NOW)


async def test_an_answer_is_told_whole(curl, wire, answer):
    server = await wire.says(answer(b"hello", "201 Created", "X-One: 1", "x-one: 2", "X-Empty:"))

    sample = await curl.sample(HttpRequest(server.url("/health?deep=1"), headers={"X-Ask": "yes"}))

    assert (sample.at, sample.status, sample.error) == (NOW, 201, "")
    assert (sample.body, sample.size, sample.peer, sample.redirects) == (b"hello", 5, "127.0.0.1", 0)
    assert sample.headers == {"content-length": "5", "connection": "close", "x-one": "1, 2", "x-empty": ""}
    assert (sample.tls_seconds, sample.certificate_expires) == (None, None)
    request = server.requests[0].split("\r\n")
    assert request[0] == "GET /health?deep=1 HTTP/1.1"
    assert sorted(request[1:-2]) == [
        "Accept: */*",
        f"Host: 127.0.0.1:{server.port}",
        "User-Agent: maintd/1",
        "X-Ask: yes",
    ]


async def test_phases_follow_each_other_and_hold_what_the_server_took(curl, wire, answer):
    async def speak(writer):
        await asyncio.sleep(0.1)
        head, _, body = answer(b"12345").partition(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n" + body[:1])
        await asyncio.sleep(0.05)
        writer.write(body[1:])

    server = await wire.start(speak)
    began = time.monotonic()
    sample = await curl.sample(HttpRequest(server.url()))
    took = time.monotonic() - began

    phases = [sample.dns_seconds, sample.connect_seconds, sample.first_byte_seconds, sample.total_seconds]
    assert phases == sorted(phases)
    assert sample.dns_seconds > 0
    assert sample.first_byte_seconds >= 0.1
    assert 0.15 <= sample.total_seconds <= took


@pytest.mark.parametrize(
    ("method", "body", "line"),
    [("GET", "", "GET"), ("HEAD", "", "HEAD"), ("POST", '{"a": 1}', "POST"), ("OPTIONS", "", "OPTIONS")],
)
async def test_each_method_goes_out_as_itself(curl, wire, answer, method, body, line):
    server = await wire.says(answer(b"" if method == "HEAD" else b"fine"))

    sample = await curl.sample(HttpRequest(server.url(), method=method, body=body))

    assert (sample.status, sample.error) == (200, "")
    assert server.requests[0].startswith(f"{line} / HTTP/1.1\r\n")


async def test_a_posted_body_arrives_without_waiting_to_be_asked_for(curl, wire):
    body = "x" * 5000
    seen = []

    async def speak(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append((head.lower().count(b"expect:"), await reader.readexactly(5000)))
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"

    sample = await curl.sample(HttpRequest(url, method="POST", body=body))
    server.close()

    assert (sample.status, seen) == (204, [(0, body.encode())])


async def test_the_body_is_kept_to_its_cap_and_counted_beyond(curl, wire, answer):
    server = await wire.says(answer(b"abc" * 100_000))

    sample = await curl.sample(HttpRequest(server.url(), max_body=10))

    assert (sample.body, sample.size) == (b"abcabcabca", 300_000)


async def test_no_body_is_kept_where_none_is_wanted(curl, wire, answer):
    server = await wire.says(answer(b"abc"))

    sample = await curl.sample(HttpRequest(server.url(), max_body=0))

    assert (sample.body, sample.size) == (b"", 3)


async def test_interim_answers_leave_no_headers_behind(curl, wire, answer):
    server = await wire.says(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + answer())

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.headers) == (200, {"content-length": "4", "connection": "close"})


async def test_a_refused_connection_names_who_refused_it(curl):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port meanwhile
        port = unused.getsockname()[1]
        sample = await curl.sample(HttpRequest(f"http://127.0.0.1:{port}/"))

    assert sample.error.startswith(f"connection refused by 127.0.0.1:{port} after ")
    assert (sample.status, sample.connect_seconds, sample.first_byte_seconds) == (None, None, None)
    assert sample.dns_seconds is not None


async def test_a_name_that_does_not_exist_is_said_to_be_that(curl):
    # .invalid never exists (RFC 6761); a label over 63 letters fails without asking anybody.
    sample = await curl.sample(HttpRequest(f"http://{'a' * 64}.invalid/"))

    assert sample.error == f"the name {'a' * 64}.invalid does not resolve"
    assert (sample.status, sample.dns_seconds, sample.connect_seconds) == (None, None, None)


async def test_silence_is_no_answer_within_the_timeout(curl, wire):
    server = await wire.hangs()

    sample = await curl.sample(HttpRequest(server.url(), timeout=SOON))

    assert sample.error == f"no answer from 127.0.0.1:{server.port} within 300ms"
    assert (sample.status, sample.first_byte_seconds) == (None, None)
    assert sample.connect_seconds < 0.3 <= sample.total_seconds


async def test_a_full_backlog_is_no_connection_within_the_timeout(curl):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        sample = await curl.sample(HttpRequest(f"http://127.0.0.1:{port}/", timeout=SOON))
        for each in waiting:
            each.close()

    assert sample.error == f"no connection to 127.0.0.1:{port} within 300ms"
    assert sample.connect_seconds is None


async def test_a_header_that_would_smuggle_another_is_not_sent(curl, wire, answer):
    server = await wire.says(answer())

    for headers in ({"X-A": "1\r\nX-B: 2"}, {"X-A\r\nX-B": "1"}, {"X-A": "1\nHost: x"}, {"X-A": "1\0"}, {"": "1"}):
        with pytest.raises(Refused):
            await curl.sample(HttpRequest(server.url(), headers=headers))

    assert server.connections == 0


@pytest.mark.parametrize("name", ["Authorization", "cookie", "Metadata-Flavor", "X-aws-ec2-metadata-token", "TE"])
async def test_no_credential_is_sent_and_its_value_not_repeated(curl, wire, answer, name):
    server = await wire.says(answer())

    with pytest.raises(Refused) as refused:
        await curl.sample(HttpRequest(server.url(), headers={name: "s3cret"}))

    assert "s3cret" not in str(refused.value)
    assert server.connections == 0


async def test_the_environment_lends_no_proxy_and_no_password(curl, wire, answer, monkeypatch, tmp_path):
    proxy, server = await wire.says(answer(b"proxied")), await wire.says(answer(b"direct"))
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url())
    monkeypatch.delenv("no_proxy", raising=False)
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password s3cret\n")
    (tmp_path / ".curlrc").write_text(f'proxy = "{proxy.url()}"\n')
    monkeypatch.setenv("HOME", str(tmp_path))

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.body, proxy.connections) == (b"direct", 0)
    assert "authorization" not in server.requests[0].lower()


async def test_every_sample_makes_its_own_connection(curl, wire):
    server = await wire.says(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=1\r\n\r\n")

    for _ in range(3):
        await curl.sample(HttpRequest(server.url()))

    assert server.connections == 3
    assert not any("cookie" in request.lower() for request in server.requests)


async def test_sixty_that_hang_do_not_hold_up_another(wire, answer):
    curl = Curl(Guard(allow_loopback=True), threads=64)
    silent, quick = await wire.hangs(), await wire.says(answer())
    hung = [
        asyncio.create_task(curl.sample(HttpRequest(silent.url(), timeout=timedelta(seconds=2)))) for _ in range(60)
    ]
    while silent.connections < 60:
        await asyncio.sleep(0.01)

    samples = [await curl.sample(HttpRequest(quick.url())) for _ in range(5)]

    assert [sample.status for sample in samples] == [200] * 5
    assert not any(task.done() for task in hung)
    for task in hung:
        task.cancel()


async def test_without_a_free_thread_the_run_may_try_again_later(wire, answer):
    curl = Curl(Guard(allow_loopback=True), threads=2)
    silent, quick = await wire.hangs(), await wire.says(answer())
    hung = [asyncio.create_task(curl.sample(HttpRequest(silent.url(), timeout=SOON))) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(Transient, match="2 others are still under way"):
        await curl.sample(HttpRequest(quick.url()))
    await asyncio.gather(*hung)
    await _until_idle()

    assert (await curl.sample(HttpRequest(quick.url()))).status == 200


async def test_a_cancelled_sample_gives_its_thread_back_long_before_its_timeout(wire, answer):
    curl = Curl(Guard(allow_loopback=True), threads=1)
    silent, quick = await wire.hangs(), await wire.says(answer())
    hung = asyncio.create_task(curl.sample(HttpRequest(silent.url(), timeout=timedelta(minutes=10))))
    await asyncio.sleep(0.05)

    hung.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hung
    await _until_idle()

    assert (await curl.sample(HttpRequest(quick.url()))).status == 200


async def test_a_thread_that_hangs_is_not_waited_for(wire, answer):
    """As a lookup does in a libcurl that has no resolver thread: inside perform(), deaf to its timeout."""
    release = threading.Event()

    class Hanging(Guard):
        def denies(self, address, port):
            release.wait()
            return ""

    server = await wire.says(answer())
    sample = await Curl(Hanging(allow_loopback=True)).sample(
        HttpRequest(server.url(), timeout=timedelta(milliseconds=1))
    )
    release.set()

    assert sample.error == "no answer within 1ms; the name lookup hangs"
    assert (sample.status, sample.total_seconds) == (None, None)


async def test_a_defect_reaches_whoever_awaits_the_sample(wire, answer):
    times = iter([NOW])  # a clock that breaks inside the thread
    curl = Curl(Guard(allow_loopback=True), now=lambda: next(times, None) or 1 / 0)
    server = await wire.says(answer())

    with pytest.raises(ZeroDivisionError):
        await curl.sample(HttpRequest(server.url()))


async def test_two_hundred_samples_leave_nothing_open(curl, wire, answer):
    server = await wire.says(answer())
    request = HttpRequest(server.url())
    await curl.sample(request)
    await _until_idle()
    before = _open_files()

    for _ in range(200):
        assert (await curl.sample(request)).status == 200
    await _until_idle()

    assert _open_files() <= before + 2  # the server's side of the last ones may still be closing
    assert not [thread for thread in threading.enumerate() if thread.name == "probe"]


async def _until_idle():
    async with asyncio.timeout(10):
        while any(thread.name == "probe" for thread in threading.enumerate()):
            await asyncio.sleep(0.01)


def _open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_who_stops_in_the_moment_of_the_answer_is_stopped(curl):
    sampling = asyncio.create_task(curl.sample(HttpRequest("http://127.0.0.1:1/")))
    await asyncio.sleep(0)
    for thread in [one for one in threading.enumerate() if one.name == "probe"]:
        thread.join()
    await asyncio.sleep(0)  # the answer is there, and whoever asked has not gone on yet

    sampling.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sampling
