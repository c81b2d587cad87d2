"""Compare the Kubernetes version of every node with that of the control plane.

One verdict a node pool, and the worst node decides: current, so many minors behind, outside the supported skew,
newer than the control plane (which no version of Kubernetes supports), or unknown. A pool that is further behind
than `max_minor_behind`, or not in a supported state, needs attention, and so does a cluster without nodes: where
there was nothing to compare, nothing is proved. When the control plane's version cannot be read, the run fails.

The supported skew is Kubernetes' own (a kubelet may be three minors older than the API server, two below v1.25)
and GKE's for nodes of GKE (two), unless `max_skew` says otherwise. Patch releases are not compared.

Example:

    - name: node-versions
      kind: version-check
      schedule: "5 5 * * *"
      params: {max_minor_behind: 1}
"""

from collections import Counter
from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from maintd.core.errors import Unreadable
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Finding, Outcome
from maintd.core.resource import NODES, Json
from maintd.core.rules import Rule
from maintd.core.target import GkeCluster
from maintd.core.text import counted
from maintd.objects.fields import mapping, text
from maintd.objects.versions import Skew, Verdict, Version, judged, kubelet_version, server_version

_GKE_POOL = "cloud.google.com/gke-nodepool"
Kubelets = Counter[Version | None]
"""How many nodes of a pool are at which version; None: cannot be read."""


class VersionCheck(Params):
    """How old nodes may be."""

    max_minor_behind: int = Field(
        default=1, ge=0, le=10, description="A pool may be this many minor versions behind the control plane."
    )
    max_skew: int | None = Field(
        default=None,
        ge=0,
        le=10,
        description="Minors behind which a node is unsupported; unless said, what Kubernetes or GKE supports.",
    )
    pool_label: str = Field(
        default=_GKE_POOL,
        min_length=1,
        max_length=317,
        description="Label of a node that names its pool.",
    )


_SEVERITY: Mapping[Skew, Literal["info", "warning", "error"]] = {
    Skew.FINE: "info",
    Skew.OLD: "warning",
    Skew.UNKNOWN: "warning",
    Skew.UNSUPPORTED: "error",
    Skew.NEWER: "error",
}
_NO_NODES = Finding(
    subject="nodes",
    message="unknown: the list of nodes is empty, so nothing was compared",
    remedy="see whether there should be any: kubectl get nodes",
)
_NO_POOL = "nodes of no pool"


async def run(ctx: Context, params: VersionCheck) -> Outcome:
    """Give one verdict a pool."""
    server = server_version(await ctx.cluster.version())
    pools = await _pools(ctx, params)
    verdicts = {name: _worst(pools[name], server, params) for name in sorted(pools)}
    gke = ctx.target.gke if params.pool_label == _GKE_POOL else None
    known = [kubelet.behind(server) for kubelets in pools.values() for kubelet in kubelets if kubelet]
    return Outcome(
        f"control plane {server.text}; "
        + (", ".join(f"{name}: {verdict.says}" for name, verdict in verdicts.items()) or "no nodes to compare"),
        findings=tuple(_finding(name, pools[name], verdict, server, gke) for name, verdict in verdicts.items())
        or (_NO_NODES,),
        metrics={
            "pools": len(pools),
            "nodes": sum(kubelets.total() for kubelets in pools.values()),
            **({"worst_pool_minors_behind": max(known)} if known else {}),
        },
    )


async def _pools(ctx: Context, params: VersionCheck) -> Mapping[str, Kubelets]:
    pools: dict[str, Kubelets] = {}
    async for page in ctx.cluster.pages(NODES):
        pools = {} if page.first else pools
        for node in page.items:
            pools.setdefault(_pool(node, params.pool_label), Kubelets())[kubelet_version(node)] += 1
    return pools


def _pool(node: Json, label: str) -> str:
    try:
        name = text(mapping(mapping(node, "metadata"), "labels"), label)
    except Unreadable:
        return _NO_POOL
    return f"pool {name}" if name else _NO_POOL


def _worst(kubelets: Kubelets, server: Version, params: VersionCheck) -> Verdict:
    return max(
        judged(kubelet, server, tolerated=params.max_minor_behind, max_skew=params.max_skew) for kubelet in kubelets
    )


def _finding(name: str, kubelets: Kubelets, verdict: Verdict, server: Version, gke: GkeCluster | None) -> Finding:
    counts = sorted(
        (kubelet.text if kubelet else "a version that cannot be read", n) for kubelet, n in kubelets.items()
    )
    return Finding(
        severity=_SEVERITY[verdict.skew],
        subject=name,
        message=f"{verdict.says}: " + ", ".join(f"{counted(n, 'node')} at {version}" for version, n in counts),
        remedy=_remedy(name, verdict.skew, server, gke),
    )


def _remedy(name: str, skew: Skew, server: Version, gke: GkeCluster | None) -> str:
    if skew == Skew.FINE:
        return ""
    if skew == Skew.UNKNOWN:
        return "see what the nodes say of themselves: kubectl get nodes -o wide"
    what, which = (
        ("the control plane", "--master") if skew == Skew.NEWER else (name, f"--node-pool={name.removeprefix('pool ')}")
    )
    if gke is None or what == _NO_POOL:
        return f"upgrade {what}" if skew == Skew.NEWER else f"upgrade {what} to {server.short}"
    return (
        f"upgrade {what}: gcloud container clusters upgrade {gke.cluster} "
        f"--project={gke.project} --location={gke.location} {which}"
    )


KIND = Kind(VersionCheck, run, level=0, needs=(Rule("nodes", "list"),))
