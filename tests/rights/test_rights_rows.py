"""Which rights the jobs need together, who needs each, and how few rules say it."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintd.cli.jobsfile import loader
from maintd.config.jobs import Job
from maintd.config.settings import Settings
from maintd.core.rules import Rule
from maintd.derive.rights import Right, Row, collected, of_job, rows
from maintd.rails.needs import rails_needs

GATE = partial(rails_needs, own_namespace="maintd")
CLEANUP = "{name: tidy, kind: cleanup-pods, manual: true, target: shop, mode: MODE}"
BACKUP = "{name: copy, kind: backup, manual: true, target: shop, params: {kinds: [configmaps]}}"


def job(text: str) -> Job:
    head = "version: 1\ntargets: {shop: {namespace: shop}}\njobs: "
    return loader(Settings()).parse(f"{head}[{text}]".encode(), Path("jobs.yaml")).jobs[0]


def test_a_dry_run_needs_no_right_to_change_and_none_for_the_gate() -> None:
    assert dict(of_job(job(CLEANUP.replace("MODE", "dry-run")), GATE)) == {
        Rule("pods", "list", namespace="shop"): "tidy",
        Rule("jobs.batch", "list", namespace="shop"): "tidy",
    }


def test_a_job_that_acts_needs_what_the_gate_needs_for_it() -> None:
    assert dict(of_job(job(CLEANUP.replace("MODE", "act")), GATE)) == {
        Rule("pods", "delete", "list", namespace="shop"): "tidy",
        Rule("jobs.batch", "list", namespace="shop"): "tidy",
        Rule("deployments.apps", "get", namespace="maintd", names=("maintd",)): "the gate for tidy",
        Rule("events.events.k8s.io", "create", namespace="maintd"): "the gate for tidy",
        Rule("events", "list", namespace="shop"): "the gate for tidy",
        Rule("pods", "get", namespace="shop"): "the gate for tidy",
        Rule("pods/log", "get", namespace="shop"): "the gate for tidy",
    }


def test_a_job_that_changes_nothing_in_the_cluster_needs_what_it_reads() -> None:
    assert dict(of_job(job(BACKUP), GATE)) == {
        Rule("namespaces", "get", names=("kube-system",)): "copy",
        Rule("configmaps", "list", namespace="shop"): "copy",
    }


@pytest.mark.parametrize(
    "wider", [Rule("pods", "list"), Rule("pods", "list", namespace="shop"), Rule("pods", "list", names=("a",))]
)
def test_a_right_that_another_holds_is_granted_once_and_is_for_both(wider: Rule) -> None:
    narrow = Rule("pods", "list", namespace="shop", names=("a",))
    [held] = [Right(wider.namespace or "", "pods", "list", name) for name in wider.names or ("",)]

    assert collected([(narrow, "one"), (wider, "two")]) == {held: ("one", "two")}


@pytest.mark.parametrize(
    "other",
    [
        Rule("pods", "list", namespace="other"),
        Rule("pods", "get"),
        Rule("pods/log", "list"),
        Rule("pods.metrics.k8s.io", "list"),
        Rule("pods", "list", names=("a",)),
    ],
)
def test_a_right_that_only_looks_alike_holds_nothing(other: Rule) -> None:
    rule = Rule("pods", "list", namespace="shop")

    assert set(collected([(rule, "one"), (other, "two")]).values()) == {("one",), ("two",)}


def test_rules_are_few_and_tell_apart_who_needs_what() -> None:
    asked = [
        (Rule("configmaps", "list", namespace="shop"), "copy"),
        (Rule("pods", "list", namespace="shop"), "copy"),
        (Rule("services", "list", namespace="shop"), "copy"),
        (Rule("deployments.apps", "list", namespace="shop"), "copy"),
        (Rule("pods", "delete", "list", namespace="shop"), "tidy"),
        (Rule("pods/log", "get", namespace="shop"), "the gate for tidy"),
        (Rule("pods", "get", namespace="shop"), "the gate for tidy"),
        (Rule("namespaces", "get", names=("b",)), "copy"),
        (Rule("namespaces", "get", names=("a",)), "copy"),
    ]

    assert rows(collected(asked)) == (
        Row("", ("copy",), "", ("namespaces",), ("get",), ("a", "b")),
        Row("shop", ("copy",), "", ("configmaps", "services"), ("list",)),
        Row("shop", ("copy",), "apps", ("deployments",), ("list",)),
        Row("shop", ("copy", "tidy"), "", ("pods",), ("list",)),
        Row("shop", ("the gate for tidy",), "", ("pods", "pods/log"), ("get",)),
        Row("shop", ("tidy",), "", ("pods",), ("delete",)),
    )


RULES = st.builds(
    lambda resource, verbs, namespace, names: Rule(resource, *verbs, namespace=namespace, names=names),
    st.sampled_from(["pods", "pods/log", "deployments.apps", "jobs.batch"]),
    st.lists(st.sampled_from(["get", "list", "delete"]), min_size=1),
    st.sampled_from([None, "a", "b"]),
    st.lists(st.sampled_from(["x", "y"]), max_size=2),
)
ASKED = st.lists(st.tuples(RULES, st.sampled_from(["one", "two", "three"])), max_size=12)


def atoms(found: Iterable[Row]) -> list[Right]:
    """What the rules grant, spelled out."""
    return [
        Right(row.namespace, _resource(row, plural), verb, name)
        for row in found
        for plural in row.resources
        for verb in row.verbs
        for name in row.names or ("",)
    ]


def _resource(row: Row, plural: str) -> str:
    base, slash, sub = plural.partition("/")
    return (f"{base}.{row.group}" if row.group else base) + slash + sub


@given(ASKED)
def test_whatever_is_asked_the_rules_grant_it_and_nothing_else_and_nothing_twice(
    asked: list[tuple[Rule, str]],
) -> None:
    granted = atoms(rows(collected(asked)))
    wanted = {
        Right(rule.namespace or "", rule.resource, verb, name)
        for rule, _ in asked
        for verb in rule.verbs
        for name in rule.names or ("",)
    }

    assert len(granted) == len(set(granted))
    assert set(granted) <= wanted
    assert all(set(right.wider()) & set(granted) for right in wanted)


@given(ASKED)
def test_the_order_in_which_jobs_stand_in_the_file_changes_nothing(asked: list[tuple[Rule, str]]) -> None:
    assert rows(collected(asked)) == rows(collected(asked[::-1]))
