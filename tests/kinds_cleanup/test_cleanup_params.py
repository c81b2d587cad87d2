"""What a job of this kind may say, and what it is told when it may not."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from maintd.core.limits import Limits
from maintd.core.rules import Rule
from maintd.core.target import Target
from maintd.kinds.act.cleanup_pods import KIND, CleanupPods

SHOP = Target(namespace="shop")


def test_what_a_job_does_not_say():
    assert CleanupPods() == CleanupPods(
        phases=("Failed", "Succeeded"),
        reasons=(),
        older_than=timedelta(hours=24),
        namespaces=(),
        label_selector=None,
    )
    assert KIND.limits == Limits(max_count=20, abort_over=200)
    assert (KIND.name, KIND.level, KIND.acts) == ("cleanup-pods", 1, True)


def test_the_manual_says_the_defaults():
    for default in ("(24h)", "`max_count: 20`", "`abort_over: 200`", "the target's namespace"):
        assert default in KIND.manual


@pytest.mark.parametrize(
    "params",
    [
        {"phases": []},
        {"phases": ["Running"]},
        {"phases": ["failed"]},
        {"reasons": ["OOM Killed"]},
        {"reasons": [""]},
        {"older_than": 24},
        {"older_than": "24"},
        {"older_than": "-1h"},
        {"namespaces": ["*"]},
        {"namespaces": ["Shop"]},
        {"namespaces": [""]},
        {"namespaces": "shop"},
        {"older_then": "24h"},
    ],
)
def test_nonsense_is_refused(params):
    with pytest.raises(ValidationError):
        CleanupPods(**params)


@pytest.mark.parametrize("selector", ["", "  "])
def test_an_empty_selector_is_not_taken_for_everything(selector):
    with pytest.raises(ValidationError, match="an empty selector selects everything; leave the key out"):
        CleanupPods(label_selector=selector)


@pytest.mark.parametrize(
    "selector",
    [
        "app",
        "!app",
        "app=web",
        "app==web",
        "app!=web",
        "app=",
        "app in (web)",
        "app in (web, api),tier notin (test),!legacy",
        "example.com/app=web.v1_2-x",
        "app in (a,)",
    ],
)
def test_selectors_that_the_api_server_takes(selector):
    assert CleanupPods(label_selector=selector).label_selector == selector


@pytest.mark.parametrize(
    "selector",
    [
        "app=web,",
        ",",
        "app = web = x",
        "app=we b",
        "app in web",
        "app in ()x",
        "app in (web",
        "in (web)",
        "-app=web",
        "app=-web",
        "app=web&limit=1",
        "app\n=web;x",
        "*",
        "app>5",
        "a" * 64,
        "äpp=web",
    ],
)
def test_selectors_that_the_api_server_refuses_are_refused_with_a_hint(selector):
    with pytest.raises(ValidationError, match="is not a label requirement; write it like app=web"):
        CleanupPods(label_selector=selector)


@pytest.mark.parametrize(
    ("params", "target", "complaint"),
    [
        ({}, Target(), "no namespace to look in; write params.namespaces, or a target with a namespace"),
        (
            {"namespaces": ["shop", "kube-system", "gke-x"]},
            SHOP,
            "nothing is ever changed in kube-system, gke-x; take it out of the namespaces",
        ),
        ({}, Target(namespace="kube-system"), "nothing is ever changed in kube-system; take it out of the namespaces"),
        ({}, SHOP, None),
        ({"namespaces": ["shop"]}, Target(), None),
    ],
)
def test_what_the_schema_cannot_say(params, target, complaint):
    assert KIND.check(CleanupPods(**params), target) == complaint


def test_it_needs_what_it_uses_and_only_in_its_namespaces():
    assert KIND.rules(CleanupPods(namespaces=("a", "b")), SHOP) == (
        Rule("pods", "delete", "list", namespace="a"),
        Rule("jobs.batch", "list", namespace="a"),
        Rule("pods", "delete", "list", namespace="b"),
        Rule("jobs.batch", "list", namespace="b"),
    )
