"""A right that is missing is told to whoever lacks it, and what is no missing right is told apart."""

import pytest

from maintd.cluster.forbidden import NotAdmitted, forbidden
from maintd.core.rules import Rule

LIST = Rule("pods", "list", namespace="shop")


def said(message: object, needs: Rule | None = LIST) -> str:
    return str(forbidden("GET /pods: 403 Forbidden", {"message": message}, needs))


def test_a_person_is_told_who_they_are_and_how_to_check() -> None:
    message = 'pods is forbidden: User "jane@example.com" cannot list resource "pods" in API group "" in the namespace'

    assert said(message) == (
        "may not list pods in namespace shop; you are jane@example.com, check with: kubectl auth can-i list pods -n "
        "shop; it takes a Role in namespace shop with: "
        '{apiGroups: [""], resources: [pods], verbs: [list]}'
    )
    assert said(message, None) == (
        "GET /pods: 403 Forbidden: jane@example.com has no right to it; see: maintd render rbac"
    )


def test_a_service_account_is_named_as_the_one_to_bind() -> None:
    message = 'User "system:serviceaccount:maintd:maintd-verifier" cannot list resource "pods"'

    assert said(message, Rule("pods", "list")) == (
        "may not list pods in the whole cluster; add to a ClusterRole that service account maintd/maintd-verifier is "
        'bound to: {apiGroups: [""], resources: [pods], verbs: [list]}'
    )


@pytest.mark.parametrize("message", [None, "x cannot list", 'User "a b" cannot list', f'User "{"u" * 300}" cannot x'])
def test_where_it_is_not_told_who_asked_it_is_maintd(message: object) -> None:
    assert "that maintd's service account is bound to" in said(message)


def test_an_admission_that_says_no_is_no_missing_right() -> None:
    error = forbidden("x", {"message": "exceeded quota: q, requested: pods=1"}, LIST)

    assert isinstance(error, NotAdmitted)
    assert error.why == "ResourceQuota q of the namespace is full"
