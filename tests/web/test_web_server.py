"""What the kubelet, Prometheus and strangers get over HTTP."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import aiohttp
import pytest

from maintd.core.errors import ConfigError
from maintd.telemetry.health import Health
from maintd.telemetry.metrics import Metrics
from maintd.web.server import Server

PLAIN = "text/plain; charset=utf-8"


class Daemon:
    """What stands behind the endpoints, to be made to stumble."""

    def __init__(self) -> None:
        self.overdue = timedelta(0)
        self.config = ""
        self.metrics = Metrics()
        self.health = Health(lambda: 0.0, lambda: self.overdue, {"config": lambda: self.config})

    def server(self, address: str = "127.0.0.1:0", **how: timedelta) -> Server:
        return Server(address, self.health, self.metrics.exposition, **how)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@pytest.fixture
async def server(daemon):
    found = daemon.server()
    await found.start()
    yield found
    await found.stop()


async def fetched(server: Server, path: str, method: str = "GET") -> tuple[int, str, str]:
    async with aiohttp.ClientSession() as session, session.request(method, server.url + path) as response:
        return response.status, response.headers["Content-Type"], await response.text()


async def test_a_living_daemon_says_so(server):
    assert await fetched(server, "/livez") == (200, PLAIN, "alive\n")


async def test_a_daemon_that_stands_still_asks_to_be_restarted(server, daemon):
    daemon.overdue = timedelta(minutes=1)

    assert await fetched(server, "/livez") == (503, PLAIN, "scheduler: has stood still for 60 s\n")


async def test_it_is_not_ready_before_its_jobs_are_scheduled(server):
    assert await fetched(server, "/readyz") == (503, PLAIN, "starting\nconfig: ok\n")


async def test_a_bad_reload_leaves_it_ready_and_is_told(server, daemon):
    daemon.health.started()
    daemon.config = "jobs.yaml:6:16: jobs[0].params.older_then: unknown key; did you mean older_than?"

    assert await fetched(server, "/readyz") == (200, PLAIN, f"ready\nconfig: {daemon.config}\n")


async def test_prometheus_gets_its_own_content_type(server, daemon):
    daemon.metrics.config_reloaded(successful=True)

    status, content_type, text = await fetched(server, "/metrics")

    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "\nmaintd_config_last_reload_successful 1.0\n" in text


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/"), ("GET", "/livez/x"), ("GET", "/%2e%2e/etc"), ("POST", "/livez"), ("DELETE", "/metrics")],
)
async def test_anything_else_is_told_what_there_is(server, method, path):
    assert await fetched(server, path, method) == (404, PLAIN, "not here; there are /livez, /readyz and /metrics\n")


async def test_head_is_answered_without_a_body(server):
    assert await fetched(server, "/livez", "HEAD") == (200, PLAIN, "")


async def test_the_reply_does_not_say_what_it_is_made_of(server):
    async with aiohttp.ClientSession() as session, session.get(f"{server.url}/livez") as response:
        assert response.headers["Server"] == "maintd"


@pytest.mark.parametrize("sent", [b"", b"GET /livez HT", b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Slow: "])
async def test_a_client_that_never_finishes_is_cut_off(daemon, sent):
    server = daemon.server(longest_connection=timedelta(seconds=0.1))
    await server.start()
    port = urlsplit(server.url).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)

    async with asyncio.timeout(10):
        with suppress(ConnectionResetError):
            assert await reader.read() == b""

    assert await fetched(server, "/livez") == (200, PLAIN, "alive\n")
    writer.close()
    await server.stop()


async def test_a_hundred_slow_clients_keep_nobody_out(server):
    port = urlsplit(server.url).port
    slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
    for _, writer in slow:
        writer.write(b"GET /livez HTTP/1.1\r\n")

    assert await fetched(server, "/livez") == (200, PLAIN, "alive\n")

    for _, writer in slow:
        writer.close()


async def test_a_stopped_server_listens_no_more(daemon):
    server = daemon.server()
    await server.start()
    url = server.url

    await server.stop()

    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(f"{url}/livez")


async def test_an_address_in_use_is_a_mistake_of_configuration(server, daemon):
    taken = server.url.removeprefix("http://")

    with pytest.raises(ConfigError, match=f"^MAINTD_HTTP_ADDRESS={taken} cannot be listened on: .* or stop what uses"):
        await daemon.server(taken).start()


@pytest.mark.parametrize("address", ["", "8080", "localhost", "localhost:", "localhost:http", ":65536", ":-1", ":٣"])
def test_what_is_no_address_is_refused_with_what_to_write(daemon, address):
    with pytest.raises(ConfigError, match="write host:port, or :port for every interface"):
        daemon.server(address)


@pytest.mark.parametrize(
    ("address", "begin"),
    [
        (":0", "http://127.0.0.1:"),
        ("0.0.0.0:0", "http://127.0.0.1:"),
        ("localhost:0", "http://127.0.0.1:"),
        ("[::1]:0", "http://[::1]:"),
    ],
)
async def test_the_url_is_one_that_this_machine_can_open(daemon, address, begin):
    server = daemon.server(address)
    await server.start()

    assert server.url.startswith(begin)
    assert (await fetched(server, "/livez"))[0] == 200

    await server.stop()
