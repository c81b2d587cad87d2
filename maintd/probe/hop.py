"""One request over the wire and what came back, a redirect being an answer like any other."""

import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from ssl import cert_time_to_seconds
from typing import Any
from urllib.parse import urlsplit

import pycurl

from maintd.core.errors import Refused
from maintd.core.ports import HttpRequest, HttpSample
from maintd.probe.guard import Guard, refusal
from maintd.probe.reasons import Failure, reason

MAX_READ = 64 * 1024 * 1024
"""Bytes of a body after which reading is given up, kept or not."""
_NO_SOCKET: int = pycurl.SOCKET_BAD


@dataclass(frozen=True, slots=True)
class Client:
    """What is the same for every exchange."""

    guard: Guard
    ca_file: str
    user_agent: str
    now: Callable[[], datetime]


class Hop:
    """What libcurl calls back to while it performs one request, and the sample that is made of it."""

    def __init__(self, request: HttpRequest, client: Client, url: str) -> None:
        self._request = request
        self._client = client
        self._url = urlsplit(url)
        self._body = bytearray()
        self._size = 0
        self._headers: dict[str, str] = {}
        self._sockets = ExitStack()  # pycurl works on duplicates, so the originals are ours to close
        self._tried = ""
        self._refused: Refused | None = None

    def perform(self, handle: pycurl.Curl, headers: Mapping[str, str], offset: float) -> HttpSample:
        """Send and receive; `offset` is what the hops before took. Raises Refused for a denied address."""
        handle.setopt(pycurl.URL, self._url.geturl())
        handle.setopt(pycurl.HTTPHEADER, ["Expect:", *(f"{k}: {v}" if v else f"{k};" for k, v in headers.items())])
        left = self._request.timeout.total_seconds() - offset
        handle.setopt(pycurl.TIMEOUT_MS, max(1, round(left * 1000)))
        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        handle.setopt(pycurl.WRITEFUNCTION, self._take_body)
        handle.setopt(pycurl.HEADERFUNCTION, self._take_header)
        try:
            with self._sockets:
                handle.perform()
        except pycurl.error as error:
            if self._refused:
                raise self._refused from None
            code, text = error.args
            return self._sample(handle, offset, self._why(handle, offset, code, text))
        return self._sample(handle, offset, "")

    def _open_socket(self, _purpose: int, address: Any) -> socket.socket | int:
        host, port = address.addr[:2]
        self._tried = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if why := self._client.guard.denies(host, port):
            self._refused = refusal(self._url.hostname or "", host, why)
            return _NO_SOCKET
        try:
            return self._sockets.enter_context(socket.socket(address.family, address.socktype, address.protocol))
        except OSError:  # a machine without IPv6, say; libcurl goes on with the next address
            return _NO_SOCKET

    def _take_body(self, chunk: bytes) -> int:
        self._size += len(chunk)
        self._body += chunk[: max(0, self._request.max_body - len(self._body))]
        return len(chunk) if self._size <= MAX_READ else -1  # fewer than given makes libcurl break off

    def _take_header(self, line: bytes) -> None:
        text = line.decode("latin-1").strip()
        if text.startswith("HTTP/"):
            self._headers.clear()  # what was before are interim answers: 100, 103
            return
        name, colon, value = text.partition(":")
        if colon:
            name, value = name.strip().lower(), value.strip()
            self._headers[name] = f"{self._headers[name]}, {value}" if name in self._headers else value

    def _sample(self, handle: pycurl.Curl, offset: float, error: str) -> HttpSample:
        answered = handle.getinfo(pycurl.RESPONSE_CODE) > 0

        def reached(phase: int) -> float | None:
            seconds: float = handle.getinfo(phase)
            return offset + seconds if answered or seconds > 0 else None

        return HttpSample(
            at=self._client.now(),
            status=handle.getinfo(pycurl.RESPONSE_CODE) if not error else None,
            error=error,
            dns_seconds=reached(pycurl.NAMELOOKUP_TIME),
            connect_seconds=reached(pycurl.CONNECT_TIME),
            tls_seconds=reached(pycurl.APPCONNECT_TIME) if self._url.scheme == "https" else None,
            # libcurl sets this one on failures too, to the time of the failure.
            first_byte_seconds=reached(pycurl.STARTTRANSFER_TIME) if answered else None,
            total_seconds=offset + handle.getinfo(pycurl.TOTAL_TIME),
            body=bytes(self._body),
            size=self._size,
            headers=self._headers,
            peer=handle.getinfo(pycurl.PRIMARY_IP),
            certificate_expires=_expires(handle),
        )

    def _why(self, handle: pycurl.Curl, offset: float, code: int, text: str) -> str:
        secured = pycurl.APPCONNECT_TIME if self._url.scheme == "https" else pycurl.CONNECT_TIME
        return reason(
            Failure(
                code=code,
                text=text,
                errno=handle.getinfo(pycurl.OS_ERRNO),
                host=self._url.hostname or "",
                peer=self._tried,
                seconds=offset + handle.getinfo(pycurl.TOTAL_TIME),
                timeout=self._request.timeout,
                connected=handle.getinfo(pycurl.CONNECT_TIME) > 0,
                secured=handle.getinfo(secured) > 0,
                status=handle.getinfo(pycurl.RESPONSE_CODE),
                received=self._size,
                verify_result=handle.getinfo(pycurl.SSL_VERIFYRESULT),
                expires=_expires(handle),
                now=self._client.now(),
            )
        )


def _expires(handle: pycurl.Curl) -> datetime | None:
    """When the certificate of the server itself ends; libcurl lists the chain from it upwards."""
    chain = handle.getinfo(pycurl.INFO_CERTINFO)
    ends = [value for name, value in chain[0] if name == "Expire date"] if chain else []
    return datetime.fromtimestamp(cert_time_to_seconds(ends[0]), UTC) if ends else None
