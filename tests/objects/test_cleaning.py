"""What a restore must not carry goes, all else stays, and the object that was read is not touched."""

import copy
from typing import Any

import pytest

from maintd.core.errors import Unreadable
from maintd.core.resource import CONFIG_MAPS, JOBS, NAMESPACES, PODS, Json, Resource
from maintd.objects.cleaning import ROWS, clean

SERVICES = Resource("", "v1", "services", "Service")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
VOLUMES = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount")
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")
REPLICA_SETS = Resource("apps", "v1", "replicasets", "ReplicaSet")
DAEMON_SETS = Resource("apps", "v1", "daemonsets", "DaemonSet")
INGRESSES = Resource("networking.k8s.io", "v1", "ingresses", "Ingress")
ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", namespaced=False)
WIDGETS = Resource("example.com", "v1", "widgets", "Widget")

UID = "c93c6d11-7e94-4341-a085-9ebcb745174e"
BY_SERVER = {
    "uid": UID,
    "resourceVersion": "234",
    "generation": 3,
    "creationTimestamp": "2026-11-23T15:08:23Z",
    "deletionTimestamp": "2026-11-23T15:08:23Z",
    "deletionGracePeriodSeconds": 0,
    "selfLink": "/api/v1/a",
    "generateName": "a-",
    "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:data": {}}}],
    "ownerReferences": [{"apiVersion": "v1", "kind": "A", "name": "a", "uid": UID}],
}
LAST_APPLIED = {"kubectl.kubernetes.io/last-applied-configuration": "{}"}
JOB_LABELS = {
    "batch.kubernetes.io/controller-uid": UID,
    "batch.kubernetes.io/job-name": "a",
    "controller-uid": UID,
    "job-name": "a",
}
TOKEN_MOUNT = {"name": "kube-api-access-gv4kn", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}


def set_by(*fields: Json) -> Json:
    return {"name": "a", "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": each}} for each in fields]}


CASES: list[tuple[str, Resource, Json, Json]] = [
    (
        "what the server writes",
        CONFIG_MAPS,
        {
            "metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}, **BY_SERVER},
            "data": {"k": "v"},
            "status": {},
        },
        {"metadata": {"name": "a", "namespace": "n", "labels": {"x": "y"}}, "data": {"k": "v"}},
    ),
    (
        "annotations of tools, others stay",
        DEPLOYMENTS,
        {
            "metadata": {
                "name": "a",
                "annotations": LAST_APPLIED
                | {
                    "deployment.kubernetes.io/revision": "4",
                    "deployment.kubernetes.io/desired-replicas": "4",
                    "deployment.kubernetes.io/max-replicas": "4",
                    "deployment.kubernetes.io/revision-history": "1,2",
                    "maintd.dev/protect": "true",
                },
            },
            "spec": {"replicas": 4, "template": {"metadata": {"creationTimestamp": None, "labels": {"a": "b"}}}},
            "status": {"replicas": 4},
        },
        {
            "metadata": {"name": "a", "annotations": {"maintd.dev/protect": "true"}},
            "spec": {"replicas": 4, "template": {"metadata": {"labels": {"a": "b"}}}},
        },
    ),
    (
        "annotations that become empty",
        DAEMON_SETS,
        {"metadata": {"name": "a", "annotations": {"deprecated.daemonset.template.generation": "1"}}},
        {"metadata": {"name": "a"}},
    ),
    (
        "a restart that somebody asked for stays",
        REPLICA_SETS,
        {
            "metadata": {"name": "a"},
            "spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}}},
        },
        {
            "metadata": {"name": "a"},
            "spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "x"}}}},
        },
    ),
    (
        "finalizers of the platform",
        WIDGETS,
        {
            "metadata": {
                "name": "a",
                "finalizers": ["kubernetes.io/pvc-protection", "service.kubernetes.io/x", "networking.gke.io/y"],
            }
        },
        {"metadata": {"name": "a"}},
    ),
    (
        "finalizers of others stay",
        WIDGETS,
        {
            "metadata": {
                "name": "a",
                "finalizers": ["resources-finalizer.argocd.argoproj.io", "x.k8s.io/y", "notk8s.io/z"],
            }
        },
        {"metadata": {"name": "a", "finalizers": ["resources-finalizer.argocd.argoproj.io", "notk8s.io/z"]}},
    ),
    (
        "allocated addresses and ports",
        SERVICES,
        {
            "metadata": set_by({"f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:port": {}}}})
            | {"annotations": {"cloud.google.com/neg-status": "{}"}},
            "spec": {
                "clusterIP": "10.0.0.7",
                "clusterIPs": ["10.0.0.7"],
                "healthCheckNodePort": 31798,
                "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30465}],
            },
        },
        {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 80, "protocol": "TCP"}]}},
    ),
    (
        "addresses and ports that somebody chose",
        SERVICES,
        {
            "metadata": set_by(
                {"f:ports": {'k:{"port":53,"protocol":"UDP"}': {"f:nodePort": {}}}},
                {"f:clusterIP": {}, "f:healthCheckNodePort": {}},
            ),
            "spec": {
                "clusterIP": "10.0.0.10",
                "clusterIPs": ["10.0.0.10"],
                "healthCheckNodePort": 31798,
                "ports": [
                    {"port": 53, "protocol": "UDP", "nodePort": 30053},
                    {"port": 53, "protocol": "TCP", "nodePort": 30054},
                ],
            },
        },
        {
            "metadata": {"name": "a"},
            "spec": {
                "clusterIP": "10.0.0.10",
                "clusterIPs": ["10.0.0.10"],
                "healthCheckNodePort": 31798,
                "ports": [{"port": 53, "protocol": "UDP", "nodePort": 30053}, {"port": 53, "protocol": "TCP"}],
            },
        },
    ),
    (
        "a headless Service stays one",
        SERVICES,
        {"metadata": {"name": "a"}, "spec": {"clusterIP": "None", "clusterIPs": ["None"]}},
        {"metadata": {"name": "a"}, "spec": {"clusterIP": "None", "clusterIPs": ["None"]}},
    ),
    (
        "what GKE reports of an Ingress",
        INGRESSES,
        {
            "metadata": {
                "name": "a",
                "annotations": {"kubernetes.io/ingress.class": "gce"}
                | {
                    f"ingress.kubernetes.io/{what}": "x"
                    for what in (
                        "backends",
                        "forwarding-rule",
                        "https-forwarding-rule",
                        "https-target-proxy",
                        "ssl-cert",
                        "target-proxy",
                        "url-map",
                    )
                },
            }
        },
        {"metadata": {"name": "a", "annotations": {"kubernetes.io/ingress.class": "gce"}}},
    ),
    (
        "what a Namespace gets by itself",
        NAMESPACES,
        {
            "metadata": {"name": "a", "labels": {"kubernetes.io/metadata.name": "a", "x": "y"}},
            "spec": {"finalizers": ["kubernetes"]},
        },
        {"metadata": {"name": "a", "labels": {"x": "y"}}},
    ),
    (
        "tokens that a controller made for an account",
        ACCOUNTS,
        {
            "metadata": {"name": "a"},
            "secrets": [{"name": "a-token-x7k2p"}, {"name": "a-dockercfg-q"}, {"name": "b-token-x"}, {}],
        },
        {"metadata": {"name": "a"}, "secrets": [{"name": "b-token-x"}, {}]},
    ),
    (
        "the volume that a controller bound a claim to",
        CLAIMS,
        {
            "metadata": {
                "name": "a",
                "annotations": {
                    "pv.kubernetes.io/bind-completed": "yes",
                    "pv.kubernetes.io/bound-by-controller": "yes",
                    "volume.beta.kubernetes.io/storage-provisioner": "p",
                    "volume.kubernetes.io/selected-node": "n",
                    "volume.kubernetes.io/storage-provisioner": "p",
                },
            },
            "spec": {"storageClassName": "standard", "volumeName": "pvc-1"},
        },
        {"metadata": {"name": "a"}, "spec": {"storageClassName": "standard"}},
    ),
    (
        "the volume that a claim was written for",
        CLAIMS,
        {
            "metadata": {"name": "a", "annotations": {"pv.kubernetes.io/bind-completed": "yes"}},
            "spec": {"volumeName": "nfs"},
        },
        {"metadata": {"name": "a"}, "spec": {"volumeName": "nfs"}},
    ),
    (
        "the claim that a volume is kept for, by its name",
        VOLUMES,
        {
            "metadata": {"name": "a", "annotations": {"pv.kubernetes.io/bound-by-controller": "yes"}},
            "spec": {"claimRef": {"namespace": "n", "name": "c", "uid": UID, "resourceVersion": "2"}},
        },
        {"metadata": {"name": "a"}, "spec": {"claimRef": {"namespace": "n", "name": "c"}}},
    ),
    (
        "a Job's generated selector and labels",
        JOBS,
        {
            "metadata": {"name": "a", "labels": JOB_LABELS},
            "spec": {
                "manualSelector": False,
                "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": UID}},
                "template": {"metadata": {"labels": JOB_LABELS | {"x": "y"}}, "spec": {}},
            },
        },
        {
            "metadata": {"name": "a"},
            "spec": {"manualSelector": False, "template": {"metadata": {"labels": {"x": "y"}}, "spec": {}}},
        },
    ),
    (
        "a Job's own selector",
        JOBS,
        {
            "metadata": {"name": "a", "labels": JOB_LABELS},
            "spec": {"manualSelector": True, "selector": {"matchLabels": JOB_LABELS}},
        },
        {
            "metadata": {"name": "a", "labels": JOB_LABELS},
            "spec": {"manualSelector": True, "selector": {"matchLabels": JOB_LABELS}},
        },
    ),
    (
        "what scheduler and admission gave a Pod",
        PODS,
        {
            "metadata": {"name": "a"},
            "spec": {
                "nodeName": "node-1",
                "priority": 0,
                "preemptionPolicy": "PreemptLowerPriority",
                "priorityClassName": "high",
                "ephemeralContainers": [{"name": "debugger"}],
                "volumes": [{"name": "kube-api-access-gv4kn"}, {"name": "data"}],
                "containers": [
                    {"name": "c", "volumeMounts": [TOKEN_MOUNT, {"name": "data", "mountPath": "/d"}]},
                    {"name": "d"},
                ],
                "initContainers": [{"name": "i", "volumeMounts": [TOKEN_MOUNT]}],
            },
        },
        {
            "metadata": {"name": "a"},
            "spec": {
                "priorityClassName": "high",
                "volumes": [{"name": "data"}],
                "containers": [{"name": "c", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}, {"name": "d"}],
                "initContainers": [{"name": "i"}],
            },
        },
    ),
    (
        "the node that a Pod was written for",
        PODS,
        {"metadata": set_by({"f:nodeName": {}}), "spec": {"nodeName": "node-1"}},
        {"metadata": {"name": "a"}, "spec": {"nodeName": "node-1"}},
    ),
    (
        "rules that a controller gathers",
        ROLES,
        {"metadata": {"name": "a"}, "aggregationRule": {"clusterRoleSelectors": []}, "rules": [{"verbs": ["get"]}]},
        {"metadata": {"name": "a"}, "aggregationRule": {"clusterRoleSelectors": []}},
    ),
    (
        "rules that somebody wrote",
        ROLES,
        {"metadata": {"name": "a"}, "rules": [{"verbs": ["get"]}]},
        {"metadata": {"name": "a"}, "rules": [{"verbs": ["get"]}]},
    ),
    (
        "fields of the same name elsewhere",
        WIDGETS,
        {
            "metadata": {"name": "a"},
            "spec": {"status": 1, "uid": 2, "clusterIP": 3, "nodeName": 4, "selector": 5, "ports": [{"nodePort": 6}]},
        },
        {
            "metadata": {"name": "a"},
            "spec": {"status": 1, "uid": 2, "clusterIP": 3, "nodeName": 4, "selector": 5, "ports": [{"nodePort": 6}]},
        },
    ),
    (
        "what is empty already",
        CONFIG_MAPS,
        {"metadata": {"name": "a", "annotations": {}, "labels": None}, "data": {}},
        {"metadata": {"name": "a", "annotations": {}, "labels": None}, "data": {}},
    ),
]


@pytest.mark.parametrize(("resource", "read", "kept"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_a_restore_must_not_carry_goes_and_all_else_stays(resource: Resource, read: Json, kept: Json) -> None:
    before = copy.deepcopy(read)

    cleaned = clean(resource, read)

    assert cleaned == {"apiVersion": resource.api_version, "kind": resource.kind} | kept
    assert read == before


def test_apiversion_and_kind_come_first() -> None:
    item = {"metadata": {"name": "a"}, "kind": "Widget", "apiVersion": "example.com/v1", "spec": {}}

    assert list(clean(WIDGETS, item)) == ["apiVersion", "kind", "metadata", "spec"]


def reached(row_path: list[str], value: Any) -> bool:
    if not row_path:
        return True
    step, *rest = row_path
    if step == "*":
        return isinstance(value, list) and any(reached(rest, each) for each in value)
    return isinstance(value, dict) and step in value and reached(rest, value[step])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.path)
def test_every_row_of_the_table_is_tried(row: Any) -> None:
    tried = [read for _, resource, read, _ in CASES if not row.kinds or resource.name in row.kinds]

    assert any(reached(row.path.split(), read) for read in tried)


@pytest.mark.parametrize(
    ("resource", "read"),
    [
        (SERVICES, {"metadata": {"name": "a", "managedFields": {"a": 1}}, "spec": {"clusterIP": "10.0.0.1"}}),
        (SERVICES, {"metadata": {"name": "a", "managedFields": [{"fieldsV1": []}]}, "spec": {"clusterIP": "10.0.0.1"}}),
        (CLAIMS, {"metadata": {"name": "a", "annotations": []}, "spec": {"volumeName": "v"}}),
    ],
)
def test_an_object_that_cannot_be_judged_is_unreadable(resource: Resource, read: Json) -> None:
    with pytest.raises(Unreadable):
        clean(resource, read)


@pytest.mark.parametrize("spec", [None, [1], "text", {"ports": None}, {"ports": [None, 1]}, {"ports": {"nodePort": 1}}])
def test_fields_of_another_shape_than_the_table_knows_stay(spec: Any) -> None:
    assert clean(SERVICES, {"metadata": {"name": "a"}, "spec": spec})["spec"] == spec
