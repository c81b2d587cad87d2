"""Which objects no job may change, whatever it was told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maintd.core.resource import NAMESPACES, ObjectRef
from maintd.core.rules import Rule
from maintd.rails.protection import why_kept

DAY = "2026-11-22"
"""The scene's day, UTC."""


@pytest.fixture
def why(wish, now):
    def ask(*, namespace="shop", min_age=timedelta(0), now=now, **metadata):
        return why_kept(wish("a", namespace=namespace, **metadata), now=now, min_age=min_age, own_namespace="maintd")

    return ask


def test_a_pod_that_nothing_protects_is_not_kept(why):
    assert why() == ""


@pytest.mark.parametrize("namespace", ["kube-system", "kube-public", "kube-anything", "gke-managed-system", "gke-gmp"])
def test_system_namespaces_are_kept(why, namespace):
    assert why(namespace=namespace) == f"nothing is ever changed in namespace {namespace}"


@pytest.mark.parametrize("namespace", ["kube", "gke", "my-kube-system", "maintd-shop"])
def test_namespaces_that_only_look_like_it_are_not_kept(why, namespace):
    assert why(namespace=namespace) == ""


def test_the_own_namespace_is_kept(why):
    assert why(namespace="maintd") == "maintd is the namespace of maintd itself"


def test_a_system_namespace_itself_is_kept(wish, now):
    itself = replace(wish("a"), resource=NAMESPACES, object=ObjectRef(resource="namespaces", name="kube-system"))

    kept = why_kept(itself, now=now, min_age=timedelta(0), own_namespace="maintd")

    assert kept == "nothing is ever changed in namespace kube-system"


@pytest.mark.parametrize("value", ["true", "True", " TRUE ", "yes", "1", "", "ture", "no", "0"])
def test_any_value_of_protect_but_false_protects(why, value):
    assert why(annotations={"maintd.dev/protect": value}) == f"annotation maintd.dev/protect is {value!r}"


@pytest.mark.parametrize("value", ["false", "False", " false "])
def test_protect_that_says_false_does_not_protect(why, value):
    assert why(annotations={"maintd.dev/protect": value}) == ""


@pytest.mark.parametrize("day", [DAY, "2026-11-23", "2999-12-31"])
def test_keep_until_holds_through_its_day(why, day):
    assert why(annotations={"maintd.dev/keep-until": day}) == f"annotation maintd.dev/keep-until is {day}"


def test_keep_until_holds_to_the_last_second_of_its_day_in_utc(why, now):
    last_second = now.replace(hour=23, minute=59, second=59)

    assert why(annotations={"maintd.dev/keep-until": DAY}, now=last_second)
    assert why(annotations={"maintd.dev/keep-until": DAY}, now=last_second + timedelta(seconds=1)) == ""


@pytest.mark.parametrize("day", ["2026-11-21", "2020-02-29", "0001-01-01"])
def test_keep_until_a_day_that_has_passed_does_not_protect(why, day):
    assert why(annotations={"maintd.dev/keep-until": day}) == ""


@pytest.mark.parametrize(
    "value", ["", "24.12.2026", "2026-02-30", "20261124", "2026-W48-2", "2020-01-01T00:00:00Z", "٢٠٢٠-٠١-٠١", "\x1b[2J"]
)
def test_keep_until_that_cannot_be_read_protects(why, value):
    kept = why(annotations={"maintd.dev/keep-until": value})

    assert kept.endswith("which is not a date like 2026-12-24, so it protects")
    assert kept.isprintable()


def test_protect_false_does_not_undo_keep_until(why):
    both = {"maintd.dev/protect": "false", "maintd.dev/keep-until": "2999-12-31"}

    assert why(annotations=both) == "annotation maintd.dev/keep-until is 2999-12-31"


def test_an_annotation_that_is_no_text_protects(why):
    assert why(annotations={"maintd.dev/protect": True}) == "annotation maintd.dev/protect is 'True'"


def test_what_is_being_deleted_already_is_kept(why):
    going = {"deletionTimestamp": "2026-11-22T02:00:00Z", "finalizers": ["example.com/hold"]}

    assert why(**going) == "it is being deleted already"


def test_what_is_younger_than_min_age_is_kept_and_what_is_as_old_is_not(why):
    made = {"creationTimestamp": "2026-11-22T01:00:00Z"}

    assert why(**made, min_age=timedelta(hours=2, seconds=1)) == "it is 2h old, and min_age is 2h1s"
    assert why(**made, min_age=timedelta(hours=2)) == ""


def test_what_was_made_in_the_future_is_kept(why):
    made = {"creationTimestamp": "2030-01-01T00:00:00Z"}

    assert why(**made) == "it was made after the list was read, or in the API server's future"


async def test_the_gate_keeps_to_the_never_list_and_says_why(scene, results):
    scene.sandbox.grant("maintd", [Rule("pods", "delete", "get", namespace="kube-system")])
    pods = [
        scene.pod("free"),
        scene.pod("protected", annotations={"maintd.dev/protect": "true"}),
        scene.pod("dated", annotations={"maintd.dev/keep-until": DAY}),
        scene.pod("system", namespace="kube-system"),
    ]

    changes = await scene.delete(pods)

    assert results(changes) == {
        "free": ("done", ""),
        "protected": ("kept", "annotation maintd.dev/protect is 'true'"),
        "dated": ("kept", "annotation maintd.dev/keep-until is 2026-11-22"),
        "system": ("kept", "nothing is ever changed in namespace kube-system"),
    }
    assert scene.names() == {"protected", "dated"}
    assert scene.names("kube-system") == {"system"}
