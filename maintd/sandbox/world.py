"""The small broken world of the demo: an application in trouble, and a node pool two minors behind.

What stands still is in world.yaml; what happened, and when, is told here relative to now, so that ages apply.
"""

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path

import yaml

from maintd.core.limits import PROTECT
from maintd.core.resource import Json
from maintd.sandbox import scene as was
from maintd.sandbox.scene import Scene, Workload, reference, timestamp
from maintd.sandbox.server import Sandbox

NAMESPACE = "omtx-hub"
MINORS_BEHIND = 2
_MANIFESTS = Path(__file__).with_name("world.yaml")
POOL = "default-pool"
_REPLICA_SET = "omtx-hub-backend-6f7d9c5b8"
_IMAGE = "gcr.io/om-models/omtx-hub-backend:12e4567"
_MOST_FAILED = 10
_HOUR = timedelta(hours=1)
_AGE = timedelta(days=40)
_TRACEBACK = """INFO:     Started server process [1]
Traceback (most recent call last):
  File "/app/backend/main.py", line 41, in <module>
    database = connect(os.environ["DATABASE_URL"])
KeyError: 'DATABASE_URL'
"""


def broken_world(sandbox: Sandbox) -> None:
    """Set the scene."""
    now = sandbox.now()
    for manifest in yaml.load_all(_MANIFESTS.read_text(encoding="utf-8"), yaml.CSafeLoader):
        metadata = manifest["metadata"] | {"creationTimestamp": timestamp(now - _AGE)}
        sandbox.put(manifest | {"metadata": metadata})
    for number in range(3):
        sandbox.put(_node(number, sandbox))
    scene = Scene(sandbox, NAMESPACE)
    backend = Workload(sandbox.put(_replica_set(sandbox)), "backend", _IMAGE)
    _working(scene, backend)
    _failed(scene, backend)
    _evicted(scene, backend)
    _crash_looping(scene, backend)
    job = sandbox.get("batch/v1", "Job", "nightly-import", NAMESPACE)
    assert job is not None
    _import(scene, Workload(job, "import", "gcr.io/om-models/import:3.2"))


async def goes_on_breaking(sandbox: Sandbox, pause: timedelta) -> None:
    """Let one more pod of the application fail each `pause`, for as long as it is awaited; a few lie about at once."""
    owner = sandbox.get("apps/v1", "ReplicaSet", _REPLICA_SET, NAMESPACE)
    assert owner is not None
    backend = Workload(owner, "backend", _IMAGE)
    for number in itertools.count(1):
        await asyncio.sleep(pause.total_seconds())
        failed = [pod for pod in sandbox.select("v1", "Pod", NAMESPACE) if pod["status"]["phase"] == "Failed"]
        if len(failed) < _MOST_FAILED:
            scene = Scene(sandbox, NAMESPACE)
            pod = scene.pod(backend, f"f{number:04}", was.failed(backend.container, scene.now, 1, "Error"))
            scene.log(pod, backend.container, _TRACEBACK)


def _replica_set(sandbox: Sandbox) -> Json:
    deployment = sandbox.get("apps/v1", "Deployment", "omtx-hub-backend", NAMESPACE)
    assert deployment is not None
    labels = {"app": "omtx-hub-backend", "pod-template-hash": "6f7d9c5b8"}
    return {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": _REPLICA_SET,
            "namespace": NAMESPACE,
            "labels": labels,
            "creationTimestamp": timestamp(sandbox.now() - timedelta(days=6)),
            "ownerReferences": [reference(deployment)],
        },
        "spec": {
            "replicas": 3,
            "selector": {"matchLabels": labels},
            "template": deployment["spec"]["template"] | {"metadata": {"labels": labels}},
        },
        "status": {"replicas": 3, "readyReplicas": 2, "availableReplicas": 2},
    }


def pool_version(sandbox: Sandbox) -> str:
    """What the nodes of the pool run, as GKE spells it."""
    return f"1.{sandbox.version.minor - MINORS_BEHIND}.5-gke.1080000"


def _node(number: int, sandbox: Sandbox) -> Json:
    version = f"v{pool_version(sandbox)}"
    heartbeat = timestamp(sandbox.now())
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": f"gke-omtx-hub-cluster-{POOL}-9d3e1f2a-{'bkq'[number]}7xz",
            "labels": {
                "cloud.google.com/gke-nodepool": POOL,
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": "us-central1-a",
            },
            "creationTimestamp": timestamp(sandbox.now() - timedelta(days=210)),
        },
        "spec": {"podCIDR": f"10.244.{number}.0/24"},
        "status": {
            "nodeInfo": {"kubeletVersion": version, "kubeProxyVersion": version, "architecture": "amd64"},
            "capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
            "allocatable": {"cpu": "3920m", "memory": "13Gi", "pods": "110"},
            "conditions": [ready | {"lastHeartbeatTime": heartbeat, "lastTransitionTime": heartbeat}],
        },
    }


def _working(scene: Scene, backend: Workload) -> None:
    for suffix in ("k2x9p", "w7m4t"):
        scene.pod(backend, suffix, was.running(backend.container, scene.now - timedelta(days=6)))


def _failed(scene: Scene, backend: Workload) -> None:
    troubles = (
        ("h8d2q", 31 * _HOUR, 1, "Error", _TRACEBACK),
        ("p5v6n", 9 * _HOUR, 137, "OOMKilled", "INFO:     loading model weights (4.2 GiB)\n"),
        ("z3c9r", 3 * _HOUR, 1, "Error", _TRACEBACK),
    )
    for suffix, ago, code, reason, log in troubles:
        pod = scene.pod(backend, suffix, was.failed(backend.container, scene.now - ago, code, reason))
        scene.log(pod, backend.container, log)
    crashed = was.failed(backend.container, scene.now - 30 * _HOUR, 139, "Error")
    kept = scene.pod(backend, "j4s8w", crashed, annotations={PROTECT: "true"})
    scene.log(kept, backend.container, "fatal: segmentation fault, core kept for the vendor\n")


def _evicted(scene: Scene, backend: Workload) -> None:
    message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 71Mi."
    for suffix, ago in (("b6t7f", 50 * _HOUR), ("m9l3g", 5 * _HOUR)):
        pod = scene.pod(backend, suffix, was.evicted(scene.now - ago, message))
        scene.event(pod, "Evicted", message, ago=ago)


def _crash_looping(scene: Scene, backend: Workload) -> None:
    ended = scene.now - timedelta(minutes=2)
    pod = scene.pod(backend, "t1r5y", was.crash_looping(backend.container, scene.now - 8 * _HOUR, ended, restarts=41))
    scene.log(pod, backend.container, _TRACEBACK)
    message = f"Back-off restarting failed container {backend.container} in pod {pod}_{NAMESPACE}"
    scene.event(pod, "BackOff", message, ago=timedelta(minutes=2), count=512)


def _import(scene: Scene, job: Workload) -> None:
    pod = scene.pod(job, "4xk8d", was.failed(job.container, scene.now - 3 * _HOUR, 2, "Error"))
    scene.log(pod, job.container, "import: source not reachable, will be tried again\n")
    scene.pod(job, "r2p6c", was.running(job.container, scene.now - 2 * _HOUR))
