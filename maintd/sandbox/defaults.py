"""What the server fills in when an object is created: the first status, and the few spec fields that are read back."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from maintd.core.resource import Json
from maintd.sandbox.resources import Key, Served

_NODE_INFO = (
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
_FIRST_STATUS: dict[Key, Json] = {
    ("", "namespaces"): {"phase": "Active"},
    ("", "nodes"): {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": dict.fromkeys(_NODE_INFO, "")},
    ("", "persistentvolumeclaims"): {"phase": "Pending"},
    ("", "persistentvolumes"): {"phase": "Pending"},
    ("", "pods"): {"phase": "Pending", "qosClass": "BestEffort"},
    ("", "replicationcontrollers"): {"replicas": 0},
    ("", "services"): {"loadBalancer": {}},
    ("apps", "daemonsets"): {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    ("apps", "replicasets"): {"replicas": 0},
    ("apps", "statefulsets"): {"availableReplicas": 0, "replicas": 0},
    ("autoscaling", "horizontalpodautoscalers"): {"currentMetrics": None, "desiredReplicas": 0},
    ("networking.k8s.io", "ingresses"): {"loadBalancer": {}},
    ("policy", "poddisruptionbudgets"): {
        "currentHealthy": 0,
        "desiredHealthy": 0,
        "disruptionsAllowed": 0,
        "expectedPods": 0,
    },
    ("storage.k8s.io", "volumeattachments"): {"attached": False},
}
PROTECTED_BY: dict[Key, str] = {
    ("", "persistentvolumeclaims"): "kubernetes.io/pvc-protection",
    ("", "persistentvolumes"): "kubernetes.io/pv-protection",
}
"""Finalizers that the server adds and a controller takes away once nothing uses the object."""

_POD = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "serviceAccountName": "default",
    "serviceAccount": "default",
    "securityContext": {},
    "schedulerName": "default-scheduler",
    "enableServiceLinks": True,
}
_SERVICE = {
    "type": "ClusterIP",
    "sessionAffinity": "None",
    "internalTrafficPolicy": "Cluster",
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}
_EVENT: Json = {
    "eventTime": None,
    "firstTimestamp": None,
    "lastTimestamp": None,
    "source": {},
    "reportingComponent": "",
    "reportingInstance": "",
}


class Defaults:
    """Fills in new objects; holds the next free service address."""

    def __init__(self) -> None:
        self._addresses = count(1)
        self._by_key: dict[Key, Callable[[Json], Any]] = {
            ("", "events"): _event,
            ("", "namespaces"): _namespace,
            ("", "pods"): _pod,
            ("", "services"): self._service,
            ("apiextensions.k8s.io", "customresourcedefinitions"): _definition,
        }

    def fill(self, served: Served, obj: Json) -> None:
        """Change a new object in place. A status that the client sent is forgotten, but a node's is kept."""
        sent = obj.pop("status", None) if not served.custom or served.has_status else None
        if served.has_status:
            first = json.loads(json.dumps(_FIRST_STATUS.get(served.key, {})))
            obj["status"] = first | (sent or {}) if served.resource.kind == "Node" else first
        if protection := PROTECTED_BY.get(served.key):
            finalizers = obj["metadata"].setdefault("finalizers", [])
            if protection not in finalizers:
                finalizers.append(protection)
        if fill := self._by_key.get(served.key):
            fill(obj)

    def _service(self, obj: Json) -> None:
        obj["spec"] = spec = _SERVICE | (obj.get("spec") or {})
        for port in spec.get("ports", []):
            port.setdefault("protocol", "TCP")
            port.setdefault("targetPort", port["port"])
        if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
            number = next(self._addresses)
            spec["clusterIP"] = f"10.0.{number // 250}.{number % 250 + 1}"
        if "clusterIP" in spec:
            spec["clusterIPs"] = [spec["clusterIP"]]


def _event(obj: Json) -> None:
    for key, value in _EVENT.items():
        obj.setdefault(key, value)


def _namespace(obj: Json) -> None:
    labels = obj["metadata"].get("labels") or {}
    obj["metadata"]["labels"] = labels | {"kubernetes.io/metadata.name": obj["metadata"]["name"]}
    obj["spec"] = {"finalizers": ["kubernetes"]}


def _pod(obj: Json) -> None:
    obj["spec"] = _POD | obj.get("spec", {})
    obj["spec"]["serviceAccount"] = obj["spec"]["serviceAccountName"]


def _definition(obj: Json) -> None:
    """A definition is established at once: the sandbox has nothing to wait for."""
    names = obj["spec"]["names"]
    names.setdefault("singular", names["kind"].lower())
    names.setdefault("listKind", f"{names['kind']}List")
    obj["spec"].setdefault("conversion", {"strategy": "None"})
    conditions = [{"type": kind, "status": "True"} for kind in ("NamesAccepted", "Established")]
    stored = [version["name"] for version in obj["spec"]["versions"] if version.get("storage")]
    obj["status"] = {"acceptedNames": names, "conditions": conditions, "storedVersions": stored}
