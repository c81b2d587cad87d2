"""Pods as one finds them at three in the morning: their statuses, their logs, their events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle

from maintd.core.resource import Json
from maintd.sandbox.server import Sandbox

_LIVED = timedelta(hours=4)
"""How long a pod of the scene ran before it ended."""


def timestamp(instant: datetime) -> str:
    """As the API writes times."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def reference(owner: Json) -> Json:
    """An entry of `ownerReferences` that names the controller."""
    metadata = owner["metadata"]
    head = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": metadata["name"], "uid": metadata["uid"]}
    return head | {"controller": True, "blockOwnerDeletion": True}


@dataclass(frozen=True, slots=True)
class Workload:
    """What makes pods: the owner, and the one container that each of them has."""

    owner: Json
    container: str
    image: str


class Scene:
    """Puts pods into one namespace, on the nodes in turn."""

    def __init__(self, sandbox: Sandbox, namespace: str) -> None:
        self._sandbox = sandbox
        self._namespace = namespace
        self._nodes = cycle([node["metadata"]["name"] for node in sandbox.select("v1", "Node")])
        self.now = sandbox.now()

    def pod(
        self, workload: Workload, suffix: str, status: Json, *, annotations: Mapping[str, str] | None = None
    ) -> str:
        """Add a pod with this status; it was made when it started. Returns its name."""
        metadata = workload.owner["metadata"]
        name = f"{metadata['name']}-{suffix}"
        self._sandbox.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "namespace": self._namespace,
                    "labels": workload.owner["spec"]["template"]["metadata"]["labels"],
                    "annotations": dict(annotations or {}),
                    "creationTimestamp": status["startTime"],
                    "ownerReferences": [reference(workload.owner)],
                },
                "spec": {
                    "nodeName": next(self._nodes),
                    "restartPolicy": workload.owner["spec"]["template"]["spec"].get("restartPolicy", "Always"),
                    "containers": [{"name": workload.container, "image": workload.image}],
                },
                "status": status,
            }
        )
        return name

    def log(self, pod: str, container: str, text: str) -> None:
        """What the kubelet still has of a container: of its current instance, and of the one before if there was."""
        about = self._sandbox.get("v1", "Pod", pod, self._namespace)
        assert about is not None
        self._sandbox.logs[self._namespace, pod, container, False] = text
        if about["status"]["containerStatuses"][0]["restartCount"]:
            self._sandbox.logs[self._namespace, pod, container, True] = text

    def event(self, pod: str, reason: str, message: str, *, ago: timedelta, count: int = 1) -> None:
        """A Warning about a pod, as the kubelet files it."""
        about = self._sandbox.get("v1", "Pod", pod, self._namespace)
        assert about is not None
        moment = self.now - ago
        at = timestamp(moment)
        metadata = {"name": f"{pod}.{int(moment.timestamp() * 1e9):016x}", "namespace": self._namespace}
        named = {"kind": "Pod", "apiVersion": "v1", "namespace": self._namespace, "name": pod}
        self._sandbox.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": metadata | {"creationTimestamp": at},
                "involvedObject": named | {"uid": about["metadata"]["uid"]},
                "type": "Warning",
                "reason": reason,
                "message": message,
                "source": {"component": "kubelet", "host": about["spec"]["nodeName"]},
                "count": count,
                "firstTimestamp": at,
                "lastTimestamp": at,
            }
        )


def running(container: str, started: datetime) -> Json:
    """A pod that does its work."""
    state = {"running": {"startedAt": timestamp(started)}}
    return _status("Running", container, started, ready=True, state=state)


def failed(container: str, ended: datetime, code: int, reason: str) -> Json:
    """A pod whose container ended with this exit code and is not started again."""
    started = ended - _LIVED
    terminated = {"exitCode": code, "reason": reason, "startedAt": timestamp(started), "finishedAt": timestamp(ended)}
    return _status("Failed", container, started, state={"terminated": terminated})


def evicted(ended: datetime, message: str) -> Json:
    """A pod that the kubelet put out; it keeps no container statuses."""
    condition = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet", "message": message}
    return {
        "phase": "Failed",
        "reason": "Evicted",
        "message": message,
        "startTime": timestamp(ended - _LIVED),
        "conditions": [condition | {"lastTransitionTime": timestamp(ended)}],
    }


def crash_looping(container: str, started: datetime, ended: datetime, restarts: int) -> Json:
    """A pod whose phase is Running and whose container never stays up."""
    last = {"exitCode": 1, "reason": "Error", "startedAt": timestamp(ended), "finishedAt": timestamp(ended)}
    waiting = {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}
    status = _status("Running", container, started, state={"waiting": waiting})
    status["containerStatuses"][0] |= {"restartCount": restarts, "lastState": {"terminated": last}}
    return status


def _status(phase: str, container: str, started: datetime, *, state: Json, ready: bool = False) -> Json:
    found = {"name": container, "ready": ready, "started": ready, "restartCount": 0, "state": state, "lastState": {}}
    condition = {"type": "Ready", "status": str(ready), "lastTransitionTime": timestamp(started)}
    return {
        "phase": phase,
        "startTime": timestamp(started),
        "conditions": [condition],
        "containerStatuses": [found],
    }
