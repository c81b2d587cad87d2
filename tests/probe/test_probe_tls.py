"""Certificates: whom a probe trusts, and what it says of those it does not."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from maintd.core.errors import ConfigError
from maintd.core.ports import HttpRequest
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard

LONG_AGO, ENDED = datetime(2020, 1, 1, tzinfo=UTC), datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
FUTURE = datetime(2090, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.ECDSA)


@pytest.fixture
def ca_file(authority, tmp_path) -> str:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return str(tmp_path / "ca.pem")


@pytest.fixture
def curl(ca_file) -> Curl:
    return Curl(Guard(allow_loopback=True), ca_file=ca_file)


def served(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


async def test_a_trusted_certificate_tells_when_it_ends(curl, wire, answer, authority):
    ends = datetime(2089, 5, 1, 12, 30, tzinfo=UTC)
    server = await wire.says(answer(), tls=served(authority.issue_cert("127.0.0.1", not_after=ends)))

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.error, sample.certificate_expires) == (200, "", ends)
    phases = [
        sample.dns_seconds,
        sample.connect_seconds,
        sample.tls_seconds,
        sample.first_byte_seconds,
        sample.total_seconds,
    ]
    assert phases == sorted(phases)
    assert sample.tls_seconds > sample.connect_seconds


async def test_an_expired_certificate_is_named_with_its_day(curl, wire, answer, authority):
    leaf = authority.issue_cert("127.0.0.1", not_before=LONG_AGO, not_after=ENDED)
    server = await wire.says(answer(), tls=served(leaf))

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.error) == (None, "the certificate of 127.0.0.1 expired on 2021-03-04")
    assert (sample.certificate_expires, sample.tls_seconds, sample.first_byte_seconds) == (ENDED, None, None)
    assert server.requests == []


async def test_a_certificate_that_is_not_valid_yet_is_said_to_be_that(curl, wire, answer, authority):
    leaf = authority.issue_cert("127.0.0.1", not_before=FUTURE, not_after=FUTURE + timedelta(days=1))
    server = await wire.says(answer(), tls=served(leaf))

    sample = await curl.sample(HttpRequest(server.url()))

    assert sample.error == "the certificate of 127.0.0.1 is not valid yet"


async def test_a_certificate_for_other_names_is_not_taken(curl, wire, answer, authority):
    server = await wire.says(answer(), tls=served(authority.issue_cert("other.example")))

    sample = await curl.sample(HttpRequest(server.url(host="a.localhost")))

    assert (sample.status, sample.error) == (
        None,
        "the certificate of a.localhost is for other names, not for this one",
    )


async def test_an_unknown_authority_is_not_trusted(curl, wire, answer):
    stranger = trustme.CA(key_type=trustme.KeyType.ECDSA)
    server = await wire.says(answer(), tls=served(stranger.issue_cert("127.0.0.1")))

    sample = await curl.sample(HttpRequest(server.url()))

    assert (sample.status, sample.error) == (
        None,
        "the certificate of 127.0.0.1 is signed by an authority that is not known here; name its file in SSL_CERT_FILE",
    )


async def test_a_missing_intermediate_is_an_unknown_authority(curl, wire, answer, authority):
    ends = datetime(2037, 5, 1, tzinfo=UTC)
    leaf = authority.create_child_ca(key_type=trustme.KeyType.ECDSA).issue_cert("127.0.0.1", not_after=ends)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with leaf.private_key_and_cert_chain_pem.tempfile() as whole:
        context.load_cert_chain(whole)
    with (
        leaf.private_key_pem.tempfile() as key,
        leaf.cert_chain_pems[0].tempfile() as alone,
    ):
        bare = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        bare.load_cert_chain(alone, key)
    complete, lacking = await wire.says(answer(), tls=context), await wire.says(answer(), tls=bare)

    good = await curl.sample(HttpRequest(complete.url()))
    bad = await curl.sample(HttpRequest(lacking.url()))

    assert (good.status, good.error, good.certificate_expires) == (200, "", ends)
    assert "signed by an authority that is not known here" in bad.error


async def test_certifis_authorities_are_the_default(wire, answer, authority, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    server = await wire.says(answer(), tls=served(authority.issue_cert("127.0.0.1")))

    sample = await Curl(Guard(allow_loopback=True)).sample(HttpRequest(server.url()))

    assert "signed by an authority that is not known here" in sample.error


async def test_ssl_cert_file_names_the_authorities(wire, answer, authority, ca_file, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", ca_file)
    server = await wire.says(answer(), tls=served(authority.issue_cert("127.0.0.1")))

    assert (await Curl(Guard(allow_loopback=True)).sample(HttpRequest(server.url()))).status == 200


async def test_verification_can_be_waived_and_the_end_is_still_told(curl, wire, answer, authority):
    leaf = authority.issue_cert("other.example", not_before=LONG_AGO, not_after=ENDED)
    server = await wire.says(answer(), tls=served(leaf))

    sample = await curl.sample(HttpRequest(server.url(), verify_tls=False))

    assert (sample.status, sample.certificate_expires) == (200, ENDED)


async def test_plain_http_on_a_tls_port_is_said_to_be_that(curl, answer):
    def speak(_reader, writer):
        writer.write(answer())
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    sample = await curl.sample(HttpRequest(f"https://127.0.0.1:{port}/"))
    server.close()

    assert sample.status is None
    assert sample.error.startswith(f"127.0.0.1:{port} did not complete a TLS handshake; does it speak plain http? (")


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_an_authorities_file_that_cannot_be_used_stops_the_start(content, tmp_path):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError, match=f"{path} holds no certificates that can be read"):
        Curl(Guard(), ca_file=str(path))
