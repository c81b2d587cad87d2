"""Nodes by the pool that they belong to, and what their kubelets say of their version."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maintd.core.errors import Unreadable
from maintd.core.resource import Json
from maintd.core.target import GkeCluster
from maintd.core.text import counted
from maintd.objects.fields import mapping, text
from maintd.objects.verdicts import Point, Severity
from maintd.objects.versions import Skew, Tolerance, Verdict, Version, judged, kubelet_version

GKE_POOL = "cloud.google.com/gke-nodepool"
"""The label by which GKE names a node's pool."""
_SEVERITY: Mapping[Skew, Severity] = {
    Skew.FINE: "info",
    Skew.OLD: "warning",
    Skew.UNKNOWN: "warning",
    Skew.UNSUPPORTED: "error",
    Skew.NEWER: "error",
}


@dataclass(frozen=True, slots=True)
class PoolNode:
    """A node; its pool is empty where it has none."""

    name: str
    pool: str
    kubelet: Version | None


class NodePools:
    """The nodes of a cluster, by pool."""

    def __init__(self, nodes: Iterable[PoolNode]) -> None:
        self.kubelets: dict[str, Counter[Version | None]] = {}
        """How many nodes of a pool are at which version; None: cannot be read."""
        self.of_node: dict[str, str] = {}
        """The pool of a node, by the node's name."""
        for node in nodes:
            self.kubelets.setdefault(node.pool, Counter())[node.kubelet] += 1
            self.of_node[node.name] = node.pool


def pool_node(label: str, node: Json) -> PoolNode:
    """What a node says of itself; `label` names its pool."""
    return PoolNode(_name(node), _pool(node, label), kubelet_version(node))


def title(pool: str) -> str:
    """What a pool is called in a sentence."""
    return f"pool {pool}" if pool else "nodes of no pool"


def _pool(node: Json, label: str) -> str:
    try:
        return text(mapping(mapping(node, "metadata"), "labels"), label)
    except Unreadable:
        return ""


def _name(node: Json) -> str:
    try:
        return text(mapping(node, "metadata"), "name")
    except Unreadable:
        return ""


def worst(versions: Iterable[Version | None], server: Version, tolerance: Tolerance) -> Verdict:
    """Of at least one version, the verdict on the one that is worst off."""
    return max(judged(each, server, tolerance) for each in versions)


def skew_point(kubelets: Counter[Version | None], verdict: Verdict, upgrade: str) -> Point:
    """The verdict on the versions of a pool, and how many nodes have which; `upgrade` is what to do about old ones."""
    counts = sorted((each.text if each else "a version that cannot be read", n) for each, n in kubelets.items())
    nodes = ", ".join(f"{counted(n, 'node')} at {version}" for version, n in counts) or "no nodes now"
    remedy = "" if verdict.skew == Skew.FINE else upgrade
    if verdict.skew == Skew.UNKNOWN:
        remedy = "see what the nodes say of themselves: kubectl get nodes -o wide"
    return Point(_SEVERITY[verdict.skew], f"{verdict.says}: {nodes}", remedy, head=verdict.says)


def upgrade_command(pool: str, verdict: Verdict, server: Version, gke: GkeCluster | None) -> str:
    """What to type so that a pool and its control plane fit together again."""
    newer = verdict.skew == Skew.NEWER
    what = "the control plane" if newer else title(pool)
    if gke is None or not (pool or newer):
        return f"upgrade {what}" if newer else f"upgrade {what} to {server.short}"
    which = "--master" if newer else f"--node-pool={pool}"
    return (
        f"upgrade {what}: gcloud container clusters upgrade {gke.cluster} "
        f"--project={gke.project} --location={gke.location} {which}"
    )
