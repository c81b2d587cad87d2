"""Which URL a job asks, and which it never will."""

import pytest
from pydantic import ValidationError

from maintd.core.target import Target
from maintd.objects.endpoints import Endpoint, header_fault, next_step, shown, url_fault

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


def test_the_next_step_looks_at_the_pods_where_the_target_has_some():
    assert next_step(TARGET, "http://a/") == (
        "kubectl -n web get pods; kubectl -n web logs deployment/shop --since=15m --all-pods"
    )
