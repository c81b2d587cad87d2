"""The NetworkPolicy for the probes, from jobs.yaml."""

from pathlib import Path

import pytest
import yaml

from maintd.cli.jobsfile import loader
from maintd.config.settings import Settings
from maintd.derive import egress

HEAD = (
    "version: 1\ntargets: {shop: {namespace: shop, url: 'http://web.shop.svc:8000'}}\ndefaults: {target: shop}\njobs:\n"
)
PROBE = "  - {{name: {name}, kind: latency-sample, every: 1m, params: {{url: '{url}'}}}}\n"


def policy(jobs):
    file = loader(Settings()).parse((HEAD + jobs).encode(), Path("jobs.yaml"))
    text = egress.text(file, "maintd")
    return text, yaml.safe_load(text)


def namespace(name):
    return {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}]}


def block(port, cidr, **more):
    return {"to": [{"ipBlock": {"cidr": cidr, **more}}], "ports": [{"port": port, "protocol": "TCP"}]}


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://web.shop.svc/health", namespace("shop")),
        ("http://web.shop.svc.cluster.local.:8080", namespace("shop")),
        ("http://db-0.db.data.svc", namespace("data")),
        ("http://web.shop", namespace("shop")),
        ("http://maintd:8080/metrics", namespace("maintd")),
        ("http://10.1.2.3:9000", block(9000, "10.1.2.3/32")),
        ("https://[2001:db8::1]/", block(443, "2001:db8::1/128")),
        ("https://example.com", block(443, "0.0.0.0/0", **{"except": ["169.254.0.0/16"]})),
        ("http://svc.example.com:81", block(81, "0.0.0.0/0", **{"except": ["169.254.0.0/16"]})),
    ],
)
def test_a_probe_is_let_out_to_what_it_asks(url, rule):
    _, found = policy(PROBE.format(name="probe", url=url))

    assert found["spec"]["egress"] == [rule]


def test_each_place_is_named_once_with_who_asks_there():
    checks = "params: {checks: [{path: /a}, {name: other, url: 'http://api.billing.svc'}]}"
    jobs = f"  - {{name: health, kind: http-check, every: 1m, {checks}}}\n" + PROBE.format(
        name="times", url="http://web.shop.svc"
    )

    text, found = policy(jobs)

    assert text.splitlines()[1:3] == ["# namespace billing: health", "# namespace shop: health, times"]
    assert found["spec"]["egress"] == [namespace("billing"), namespace("shop")]


def test_without_probes_and_for_those_that_are_not_enabled_nothing_is_let_out():
    _, found = policy(
        "  - {name: nightly, kind: backup, schedule: '0 1 * * *'}\n"
        "  - {name: off, kind: latency-sample, every: 1m, enabled: false, params: {path: /}}\n"
    )

    assert found["spec"]["egress"] == []
    assert found["spec"]["policyTypes"] == ["Egress"]


def test_the_heartbeat_is_let_out_to_its_receiver_and_its_url_is_not_told():
    head = "heartbeat: {url: 'https://hc.example.com/ping/9f3c'}\n"
    file = loader(Settings()).parse((head + HEAD.replace("jobs:", "jobs: []")).encode(), Path("jobs.yaml"))

    text = egress.text(file, "maintd")

    assert yaml.safe_load(text)["spec"]["egress"] == [block(443, "0.0.0.0/0", **{"except": ["169.254.0.0/16"]})]
    assert "# 0.0.0.0/0 port 443: (heartbeat)" in text
    assert "9f3c" not in text
