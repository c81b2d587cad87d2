"""Where probes may not go: this machine, link-local addresses, cloud metadata, the API server.

What is judged is the address that is about to be connected to, after every spelling and name has become one; so
neither `0x7f.1` nor a name whose answer changes between a check and the connection gets past it. Private ranges are
allowed, since Services live there.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from maintd.core.errors import Refused
from maintd.core.ports import HttpRequest
from maintd.objects.endpoints import header_fault, url_fault

Address = IPv4Address | IPv6Address

_METADATA_NAMES = {
    "metadata",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
    "instance-data.ec2.internal",
}
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_DENIED: tuple[tuple[IPv4Network | IPv6Network, str], ...] = (
    (ip_network("169.254.0.0/16"), "a link-local address, where cloud metadata lives"),
    (ip_network("fe80::/10"), "a link-local address"),
    (ip_network("fd00:ec2::/32"), "a cloud metadata address"),
    (ip_network("fd20:ce::254/128"), "a cloud metadata address"),
    (ip_network("100.100.100.200/32"), "a cloud metadata address"),
    (ip_network("168.63.129.16/32"), "a cloud metadata address"),
    (ip_network("192.0.0.192/32"), "a cloud metadata address"),
    (ip_network("0.0.0.0/8"), "an unspecified address, which means this machine"),
    (ip_network("::/128"), "the unspecified address, which means this machine"),
    (ip_network("224.0.0.0/4"), "a multicast address"),
    (ip_network("ff00::/8"), "a multicast address"),
    (ip_network("255.255.255.255/32"), "the broadcast address"),
)
# IPv6 ranges whose last 32 bits are an IPv4 address that the packet is carried to (RFC 4291, 6052, 8215, 2765).
_CARRIERS = tuple(map(IPv6Network, ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_ISATAP = (0x00005EFE, 0x02005EFE)


_REMEDY = "; point the job at a Service of the application: http://SERVICE.NAMESPACE.svc"


class Guard:
    """Says no to requests and addresses. `allow_loopback` is for the sandbox, whose services live there.

    `api_server` is the URL that the cluster transport uses; its host and port are refused as well.
    """

    def __init__(self, *, allow_loopback: bool = False, api_server: str = "") -> None:
        self._allow_loopback = allow_loopback
        parts = urlsplit(api_server)
        self._api_host = (parts.hostname or "").rstrip(".")
        self._api_port = parts.port or (80 if parts.scheme == "http" else 443)

    def check(self, request: HttpRequest) -> None:
        """Raise Refused for a request that is not sent at all."""
        self.check_url(request.url)
        for name, value in request.headers.items():
            if fault := header_fault(name, value):
                raise Refused(f"the probe was not sent: {fault}")

    def check_url(self, url: str) -> None:
        """Raise Refused for a URL that is not asked, before any name is looked up."""
        if fault := url_fault(url):
            raise Refused(f"the probe was not sent: {fault}")
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
        port = parts.port or (80 if parts.scheme == "http" else 443)
        if host in _METADATA_NAMES:
            raise Refused(f"may not probe {host}: it is the cloud's metadata server{_REMEDY}")
        if (host, port) == (self._api_host, self._api_port):
            raise Refused(f"may not probe {host}:{port}: it is the API server{_REMEDY}")

    def denies(self, address: str, port: int) -> str:
        """What this address is that it may not be connected to, or an empty string; asked just before connect(2)."""
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return "not an IP address"
        for face in _faces(found):
            if why := self._denied(face, port):
                return why if face == found else f"a way to {face}, {why}"
        return ""

    def _denied(self, address: Address, port: int) -> str:
        if any(address in network for network in _LOOPBACK) and not self._allow_loopback:
            return "a loopback address, which is maintd's own pod"
        if (str(address), port) == (self._api_host, self._api_port):
            return "the API server"
        return next((why for network, why in _DENIED if address in network), "")


def refusal(host: str, address: str, why: str) -> Refused:
    """The error for a connection that was not made."""
    asked = address if host == address else f"{host[:253]}, which leads to {address}"
    return Refused(f"may not probe {asked}: it is {why}{_REMEDY}")


def _faces(address: Address) -> Iterator[Address]:
    """The address, and each IPv4 address that a packet to it may end up at."""
    yield address
    if isinstance(address, IPv4Address) or address in _LOOPBACK[1] or int(address) == 0:
        return
    tail = int(address) & 0xFFFFFFFF
    if any(address in carrier for carrier in _CARRIERS) or (int(address) >> 32) & 0xFFFFFFFF in _ISATAP:
        yield IPv4Address(tail)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
