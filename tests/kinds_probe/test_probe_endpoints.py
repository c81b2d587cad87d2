"""Which URL a job asks, and which it never will."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from maintd.core.ports import HttpSample
from maintd.core.target import Target
from maintd.objects.endpoints import Endpoint, header_fault, next_step, shown, url_fault

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TARGET = Target(namespace="web", deployment="shop", url="http://shop.web.svc/base/")


@pytest.mark.parametrize(
    ("params", "target", "url"),
    [
        ({}, TARGET, "http://shop.web.svc/base/"),
        ({"path": "/health?deep=1"}, TARGET, "http://shop.web.svc/base/health?deep=1"),
        ({"path": "/"}, Target(url="http://shop.web.svc"), "http://shop.web.svc/"),
        ({"url": "https://example.com:8443/x"}, TARGET, "https://example.com:8443/x"),
        ({"url": "http://[2001:db8::1]/"}, Target(), "http://[2001:db8::1]/"),
    ],
)
def test_the_address_is_the_targets_url_with_the_path_below_it(params, target, url):
    endpoint = Endpoint.model_validate(params)

    assert (endpoint.fault(target), endpoint.address(target)) == ("", url)


@pytest.mark.parametrize(
    ("params", "target", "why"),
    [
        ({}, Target(), "there is no URL to ask"),
        ({"path": "/health"}, Target(namespace="web"), "there is no URL to ask"),
        ({"path": "/health", "url": "http://a/"}, TARGET, "write path or url, not both"),
        ({"path": "/health"}, Target(url="http://a/?x=1"), "the target's url has a query"),
        ({"path": "/health"}, Target(url="ftp://a"), "a URL begins with http:// or https://"),
        ({}, Target(url="http://me:pw@a/"), "a URL with a user or password"),
    ],
)
def test_what_cannot_be_asked_says_what_to_write(params, target, why):
    assert Endpoint.model_validate(params).fault(target).startswith(why)


@pytest.mark.parametrize("url", ["http://a", "https://a.b.c:65535/x?y=%20#z", "http://10.0.0.1/", "http://[::1]:8080/"])
def test_plain_urls_are_fine(url):
    assert url_fault(url) == ""


@pytest.mark.parametrize(
    "params",
    [
        {"url": "example.com"},
        {"url": "file:///etc/passwd"},
        {"url": "http://user:pw@host/"},
        {"url": "http://host:0/"},
        {"url": "http://host:65536/"},
        {"url": "http://höst/"},
        {"url": "http://host/a b"},
        {"url": "http://host/\r\nX: 1"},
        {"url": "http://"},
        {"url": "http://[::1/"},
        {"url": "http://host/" + "a" * 3000},
        {"path": "health"},
        {"path": "/a b"},
        {"path": "/\n"},
        {"headers": {"Authorization": "Bearer s3cret"}},
        {"headers": {"X-A": "s3cret\r\nX-B: 1"}},
        {"headers": {"X A": "1"}},
        {"timeout": "0s"},
        {"timeout": "2m"},
        {"timeout": 10},
        {"max_redirects": 4},
        {"pathh": "/"},
    ],
)
def test_what_is_never_asked_is_refused_when_the_file_is_read(params):
    with pytest.raises(ValidationError) as refused:
        Endpoint.model_validate(params)

    assert "s3cret" not in "".join(error["msg"] for error in refused.value.errors())


@pytest.mark.parametrize(
    ("name", "value"), [("X-Tenant", "a"), ("Host", "shop.example.com"), ("Accept", ""), ("X", "é")]
)
def test_ordinary_headers_are_sent(name, value):
    assert header_fault(name, value) == ""


def test_the_query_is_nobodys_business():
    assert shown("http://a/b?token=s3cret#c") == "http://a/b"
    assert next_step(Target(), "http://a/b?token=s3cret") == "curl -v 'http://a/b'"


def unanswered(**known) -> HttpSample:
    times = dict.fromkeys(("connect_seconds", "tls_seconds", "first_byte_seconds", "total_seconds"))
    return HttpSample(**{"at": NOON, "status": None, "error": "no", "dns_seconds": None, **times, **known})


@pytest.mark.parametrize(
    ("url", "service", "namespace", "forward"),
    [
        (
            "http://shop.web.svc/health?deep=1",
            "shop",
            "web",
            "8080:80, and in another shell curl http://localhost:8080/health",
        ),
        (
            "https://shop.db.svc.cluster.local:8443",
            "shop",
            "db",
            "8080:8443, and in another shell curl https://localhost",
        ),
        ("http://shop/a;b", "shop", "web", "8080:80, and in another shell curl 'http://localhost:8080/a;b'"),
        ("http://shop.web/", "shop", "web", "8080:80, "),
    ],
)
def test_a_service_whose_name_is_not_known_is_looked_for_in_the_cluster_and_forwarded_to_a_laptop(
    url, service, namespace, forward
):
    said = next_step(TARGET, url, unanswered())

    assert f"kubectl -n {namespace} get service {service}; a laptop never knows the names of Services: " in said
    assert f"kubectl -n {namespace} port-forward service/{service} {forward}" in said
    assert "pods" not in said


def test_a_name_that_is_no_services_is_looked_up():
    assert next_step(TARGET, "http://shop.example.com/", unanswered()) == (
        "see whether the name is right: nslookup shop.example.com"
    )


@pytest.mark.parametrize("known", [{"dns_seconds": 0.001}, {"redirects": 1}, {"error": "", "status": 500}])
def test_a_name_that_was_known_or_that_others_gave_is_not_what_is_looked_at(known):
    assert next_step(TARGET, "http://shop.web.svc/", unanswered(**known)) == next_step(TARGET, "http://shop.web.svc/")


def test_the_next_step_looks_at_the_pods_where_the_target_has_some():
    assert next_step(TARGET, "http://a/") == (
        "kubectl -n web get pods; kubectl -n web logs deployment/shop --since=15m --all-pods"
    )
