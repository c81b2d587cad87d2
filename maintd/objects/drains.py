"""What stands in the way of draining a pool's nodes: budgets that allow no eviction, workloads of a single replica."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maintd.core.errors import Unreadable
from maintd.core.resource import Json, Resource
from maintd.core.text import counted
from maintd.objects.fields import mapping, mappings, text, word
from maintd.objects.owners import controller_of

BUDGETS = Resource("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget")
WORKLOADS = (
    Resource("apps", "v1", "deployments", "Deployment"),
    Resource("apps", "v1", "statefulsets", "StatefulSet"),
)
_STAYS = ("DaemonSet", "Node")
"""Controllers whose pods a drain leaves alone."""


@dataclass(frozen=True, slots=True)
class RunningPod:
    """A pod that a drain of its node would evict."""

    namespace: str
    labels: Mapping[str, str]
    node: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """An object whose pods should not be evicted."""

    namespace: str
    title: str
    """`PodDisruptionBudget shop/web`."""
    selector: Json | None
    because: str
    """`allows no eviction`."""
    remedy: str


def running_pod(pod: Json) -> RunningPod | None:
    """None for a pod that is not running, or that a drain would leave. Raises Unreadable."""
    metadata, node = mapping(pod, "metadata"), text(mapping(pod, "spec"), "nodeName")
    owner = controller_of(pod)
    if text(mapping(pod, "status"), "phase") != "Running" or not node or (owner and owner.kind in _STAYS):
        return None
    labels = mapping(metadata, "labels")
    return RunningPod(text(metadata, "namespace"), {key: text(labels, key) for key in labels}, node)


def tight_budget(budget: Json) -> Obstacle | None:
    """A budget that allows no eviction now, or does not say. Raises Unreadable."""
    metadata, spec, status = (mapping(budget, key) for key in ("metadata", "spec", "status"))
    fresh = status.get("observedGeneration") == metadata.get("generation")
    allowed = status.get("disruptionsAllowed") if fresh else None
    if isinstance(allowed, int) and allowed > 0:
        return None
    namespace, name = word(metadata, "namespace"), word(metadata, "name")
    says = "allows no eviction" if allowed == 0 else "does not say whether it allows an eviction"
    return Obstacle(
        namespace,
        f"PodDisruptionBudget {namespace}/{name}",
        _selector(spec),
        says,
        f"see what it waits for: kubectl -n {namespace} describe pdb {name}",
    )


def lone_workload(resource: Resource, workload: Json) -> Obstacle | None:
    """A Deployment or StatefulSet of one replica. Raises Unreadable."""
    metadata, spec = mapping(workload, "metadata"), mapping(workload, "spec")
    if spec.get("replicas", 1) != 1:
        return None
    namespace, name = word(metadata, "namespace"), word(metadata, "name")
    return Obstacle(
        namespace,
        f"{resource.kind} {namespace}/{name}",
        _selector(spec),
        "has a single replica, which a drain stops",
        f"give it a second one first: kubectl -n {namespace} scale {resource.plural} {name} --replicas=2",
    )


def obstacles_by_pool(
    obstacles: Iterable[Obstacle], pods: Iterable[RunningPod], pool_of_node: Mapping[str, str]
) -> Mapping[str, tuple[tuple[Obstacle, str], ...]]:
    """For each pool what stands in the way there, each with `(3 running pods here)`."""
    nearby = defaultdict[str, list[RunningPod]](list)
    for pod in pods:
        nearby[pod.namespace].append(pod)
    found = defaultdict[str, list[tuple[Obstacle, str]]](list)
    for obstacle in obstacles:
        counts = defaultdict[str, int](int)
        for pod in nearby[obstacle.namespace]:
            if pod.node in pool_of_node and selects(obstacle.selector, pod.labels):
                counts[pool_of_node[pod.node]] += 1
        for pool, count in counts.items():
            found[pool].append((obstacle, f"({counted(count, 'running pod')} here)"))
    return {pool: tuple(each) for pool, each in found.items()}


def _selector(spec: Json) -> Json | None:
    if spec.get("selector") is None:
        return None
    found = mapping(spec, "selector")
    selects(found, {})  # one that cannot be read is found out here, with its object
    return found


def selects(selector: Json | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector is true of these labels; without one nothing is selected, with an empty one all is."""
    if selector is None:
        return False
    wanted = mapping(selector, "matchLabels")
    held = [_holds(each, labels) for each in mappings(selector, "matchExpressions")]
    return all(held) and all(labels.get(key) == value for key, value in wanted.items())


def _holds(expression: Json, labels: Mapping[str, str]) -> bool:
    has, value = text(expression, "key") in labels, labels.get(text(expression, "key"))
    values = expression.get("values") or ()
    match text(expression, "operator"):
        case "In":
            return has and value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return has
        case "DoesNotExist":
            return not has
        case other:
            raise Unreadable(f"operator is not one of a label selector's: {ascii(other)[:60]}")
