"""Why there was no answer, in an operator's words."""

import errno
from dataclasses import dataclass
from datetime import datetime, timedelta

import pycurl

from maintd.core.text import elapsed, sized
from maintd.core.units import format_duration

_X509_EXPIRED, _X509_NOT_YET, _X509_SELF_SIGNED, _X509_SELF_SIGNED_CHAIN = 10, 9, 18, 19
_X509_NO_ISSUER = (2, 20, 21, 27)
_UNREACHABLE = {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EADDRNOTAVAIL}
_NOT_HTTP = (pycurl.E_UNSUPPORTED_PROTOCOL, 8)
_HEADERS_TOO_LARGE = 100


@dataclass(frozen=True, slots=True)
class Failure:
    """All that is known of an exchange that went wrong."""

    code: int
    text: str
    """libcurl's own words."""
    errno: int
    host: str
    peer: str
    """`10.0.0.1:80`, the last address that was tried; empty when none was."""
    seconds: float
    timeout: timedelta
    connected: bool
    secured: bool
    """The TLS handshake is done, or none is needed."""
    status: int
    received: int
    verify_result: int
    expires: datetime | None
    now: datetime


def reason(failure: Failure) -> str:
    """One line for the person who is woken by it."""
    match failure.code:
        case pycurl.E_COULDNT_RESOLVE_HOST:
            return f"the name {failure.host} does not resolve"
        case pycurl.E_COULDNT_CONNECT:
            return _unconnected(failure)
        case pycurl.E_OPERATION_TIMEDOUT:
            return _too_slow(failure)
        case pycurl.E_PEER_FAILED_VERIFICATION:
            return _untrusted(failure)
        case pycurl.E_SSL_CONNECT_ERROR:
            return f"{failure.peer} did not complete a TLS handshake; does it speak plain http? ({_quoted(failure)})"
        case _:
            return _broken_off(failure)


def _unconnected(failure: Failure) -> str:
    after = f"after {elapsed(failure.seconds)}"
    where = failure.peer or failure.host
    if failure.errno == errno.ECONNREFUSED:
        return f"connection refused by {where} {after}"
    if failure.errno in _UNREACHABLE:
        return f"no route to {where} {after}"
    return f"no connection to {where} {after} ({_quoted(failure)})"


def _too_slow(failure: Failure) -> str:
    within = f"within {format_duration(failure.timeout)}"
    if not failure.peer:
        return f"the name {failure.host} was not resolved {within}; does the cluster's DNS answer?"
    if not failure.connected:
        return f"no connection to {failure.peer} {within}"
    if not failure.secured:
        return f"no TLS handshake with {failure.peer} {within}"
    if not failure.status:
        return f"no answer from {failure.peer} {within}"
    return f"{failure.peer} answered {failure.status}, but not to the end {within} ({sized(failure.received)} came)"


def _untrusted(failure: Failure) -> str:
    whose = f"the certificate of {failure.host}"
    if failure.verify_result == _X509_EXPIRED:
        if failure.expires and failure.expires < failure.now:
            return f"{whose} expired on {failure.expires:%Y-%m-%d}"
        return f"a certificate above that of {failure.host} in its chain has expired"
    if failure.verify_result == _X509_NOT_YET:
        return f"{whose} is not valid yet"
    if failure.verify_result in (_X509_SELF_SIGNED, _X509_SELF_SIGNED_CHAIN):
        return f"{whose} is signed by itself, not by a known authority"
    if failure.verify_result in _X509_NO_ISSUER:
        return f"{whose} is signed by an authority that is not known here; name its file in SSL_CERT_FILE"
    if "subject name" in failure.text:
        return f"{whose} is for other names, not for this one"
    return f"{whose} is not trusted ({_quoted(failure)})"


def _broken_off(failure: Failure) -> str:
    after = f"after {elapsed(failure.seconds)}"
    peer = failure.peer or failure.host
    if failure.code in _NOT_HTTP:
        return f"{peer} answered something that is not HTTP"
    words = {
        pycurl.E_GOT_NOTHING: f"{peer} closed the connection {after} without an answer",
        pycurl.E_PARTIAL_FILE: f"{peer} broke off {after}, in the middle of the body ({sized(failure.received)} came)",
        pycurl.E_RECV_ERROR: f"{peer} reset the connection {after}",
        pycurl.E_SEND_ERROR: f"{peer} reset the connection {after}",
        pycurl.E_WRITE_ERROR: f"the body is longer than {sized(failure.received)}; reading was given up {after}",
        _HEADERS_TOO_LARGE: f"{peer} sent more headers than libcurl takes",
    }
    return words.get(failure.code, f"no answer from {peer} {after} ({_quoted(failure)})")


def _quoted(failure: Failure) -> str:
    """libcurl's words, short and on one line: they may repeat what the other side sent."""
    words = "".join(letter if letter.isprintable() else " " for letter in failure.text)
    return f"curl error {failure.code}: {words[:120]}"
