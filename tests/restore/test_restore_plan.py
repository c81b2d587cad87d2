"""Judged from what is wanted and what is there, and in which order."""

from typing import Any

import pytest

from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.objects.builtin import NAMESPACED, UNNAMESPACED
from maintd.recovery.order import STAGES, stage
from maintd.recovery.plan import Action, judged

ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
WIDGETS = Resource("example.com", "v1", "widgets", "Widget")
SERVERS = {"uid": "u", "resourceVersion": "1"}


def account(name: str = "default", **more: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "a"}} | more


def live(obj: Json, **metadata: Any) -> Json:
    return obj | {"metadata": obj["metadata"] | SERVERS | metadata}


PULLS = account(imagePullSecrets=[{"name": "registry"}])
GOING = {"deletionTimestamp": "2026-11-22T03:00:00Z"}


@pytest.mark.parametrize(
    ("there", "existing", "action"),
    [
        (None, "skip", Action.CREATE),
        (live(PULLS), "skip", Action.UNCHANGED),
        (live(PULLS), "update", Action.UNCHANGED),
        (live(account(imagePullSecrets=[{"name": "other"}])), "skip", Action.SKIP),
        (live(account(imagePullSecrets=[{"name": "other"}])), "update", Action.UPDATE),
        (live(PULLS, **GOING), "update", Action.CANNOT),
        # What every namespace is given is nobody's work: a restore that made the namespace may find it there.
        (live(account()), "skip", Action.UPDATE),
    ],
)
def test_what_becomes_of_an_object_follows_from_what_is_there(
    there: Json | None, existing: Any, action: Action
) -> None:
    assert judged(ACCOUNTS, PULLS, there, existing).action is action


def test_a_namespace_that_is_being_deleted_is_made_once_it_is_gone() -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}

    step = judged(NAMESPACES, space, live(space, **GOING), "skip")

    assert (step.action, step.unchecked, step.home) == (Action.CREATE, "the one that is being deleted is gone", "a")


def test_every_kind_of_kubernetes_has_its_place_and_others_come_after_what_they_may_need() -> None:
    known = {kind for _, kinds in STAGES for kind in kinds}
    without_a_place = {*NAMESPACED, *UNNAMESPACED} - known

    assert without_a_place == {"flowschemas.flowcontrol.apiserver.k8s.io", "servicecidrs.networking.k8s.io"}
    order = ["namespaces", "persistentvolumeclaims", "secrets", "configmaps", "serviceaccounts", "services", "pods"]
    numbers = [stage(Resource("", "v1", plural, "")) for plural in order]
    assert numbers == sorted(numbers)
    assert stage(WIDGETS) > stage(Resource("apps", "v1", "deployments", "Deployment"))
