"""The life of one object of every built-in kind: what a kind's flags in the sandbox's catalog claim."""

import pytest

from maintd.sandbox.resources import Catalog
from maintd.sandbox.writes import CREATED_BY_PUT

MERGE_PATCH = "application/merge-patch+json"
CONTAINERS = [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]
TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": CONTAINERS}}
ONCE = {"spec": {"restartPolicy": "Never", "containers": CONTAINERS}}
SELECTED = {"selector": {"matchLabels": {"app": "a"}}, "template": TEMPLATE}
NOWHERE = {"template": TEMPLATE | {"spec": {"containers": CONTAINERS, "nodeSelector": {"no": "where"}}}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "storageClassName": "none", "resources": {"requests": {"storage": "1Gi"}}}
VOLUME = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/x"}}
BACKEND = {"service": {"name": "x", "port": {"number": 80}}}
SCALED = {"maxReplicas": 2, "scaleTargetRef": {"kind": "Deployment", "name": "none", "apiVersion": "apps/v1"}}
ATTACHED = {"attacher": "example.com", "nodeName": "none", "source": {"persistentVolumeName": "none"}}
ROLE = {"apiGroup": "rbac.authorization.k8s.io", "name": "none"}
MODERN = {
    "eventTime": "2026-01-02T03:04:05.000000Z",
    "reason": "x",
    "action": "x",
    "type": "Normal",
    "reportingController": "example.com/x",
    "reportingInstance": "x",
}
SLICE = {"driver": "example.com", "nodeName": "none"}
SLICE |= {"pool": {"name": "x", "resourceSliceCount": 1, "generation": 1}}
BINDINGS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["bindings"]}
POLICY = {"validations": [{"expression": "true"}], "matchConstraints": {"resourceRules": [BINDINGS]}}
LEAST = {
    "CSIStorageCapacity": {"storageClassName": "none"},
    "DeviceClass": {"spec": {}},
    "FlowSchema": {"spec": {"priorityLevelConfiguration": {"name": "catch-all"}}},
    "IPAddress": {"spec": {"parentRef": {"resource": "services", "name": "none"}}},
    "PriorityLevelConfiguration": {"spec": {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}},
    "ResourceClaim": {"spec": {}},
    "ResourceClaimTemplate": {"spec": {"spec": {}}},
    "ResourceSlice": {"spec": SLICE},
    "RuntimeClass": {"handler": "x"},
    "ValidatingAdmissionPolicy": {"spec": POLICY},
    "ValidatingAdmissionPolicyBinding": {"spec": {"policyName": "none", "validationActions": ["Deny"]}},
    "VolumeAttributesClass": {"driverName": "example.com", "parameters": {"x": "y"}},
    "CSIDriver": {"spec": {}},
    "CSINode": {"spec": {"drivers": []}},
    "ClusterRoleBinding": {"roleRef": ROLE | {"kind": "ClusterRole"}},
    "ControllerRevision": {"revision": 1, "data": {}},
    "CronJob": {"spec": {"suspend": True, "schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": ONCE}}}},
    "DaemonSet": {"spec": SELECTED | NOWHERE},
    "Deployment": {"spec": SELECTED | {"replicas": 0}},
    "EndpointSlice": {"addressType": "IPv4", "endpoints": []},
    "HorizontalPodAutoscaler": {"spec": SCALED},
    "Ingress": {"spec": {"defaultBackend": BACKEND}},
    "IngressClass": {"spec": {"controller": "example.com/x"}},
    "Job": {"spec": {"suspend": True, "template": ONCE}},
    "NetworkPolicy": {"spec": {"podSelector": {}}},
    "PersistentVolume": {"spec": VOLUME},
    "PersistentVolumeClaim": {"spec": CLAIM},
    "Pod": {"spec": {"schedulerName": "none", "containers": CONTAINERS}},
    "PodDisruptionBudget": {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}}},
    "PodTemplate": {"template": TEMPLATE},
    "PriorityClass": {"value": 5},
    "ReplicaSet": {"spec": SELECTED | {"replicas": 0}},
    "ReplicationController": {"spec": {"replicas": 0, "selector": {"app": "a"}, "template": TEMPLATE}},
    "RoleBinding": {"roleRef": ROLE | {"kind": "Role"}},
    "Service": {"spec": {"ports": [{"port": 80}]}},
    "StatefulSet": {"spec": SELECTED | {"replicas": 0, "serviceName": "x"}},
    "StorageClass": {"provisioner": "example.com/x"},
    "VolumeAttachment": {"spec": ATTACHED},
}
"""The least that the server takes; a kind that is not here needs nothing."""
TIMES = ("lastPhaseTransitionTime",)
NODE = (
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
    "systemUUID",
)
EXPECTED_STATUS = {
    "DaemonSet": {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    "HorizontalPodAutoscaler": {"currentMetrics": None, "desiredReplicas": 0},
    "Ingress": {"loadBalancer": {}},
    "Node": {"phase": "Mine", "daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": dict.fromkeys(NODE, "")},
    "PersistentVolume": {"phase": "Pending"},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "Pod": {"phase": "Pending", "qosClass": "BestEffort"},
    "PodDisruptionBudget": {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "Service": {"loadBalancer": {}},
    "StatefulSet": {"availableReplicas": 0, "replicas": 0},
    "VolumeAttachment": {"attached": False},
}
REVIEWS = ("SelfSubjectAccessReview", "SelfSubjectReview", "SubjectAccessReview")
TESTED_ELSEWHERE = ("Namespace", "CustomResourceDefinition", *REVIEWS)
LEFT_ALONE = ("APIService", "CertificateSigningRequest", "ServiceCIDR")
"""One takes part in the real server's discovery, one needs a signed request, one a controller holds at its leisure."""
KINDS = [served for served in Catalog() if served.resource.kind not in TESTED_ELSEWHERE + LEFT_ALONE]
BY_NAME = pytest.mark.parametrize("served", KINDS, ids=[served.resource.name for served in KINDS])


class Life:
    """One object's path and body."""

    def __init__(self, served, space):
        self.served = served
        self.shelf = served.resource.path(space if served.resource.namespaced else None)
        self.name = "10.0.254.7" if served.resource.kind == "IPAddress" else f"{space}-one"
        self.path = f"{self.shelf}/{self.name}"
        self.obj = {"metadata": {"name": self.name}} | LEAST.get(served.resource.kind, {})
        about = {"kind": "Pod", "name": "p", "namespace": space}
        if served.resource.plural == "events":
            self.obj |= MODERN | {"regarding": about} if served.resource.group else {"involvedObject": about}


@pytest.fixture
async def life(cluster_backend, served):
    """What a test needs to make one object; it is gone afterwards."""
    found = Life(served, await cluster_backend.namespace())
    yield found
    if not served.resource.namespaced:
        await cluster_backend.request("DELETE", f"{found.path}?propagationPolicy=Background&gracePeriodSeconds=0")


@BY_NAME
async def test_it_is_made_listed_changed_and_deleted(cluster_backend, life, served):
    made = await cluster_backend.request("POST", life.shelf, life.obj)
    listed = await cluster_backend.request("GET", f"{life.shelf}?fieldSelector=metadata.name={life.name}")
    patch = {"metadata": {"labels": {"seen": "yes"}}}
    changed = await cluster_backend.request("PATCH", life.path, patch, content=MERGE_PATCH)
    options = {"propagationPolicy": "Background", "gracePeriodSeconds": 0}
    deleted = await cluster_backend.request("DELETE", life.path, options)

    assert [one.status for one in (made, listed, changed, deleted)] == [201, 200, 200, 200], made.text
    assert ("generation" in made.json["metadata"]) is served.counts_generation
    assert (listed.json["kind"], len(listed.json["items"])) == (f"{served.resource.kind}List", 1)
    assert changed.json["metadata"]["labels"]["seen"] == "yes"
    assert (deleted.json["kind"] != "Status") is served.deletes_to_object
    await cluster_backend.wait_for(life.path, status=404)


@BY_NAME
async def test_its_first_status_is_the_servers_and_only_a_node_may_bring_one(cluster_backend, life, served):
    made = await cluster_backend.request("POST", f"{life.shelf}?dryRun=All", life.obj | {"status": {"phase": "Mine"}})

    assert made.status == 201, made.text
    assert ("status" in made.json) is served.has_status
    status = {key: made.json.get("status", {})[key] for key in made.json.get("status", {}) if key not in TIMES}
    assert status == EXPECTED_STATUS.get(served.resource.kind, {})


@BY_NAME
async def test_an_update_without_a_version_replaces_or_is_refused(cluster_backend, life, served):
    made = await cluster_backend.request("POST", life.shelf, life.obj)
    metadata = {key: made.json["metadata"][key] for key in made.json["metadata"] if key != "resourceVersion"}

    answer = await cluster_backend.request("PUT", life.path, made.json | {"metadata": metadata})

    assert answer.status == (422 if served.needs_version else 200), answer.text


@BY_NAME
async def test_an_update_of_nothing_creates_it_or_is_a_404(cluster_backend, life, served):
    answer = await cluster_backend.request("PUT", life.path, life.obj)

    assert answer.status == (201 if served.key in CREATED_BY_PUT else 404), answer.text
