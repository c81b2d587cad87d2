"""Everything that discovery finds is read, left out by a named rule, or named as missing."""

import pytest
from pydantic import ValidationError

from maintd.core.ports import Discovery
from maintd.core.resource import CONFIG_MAPS, NAMESPACES, Resource
from maintd.core.rules import Rule
from maintd.core.target import Target
from maintd.objects.backup_scope import Encryption, Scope

BOTH = frozenset({"list", "create", "get"})


def kind(name: str, group: str = "", *, namespaced: bool = True, verbs: frozenset[str] = BOTH) -> Resource:
    return Resource(group, "v1", name, name.capitalize(), namespaced, verbs)


FOUND = (
    kind("bindings", verbs=frozenset({"create"})),
    kind("configmaps"),
    kind("events"),
    kind("namespaces", namespaced=False),
    kind("secrets"),
    kind("deployments", "apps"),
    kind("leases", "coordination.k8s.io"),
    kind("widgets", "example.com"),
    kind("clusterroles", "rbac.authorization.k8s.io", namespaced=False),
)


def selected(scope: Scope, failed: dict[str, str] | None = None) -> dict[str, object]:
    found = scope.select(Discovery(FOUND, failed or {}))
    return {
        "read": [resource.name for resource in found.read],
        "left out": {row.resource: row.rule for row in found.left_out},
        "not whole": [row.resource for row in found.not_whole],
    }


SEALED = Encryption(recipients=("age1w4alvtvqzr7p4yuajxt044w7z4pfuuf0r6xhyr52nyn24nu9gp3qfpagll",))
DEFAULT = {"bindings": "unlistable", "events": "events", "leases.coordination.k8s.io": "leases", "secrets": "secrets"}


@pytest.mark.parametrize(
    ("scope", "read", "left_out"),
    [
        (
            Scope(),
            "configmaps namespaces deployments.apps widgets.example.com clusterroles.rbac.authorization.k8s.io",
            DEFAULT,
        ),
        (
            Scope(namespaces=("team",)),
            "configmaps namespaces deployments.apps widgets.example.com",
            DEFAULT | {"clusterroles.rbac.authorization.k8s.io": "cluster-scoped"},
        ),
        (
            Scope(kinds=("configmaps", "*.apps")),
            "configmaps deployments.apps",
            {resource.name: "kinds" for resource in FOUND if resource.name not in ("configmaps", "deployments.apps")}
            | {"bindings": "unlistable"},
        ),
        (
            Scope(exclude_kinds=("*.rbac.authorization.k8s.io", "configmaps", "events")),
            "namespaces deployments.apps widgets.example.com",
            DEFAULT
            | {"clusterroles.rbac.authorization.k8s.io": "exclude_kinds"}
            | {"configmaps": "exclude_kinds", "events": "exclude_kinds"},
        ),
        (
            Scope(kinds=("leases.coordination.k8s.io", "config*", "event*", "name*", "secret*")),
            "configmaps namespaces leases.coordination.k8s.io",
            DEFAULT
            | {
                "deployments.apps": "kinds",
                "widgets.example.com": "kinds",
                "clusterroles.rbac.authorization.k8s.io": "kinds",
            },
        ),
        (
            Scope(kinds=("secrets", "configmaps"), count_secrets=True),
            "configmaps secrets",
            {resource.name: "kinds" for resource in FOUND if resource.name not in ("configmaps", "secrets")}
            | {"bindings": "unlistable"},
        ),
    ],
)
def test_every_kind_is_read_or_left_out_by_a_rule(scope: Scope, read: str, left_out: dict[str, str]) -> None:
    found = selected(scope)
    expected_left_out = {name: rule for name, rule in left_out.items() if name not in read.split()}

    assert found == {"read": read.split(), "left out": expected_left_out, "not whole": []}
    assert len(read.split()) + len(expected_left_out) == len(FOUND)


def test_a_group_that_could_not_be_discovered_is_named_unless_it_would_be_left_out() -> None:
    failed = {"metrics.k8s.io/v1beta1": "down", "broken.example.org/v1": "503", "unwanted.example.net/v2": "503"}

    found = Scope(exclude_kinds=("*.example.net",)).select(Discovery(FOUND, failed))

    assert [(row.resource, row.rule) for row in found.left_out][-2:] == [
        ("*.metrics.k8s.io", "metrics"),
        ("*.unwanted.example.net", "exclude_kinds"),
    ]
    assert [(row.resource, row.why) for row in found.not_whole] == [
        ("*.broken.example.org", "broken.example.org/v1 could not be discovered: 503")
    ]
    assert "exclude_kinds: ['*.broken.example.org']" in found.not_whole[0].remedy


@pytest.mark.parametrize(
    ("kinds", "named"),
    [
        (("configmaps",), []),
        (("*.example.com", "broken.*.example.com"), []),
        (("*",), ["*.broken.example.org"]),
        (("*.broken.example.org",), ["*.broken.example.org"]),
        (("things.broken.*",), ["*.broken.example.org"]),
        (("config*", "*.org"), ["*.broken.example.org"]),
    ],
)
def test_a_group_that_the_job_does_not_want_may_be_down(kinds: tuple[str, ...], named: list[str]) -> None:
    assert selected(Scope(kinds=kinds), {"broken.example.org/v1": "503"})["not whole"] == named


def test_a_kind_that_the_job_names_and_nobody_serves_is_missing_with_the_nearest_spelling() -> None:
    found = Scope(kinds=("deployment.apps", "configmaps")).select(Discovery(FOUND))

    assert [(row.resource, row.why) for row in found.not_whole] == [
        ("deployment.apps", "this API server has no such kind; did you mean deployments.apps?")
    ]


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), "a b kube-system"),
        (Scope(namespaces=("a",)), "a"),
        (Scope(namespaces=("*",), exclude_namespaces=("kube-*",)), "a b"),
        (Scope(namespaces=("kube-*", "a")), "a kube-system"),
        (Scope(exclude_namespaces=("a", "b")), "kube-system"),
    ],
)
def test_namespaces_are_covered_by_name_or_pattern(scope: Scope, covered: str) -> None:
    names = ["a", "b", "kube-system"]

    assert [name for name in names if scope.covers(name)] == covered.split()
    objects = [{"metadata": {"name": "x", "namespace": name}} for name in names]
    assert [obj["metadata"]["namespace"] for obj in objects if scope.covers_object(CONFIG_MAPS, obj)] == covered.split()
    spaces = [{"metadata": {"name": name}} for name in names]
    assert [space["metadata"]["name"] for space in spaces if scope.covers_object(NAMESPACES, space)] == covered.split()


def test_a_job_without_namespaces_works_in_those_of_its_target() -> None:
    target = Target(namespace="omtx-hub")

    assert Scope().on(target).named == ("omtx-hub",)
    assert Scope(namespaces=("*",)).on(target).named is None
    assert Scope().on(Target()).named is None
    assert Scope(namespaces=("a", "b", "a"), exclude_namespaces=("b",)).on(target).named == ("a",)


def test_named_namespaces_need_rights_in_these_alone() -> None:
    rules = Scope(namespaces=("a", "b"), kinds=("configmaps", "widgets.example.com", "clusterroles.*")).needs()

    assert rules == (
        Rule("namespaces", "get", names=("kube-system",)),
        Rule("configmaps", "list", namespace="a"),
        Rule("widgets.example.com", "list", namespace="a"),
        Rule("configmaps", "list", namespace="b"),
        Rule("widgets.example.com", "list", namespace="b"),
    )


def test_the_whole_cluster_needs_rights_in_all_of_it_except_to_secrets() -> None:
    needed = {rule.resource for rule in Scope(exclude_kinds=("*.apps",)).needs()}

    assert {rule.namespace for rule in Scope().needs()} == {None}
    assert {rule.verbs for rule in Scope().needs()[1:]} == {("list",)}
    assert {"configmaps", "persistentvolumes", "clusterroles.rbac.authorization.k8s.io"} <= needed
    assert not {"secrets", "events", "nodes", "deployments.apps"} & needed
    assert "secrets" in {rule.resource for rule in Scope(count_secrets=True).needs()}
    assert Rule("secrets", "list") in Scope(secrets=SEALED).needs()
    assert Rule("secrets", "list", namespace="a") in Scope(namespaces=("a",), secrets=SEALED).needs()


def test_the_named_namespaces_themselves_are_read_where_they_are_part_of_the_backup() -> None:
    identity = [scope.needs()[0].names for scope in (Scope(namespaces=("a",)), Scope(namespaces=("a",), kinds=("n*",)))]

    assert identity == [("a", "kube-system"), ("a", "kube-system")]


@pytest.mark.parametrize(
    ("scope", "needed"),
    [
        (
            Scope(),
            {
                "configmaps",
                "namespaces",
                "deployments.apps",
                "widgets.example.com",
                "clusterroles.rbac.authorization.k8s.io",
            },
        ),
        (Scope(kinds=("*.example.com",)), {"widgets.example.com"}),
        (Scope(count_secrets=True, kinds=("widgets.*", "secret*")), {"widgets.example.com", "secrets"}),
        (Scope(secrets=SEALED, kinds=("widgets.*", "secret*")), {"widgets.example.com", "secrets"}),
    ],
)
def test_what_this_cluster_has_is_needed_where_it_is_read(scope: Scope, needed: set[str]) -> None:
    found = scope.needs_found(Discovery(FOUND))

    assert {rule.resource for rule in found} == needed
    assert {(rule.namespace, rule.verbs) for rule in found} == {(None, ("list",))}


def test_in_named_namespaces_what_this_cluster_has_is_needed_in_each() -> None:
    found = Scope(namespaces=("a", "b"), exclude_kinds=("configmaps", "*.apps")).needs_found(Discovery(FOUND))

    assert found == (
        Rule("widgets.example.com", "list", namespace="a"),
        Rule("widgets.example.com", "list", namespace="b"),
    )


@pytest.mark.parametrize(
    ("scope", "problem"),
    [
        (Scope(kinds=("secrets",)), "holds Secrets only encrypted; write secrets: {recipients: [age1…]}"),
        (Scope(kinds=("secrets",), secrets=SEALED), None),
        (Scope(kinds=("configmaps",), secrets=SEALED), "kinds or exclude_kinds leave Secrets out"),
        (Scope(exclude_kinds=("sec*",), secrets=SEALED), "kinds or exclude_kinds leave Secrets out"),
        (Scope(namespaces=("a",), exclude_namespaces=("*",)), "excluded too"),
        (Scope(kinds=("*",)), None),
    ],
)
def test_a_scope_that_nothing_can_come_of_is_refused_at_load(scope: Scope, problem: str | None) -> None:
    said = scope.problem()

    assert (said is None) if problem is None else problem in str(said)


@pytest.mark.parametrize(
    "wrong", [{"namespaces": ["Team"]}, {"kinds": ["Deployment"]}, {"kinds": [""]}, {"owned": True}]
)
def test_names_that_no_cluster_has_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Scope.model_validate(wrong)
