"""Probes do not go where they may not, however it is spelled: nobody is connected to."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from maintd.core.errors import Refused
from maintd.core.ports import HttpRequest
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard

# Spellings that reach 127.0.0.0/8 over IPv4 on any machine; {p} is the port.
LOOPBACK = [
    "http://127.0.0.1:{p}/",
    "http://127.1:{p}/",
    "http://127.0.1:{p}/",
    "http://127.0.0.01:{p}/",
    "http://127.000.000.001:{p}/",
    "http://127.0.0.2:{p}/",
    "http://127.1.2.3:{p}/",
    "http://127.255.255.254:{p}/",
    "http://127.65535:{p}/",
    "http://127.0.0x1:{p}/",
    "http://0177.0.0.1:{p}/",
    "http://0177.1:{p}/",
    "http://0177.0x0.0.1:{p}/",
    "http://00000177.1:{p}/",
    "http://0x7f.0.0.1:{p}/",
    "http://0x7f.1:{p}/",
    "http://0x7F.0x0.0x0.0x1:{p}/",
    "http://0x7f.0x1:{p}/",
    "http://0x7f000001:{p}/",
    "http://0X7F000001:{p}/",
    "http://0x0000007f.1:{p}/",
    "http://2130706433:{p}/",
    "http://2130706434:{p}/",
    "http://017700000001:{p}/",
    "http://127.0.0.1.:{p}/",
    "http://localhost:{p}/",
    "http://LOCALHOST:{p}/",
    "http://LocalHost.:{p}/",
    "http://anything.localhost:{p}/",
    "http://a.b.c.localhost:{p}/",
    "http://%31%32%37.0.0.1:{p}/",
    "http://127%2e0%2e0%2e1:{p}/",
    "http://%6c%6f%63alhost:{p}/",
    "HTTP://127.0.0.1:{p}/",
    "http://127.0.0.1:0{p}/",
    "http://127.0.0.1:{p}#@example.com/",
    "http://127.0.0.1:{p}?@example.com/",
    "http://127.0.0.1:{p}",
    "https://127.0.0.1:{p}/",
]
# Spellings that lead to this machine or to metadata by way of IPv6, or that only some machines understand.
ELSEWHERE = [
    "http://[::1]:{p}/",
    "http://[0:0:0:0:0:0:0:1]:{p}/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:{p}/",
    "http://[::0.0.0.1]:{p}/",
    "http://[::1%25lo]:{p}/",
    "http://[::ffff:127.0.0.1]:{p}/",
    "http://[::ffff:7f00:1]:{p}/",
    "http://[::FFFF:7F00:0001]:{p}/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]:{p}/",
    "http://[::ffff:127.9.9.9]:{p}/",
    "http://[::127.0.0.1]:{p}/",
    "http://[::7f00:1]:{p}/",
    "http://[::ffff:0:127.0.0.1]:{p}/",
    "http://[64:ff9b::127.0.0.1]:{p}/",
    "http://[64:ff9b::7f00:1]:{p}/",
    "http://[64:ff9b:1::7f00:1]:{p}/",
    "http://[2002:7f00:1::]:{p}/",
    "http://[2002:7f00:0001::1]:{p}/",
    "http://[2001:0:7f00:1::]:{p}/",
    "http://[2001:0:a00:1::80ff:fffe]:{p}/",
    "http://[2001:db8::5efe:127.0.0.1]:{p}/",
    "http://[2001:db8::200:5efe:7f00:1]:{p}/",
    "http://0.0.0.0:{p}/",
    "http://0:{p}/",
    "http://00:{p}/",
    "http://0x0:{p}/",
    "http://0.0:{p}/",
    "http://0.1.2.3:{p}/",
    "http://[::]:{p}/",
    "http://[::0.0.0.0]:{p}/",
    "http://[::ffff:0.0.0.0]:{p}/",
    "http://[64:ff9b::]:{p}/",
    "http://169.254.169.254/",
    "http://169.254.169.252:988/",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://025177524776/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fd00:0ec2:0:0:0:0:0:254]/",
    "http://[fd20:ce::254]/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://Metadata.Google.Internal./",
    "http://metadata/",
    "http://metadata.goog/",
    "http://instance-data/",
    "http://[fe80::1]:{p}/",
    "http://[fe80::1%25lo]:{p}/",
    "http://[febf:ffff::1]:{p}/",
    "http://224.0.0.1:{p}/",
    "http://239.255.255.250:{p}/",
    "http://255.255.255.255:{p}/",
    "http://[ff02::1]:{p}/",
    "http://[::ffff:224.0.0.1]:{p}/",
    "http://example.com@127.0.0.1:{p}/",
    "http://10.0.0.1:80@127.0.0.1:{p}/",
    "http://a:b@localhost:{p}/",
    "http://127.0.0.1:{p}\\@example.com/",
    "http://example.com\\@127.0.0.1:{p}/",
    "http://１２７.0.0.1:{p}/",
    "http://①②⑦.0.0.1:{p}/",
    "http://127。0。0。1:{p}/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:{p}/",
    "http://127.0.0.1:{p}/ HTTP/1.1",
    "http://127.0.0.1:{p}/\r\nHost: example.com",
    "http://127.0.0.1\t:{p}/",
    " http://127.0.0.1:{p}/",
    "http://127.0.0.1:0/",
    "http://127.0.0.1:99999/",
    "http:///127.0.0.1:{p}/",
    "http://:{p}/",
    "http://[127.0.0.1]:{p}/",
    "//127.0.0.1:{p}/",
    "127.0.0.1:{p}",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{p}/_GET",
    "dict://127.0.0.1:{p}/info",
    "ftp://127.0.0.1:{p}/",
    "ws://127.0.0.1:{p}/",
    "telnet://127.0.0.1:{p}/",
    "",
]


@dataclass
class Counter:
    """Listens on one port on all of this machine's addresses and counts who connects."""

    port: int = 0
    connections: int = 0
    _sockets: list[socket.socket] = field(default_factory=list)

    def listen(self, family: socket.AddressFamily, host: str) -> None:
        listening = socket.create_server((host, self.port), family=family)
        self.port = listening.getsockname()[1]
        self._sockets.append(listening)
        threading.Thread(target=self._count, args=(listening,), daemon=True).start()

    def _count(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                taken, _ = listening.accept()
                self.connections += 1
                taken.close()

    def stop(self) -> None:
        for listening in self._sockets:
            listening.shutdown(socket.SHUT_RDWR)
            listening.close()


@pytest.fixture(scope="module")
def everywhere() -> Iterator[Counter]:
    counter = Counter()
    counter.listen(socket.AF_INET, "0.0.0.0")
    with contextlib.suppress(OSError):  # a machine without IPv6 cannot be reached over it either
        counter.listen(socket.AF_INET6, "::")
    yield counter
    counter.stop()


def test_the_corpus_is_as_large_as_promised():
    assert len({*LOOPBACK, *ELSEWHERE}) == len(LOOPBACK) + len(ELSEWHERE) >= 120


@pytest.mark.parametrize("spelling", LOOPBACK + ELSEWHERE)
async def test_a_denied_address_is_never_connected_to(everywhere, spelling):
    before = everywhere.connections

    with pytest.raises(Refused) as refused:
        await Curl(Guard()).sample(HttpRequest(spelling.replace("{p}", str(everywhere.port))))

    assert everywhere.connections == before
    assert str(refused.value).startswith(("may not probe ", "the probe was not sent: "))


@pytest.mark.parametrize("spelling", LOOPBACK)
async def test_each_spelling_would_connect_were_it_not_refused(everywhere, spelling):
    """So that the test above cannot pass because a spelling is dead."""
    before = everywhere.connections
    request = HttpRequest(spelling.replace("{p}", str(everywhere.port)), timeout=timedelta(seconds=5))

    sample = await Curl(Guard(allow_loopback=True)).sample(request)

    assert everywhere.connections == before + 1, sample.error


async def test_a_refusal_says_where_the_name_led_and_what_to_do():
    with pytest.raises(Refused) as refused:
        await Curl(Guard()).sample(HttpRequest("http://internal.localhost/"))

    assert str(refused.value) in {
        f"may not probe internal.localhost, which leads to {address}: it is a loopback address, which is maintd's own "
        "pod; point the job at a Service of the application: http://SERVICE.NAMESPACE.svc"
        for address in ("127.0.0.1", "::1")
    }


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.96.0.10", True),
        ("172.16.0.1", True),
        ("192.168.1.1", True),
        ("34.118.224.10", True),
        ("100.64.0.1", True),
        ("240.0.0.1", True),
        ("8.8.8.8", True),
        ("fd12:3456::1", True),
        ("2001:4860:4860::8888", True),
        ("64:ff9b::a60:a", True),
        ("::ffff:10.96.0.10", True),
        ("2002:a60:a::1", True),
        ("127.0.0.1", False),
        ("fe80::1%eth0", False),
        ("not an address", False),
    ],
)
def test_services_and_public_addresses_may_be_probed(address, allowed):
    assert (Guard().denies(address, 80) == "") is allowed


def test_what_carries_a_denied_address_says_which():
    assert Guard().denies("64:ff9b::a9fe:a9fe", 80) == (
        "a way to 169.254.169.254, a link-local address, where cloud metadata lives"
    )


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_the_sandbox_may_probe_loopback(address):
    assert Guard(allow_loopback=True).denies(address, 80) == ""


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "169.254.169.254", "fe80::1", "::ffff:169.254.169.254"])
def test_loopback_allowed_allows_nothing_else(address):
    assert Guard(allow_loopback=True).denies(address, 80) != ""


async def test_the_api_server_is_not_probed_and_its_neighbour_is(wire, answer):
    api, app = await wire.says(answer()), await wire.says(answer())
    curl = Curl(Guard(allow_loopback=True, api_server=f"https://127.0.0.1:{api.port}"))

    for url in (api.url(), api.url(host="127.1"), api.url(host="a.localhost"), f"https://0x7f000001:{api.port}/"):
        with pytest.raises(Refused, match="the API server"):
            await curl.sample(HttpRequest(url))

    assert (api.connections, (await curl.sample(HttpRequest(app.url()))).status) == (0, 200)


@pytest.mark.parametrize(
    "url",
    ["https://kubernetes.default.svc/", "https://KUBERNETES.default.svc.:443/x", "http://kubernetes.default.svc:443/"],
)
async def test_the_api_server_is_not_probed_by_its_name_either(url):
    with pytest.raises(Refused, match="it is the API server"):
        await Curl(Guard(api_server="https://kubernetes.default.svc")).sample(HttpRequest(url))


async def test_a_redirect_to_a_denied_address_is_refused_before_it_is_followed(wire, answer):
    api = await wire.says(answer())
    guard = Guard(allow_loopback=True, api_server=f"http://127.0.0.1:{api.port}")
    for location in (api.url(), api.url(host="0x7f.1"), "http://169.254.169.254/", "http://metadata.google.internal/"):
        server = await wire.says(answer(b"", "302 Found", f"Location: {location}"))

        with pytest.raises(Refused, match="may not probe"):
            await Curl(guard).sample(HttpRequest(server.url(), max_redirects=3))

    assert api.connections == 0
