"""Failures that no server on loopback can be made to show."""

import errno
from datetime import UTC, datetime, timedelta

import pycurl
import pytest

from maintd.probe.reasons import Failure, reason

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def failure(code: int, **known: object) -> Failure:
    facts = {
        "text": "libcurl's words",
        "errno": 0,
        "host": "app.web.svc",
        "peer": "10.0.0.1:80",
        "seconds": 0.0034,
        "timeout": timedelta(seconds=10),
        "connected": True,
        "secured": True,
        "status": 0,
        "received": 0,
        "verify_result": 0,
        "expires": None,
        "now": NOW,
    }
    return Failure(code=code, **(facts | known))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (failure(pycurl.E_COULDNT_CONNECT, errno=errno.EHOSTUNREACH), "no route to 10.0.0.1:80 after 3.4ms"),
        (failure(pycurl.E_COULDNT_CONNECT, errno=errno.ENETUNREACH), "no route to 10.0.0.1:80 after 3.4ms"),
        (
            failure(pycurl.E_COULDNT_CONNECT, errno=errno.EACCES, peer=""),
            "no connection to app.web.svc after 3.4ms (curl error 7: libcurl's words)",
        ),
        (
            failure(pycurl.E_OPERATION_TIMEDOUT, peer="", connected=False),
            "the name app.web.svc was not resolved within 10s; does the cluster's DNS answer?",
        ),
        (
            failure(pycurl.E_OPERATION_TIMEDOUT, secured=False),
            "no TLS handshake with 10.0.0.1:80 within 10s",
        ),
        (
            failure(pycurl.E_PEER_FAILED_VERIFICATION, verify_result=10, expires=NOW + timedelta(days=9)),
            "a certificate above that of app.web.svc in its chain has expired",
        ),
        (
            failure(pycurl.E_PEER_FAILED_VERIFICATION, verify_result=18),
            "the certificate of app.web.svc is signed by itself, not by a known authority",
        ),
        (
            failure(pycurl.E_PEER_FAILED_VERIFICATION, verify_result=23, text="certificate revoked (23)"),
            "the certificate of app.web.svc is not trusted (curl error 60: certificate revoked (23))",
        ),
        (failure(pycurl.E_SEND_ERROR), "10.0.0.1:80 reset the connection after 3.4ms"),
        (
            failure(12345, text="a\r\nb\x1b[31m" + "c" * 500),
            "no answer from 10.0.0.1:80 after 3.4ms (curl error 12345: a  b [31m" + "c" * 111 + ")",
        ),
    ],
)
def test_each_failure_has_its_words(found, words):
    assert reason(found) == words
