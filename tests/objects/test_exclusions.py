"""Each rule leaves out what it names, and nothing that only looks like it."""

import pytest

from maintd.core.errors import Unreadable
from maintd.core.resource import CONFIG_MAPS, JOBS, PODS, Json, Resource
from maintd.objects.exclusions import KINDS, OBJECTS, left_out, left_out_kind, left_out_name

BOTH = frozenset({"list", "create", "get"})


def kind(name: str, group: str = "", verbs: frozenset[str] = BOTH) -> Resource:
    return Resource(group, "v1", name, name.capitalize(), verbs=verbs)


SERVICES, ENDPOINTS, ACCOUNTS = kind("services"), kind("endpoints"), kind("serviceaccounts")
SLICES = kind("endpointslices", "discovery.k8s.io")
ROLES = kind("clusterroles", "rbac.authorization.k8s.io")
FLOWS = kind("flowschemas", "flowcontrol.apiserver.k8s.io")
PRIORITIES = kind("priorityclasses", "scheduling.k8s.io")
API_SERVICES = kind("apiservices", "apiregistration.k8s.io")
RANGES = kind("servicecidrs", "networking.k8s.io")
WIDGETS = kind("widgets", "example.com")


@pytest.mark.parametrize(
    ("resource", "rule"),
    [
        (kind("secrets"), "secrets"),
        (kind("events"), "events"),
        (kind("events", "events.k8s.io"), "events"),
        (kind("leases", "coordination.k8s.io"), "leases"),
        (kind("leasecandidates", "coordination.k8s.io"), "leases"),
        (kind("things", "metrics.k8s.io"), "metrics"),
        (kind("things", "custom.metrics.k8s.io"), "metrics"),
        (kind("nodes"), "node-made"),
        (kind("csinodes", "storage.k8s.io"), "node-made"),
        (kind("volumeattachments", "storage.k8s.io"), "node-made"),
        (kind("resourceslices", "resource.k8s.io"), "node-made"),
        (kind("ciliumendpoints", "cilium.io"), "node-made"),
        (kind("ipaddresses", "networking.k8s.io"), "allocations"),
        (kind("certificatesigningrequests", "certificates.k8s.io"), "signing-requests"),
        (kind("componentstatuses", verbs=frozenset({"list", "get"})), "unlistable"),
        (kind("tokenreviews", "authentication.k8s.io", verbs=frozenset({"create"})), "unlistable"),
        (kind("secrets", "example.com"), None),
        (kind("nodes", "example.com"), None),
        (kind("events", "example.com"), None),
        (kind("storageclasses", "storage.k8s.io"), None),
        (kind("configmaps"), None),
        (kind("metrics", "k8s.io"), None),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_whole_kinds(resource: Resource, rule: str | None) -> None:
    found = left_out_kind(resource)

    assert (found.rule if found else None) == rule


def test_a_group_that_cannot_be_discovered_may_be_one_that_is_left_out() -> None:
    found = left_out_name("*.metrics.k8s.io")

    assert found
    assert found.rule == "metrics"
    assert left_out_name("*.example.com") is None


def named(name: str, **more: object) -> Json:
    return {"metadata": {"name": name, "namespace": "default"} | more}


OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": "u"}
DEFAULT_ROLE = {"kubernetes.io/bootstrapping": "rbac-defaults"}
KEPT_UP = {"rbac.authorization.kubernetes.io/autoupdate": "true"}


def ended(kind: str, status: str = "True") -> Json:
    return named("a") | {"status": {"conditions": [{"type": kind, "status": status}]}}


@pytest.mark.parametrize(
    ("resource", "obj", "rule"),
    [
        (WIDGETS, named("a", deletionTimestamp="2026-11-23T15:08:23Z"), "terminating"),
        (WIDGETS, named("a", deletionTimestamp=None), None),
        (PODS, named("a", ownerReferences=[OWNER | {"controller": True}]), "owned"),
        (WIDGETS, named("a", ownerReferences=[OWNER | {"controller": False}, OWNER | {"controller": True}]), "owned"),
        (PODS, named("a", ownerReferences=[OWNER | {"controller": False}]), None),
        (PODS, named("a", ownerReferences=[OWNER]), None),
        (SLICES, named("a-x7k2p", ownerReferences=[OWNER | {"kind": "Service", "controller": True}]), "owned"),
        (SLICES, named("a-by-hand", labels={"kubernetes.io/service-name": "a"}), None),
        (ENDPOINTS, named("a", labels={"endpoints.kubernetes.io/managed-by": "endpoint-controller"}), "endpoints"),
        (ENDPOINTS, named("a", annotations={"endpoints.kubernetes.io/last-change-trigger-time": "t"}), "endpoints"),
        (ENDPOINTS, named("a"), None),
        (SERVICES, named("a", annotations={"endpoints.kubernetes.io/last-change-trigger-time": "t"}), None),
        (ENDPOINTS, named("a", annotations={"control-plane.alpha.kubernetes.io/leader": "{}"}), "leases"),
        (CONFIG_MAPS, named("a", annotations={"control-plane.alpha.kubernetes.io/leader": "{}"}), "leases"),
        (CONFIG_MAPS, named("maintd-state", labels={"app.kubernetes.io/managed-by": "maintd"}), "own-state"),
        (CONFIG_MAPS, named("maintd-state", labels={"app.kubernetes.io/managed-by": "Helm"}), None),
        (CONFIG_MAPS, named("maintd-jobs", labels={"app.kubernetes.io/managed-by": "maintd"}), None),
        (SERVICES, named("kubernetes"), "api-server"),
        (ENDPOINTS, named("kubernetes"), "api-server"),
        (SLICES, named("kubernetes"), "api-server"),
        (RANGES, {"metadata": {"name": "kubernetes"}}, "api-server"),
        (SERVICES, named("kubernetes", namespace="team"), None),
        (CONFIG_MAPS, named("kubernetes"), None),
        (CONFIG_MAPS, named("kube-root-ca.crt"), "root-certificate"),
        (CONFIG_MAPS, named("my-root-ca.crt"), None),
        (ACCOUNTS, named("default"), "default-account"),
        (ACCOUNTS, named("default") | {"secrets": [{"name": "default-token-x"}]}, "default-account"),
        (ACCOUNTS, named("builder"), None),
        (ACCOUNTS, named("default", annotations={"iam.gke.io/gcp-service-account": "a"}), None),
        (ACCOUNTS, named("default", labels={"a": "b"}), None),
        (ACCOUNTS, named("default") | {"imagePullSecrets": [{"name": "registry"}]}, None),
        (ACCOUNTS, named("default") | {"automountServiceAccountToken": False}, None),
        (ROLES, named("admin", labels=DEFAULT_ROLE, annotations=KEPT_UP), "default-roles"),
        (ROLES, named("admin", labels=DEFAULT_ROLE), None),
        (ROLES, named("mine", annotations=KEPT_UP), None),
        (FLOWS, named("exempt", annotations={"apf.kubernetes.io/autoupdate-spec": "true"}), "default-flows"),
        (FLOWS, named("exempt", annotations={"apf.kubernetes.io/autoupdate-spec": "false"}), None),
        (PRIORITIES, named("system-node-critical"), "system-priorities"),
        (PRIORITIES, named("high"), None),
        (
            API_SERVICES,
            named("v1.apps", labels={"kube-aggregator.kubernetes.io/automanaged": "onstart"}),
            "automanaged",
        ),
        (API_SERVICES, named("v1beta1.metrics.k8s.io"), None),
        (PODS, named("a") | {"status": {"phase": "Succeeded"}}, "finished"),
        (PODS, named("a") | {"status": {"phase": "Failed"}}, "finished"),
        (PODS, named("a") | {"status": {"phase": "Running"}}, None),
        (WIDGETS, named("a") | {"status": {"phase": "Failed"}}, None),
        (JOBS, ended("Complete"), "finished"),
        (JOBS, ended("Failed"), "finished"),
        (JOBS, ended("Failed", "False"), None),
        (JOBS, ended("Suspended"), None),
        (kind("secrets"), named("a"), None),
        (kind("secrets"), named("a") | {"type": "kubernetes.io/tls"}, None),
        (kind("secrets"), named("a") | {"type": "helm.sh/release.v1"}, None),
        (kind("secrets"), named("a") | {"type": "kubernetes.io/service-account-token"}, "tokens"),
        (kind("secrets"), named("a", annotations={"kubernetes.io/service-account.name": "builder"}), "tokens"),
        (kind("secrets"), named("a") | {"type": "bootstrap.kubernetes.io/token"}, "bootstrap-tokens"),
    ],
)
def test_single_objects(resource: Resource, obj: Json, rule: str | None) -> None:
    found = left_out(resource, obj)

    assert (found.rule if found else None) == rule


@pytest.mark.parametrize("metadata", [{"ownerReferences": "x"}, {"ownerReferences": [{"controller": True}]}])
def test_an_owner_that_cannot_be_read_is_not_guessed(metadata: Json) -> None:
    with pytest.raises(Unreadable):
        left_out(WIDGETS, {"metadata": {"name": "a"} | metadata})


def test_every_rule_has_a_reason_and_one_name() -> None:
    rules = {exclusion for exclusion, *_ in (*KINDS, *OBJECTS)}

    assert len({exclusion.rule for exclusion in rules}) == len(rules)
    assert all(exclusion.reason for exclusion in rules)
