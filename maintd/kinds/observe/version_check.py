"""Compare the Kubernetes version of every node with that of the control plane, and with what Google says.

One verdict a node pool, and the worst node decides: current, so many minors behind, outside the supported skew,
newer than the control plane (which no version of Kubernetes supports), or unknown. A pool that is further behind
than `max_minor_behind`, or not in a supported state, needs attention, and so does a cluster without nodes: where
there was nothing to compare, nothing is proved. When the control plane's version cannot be read, the run fails.

The supported skew is Kubernetes' own (a kubelet may be three minors older than the API server, two below v1.25)
and GKE's for nodes of GKE (two), unless `max_skew` says otherwise. Patch releases are not compared.

Where the target has `gke:`, Google is asked as well, and the pools are GKE's. A verdict then also says: an upgrade
under way, the next version, the end of support, bad states, nodes that differ from what Google says, and what blocks
an upgrade: a maintenance exclusion, or, for pods that run in the pool, a PodDisruptionBudget that allows no eviction
or a workload of a single replica. The control plane is held against the default of its release channel. What Google
refuses to say makes the run partial; what this maintd cannot read in an answer needs attention.

Example:

    - name: node-versions
      kind: version-check
      schedule: "5 5 * * *"
      params: {max_minor_behind: 1}
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Literal, TypeVar

from pydantic import Field

from maintd.core.errors import JobError, Transient
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome
from maintd.core.ports import Gke
from maintd.core.resource import NODES, PODS, Json, Resource
from maintd.core.rules import GcpPermission, Rule
from maintd.core.target import GkeCluster, Target
from maintd.core.units import Duration
from maintd.objects.drains import BUDGETS, WORKLOADS, lone_workload, obstacles_by_pool, running_pod, tight_budget
from maintd.objects.gke_versions import GoogleView
from maintd.objects.nodepools import GKE_POOL, NodePools, pool_node
from maintd.objects.pool_verdicts import Obstacles, Seen, outcome
from maintd.objects.versions import Tolerance, server_version

T = TypeVar("T")


class VersionCheck(Params):
    """How old versions may be."""

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
        default=GKE_POOL,
        min_length=1,
        max_length=317,
        description="Label of a node that names its pool; with `gke:` it is always GKE's.",
    )
    eol_warn: Duration = Field(
        default=timedelta(days=60), description="Warn when Google's support of a version ends within this time."
    )
    blockers: Literal["namespace", "cluster", "off"] = Field(
        default="namespace",
        description="Where to look for what blocks an upgrade; `namespace` is the target's, or all where it has none.",
    )
    accept_unread: tuple[str, ...] = Field(
        default=(),
        description="What of Google's answers may stay unread, as the finding names it: `cluster: field 212`.",
    )


async def run(ctx: Context, params: VersionCheck) -> Outcome:
    """Give one verdict a pool."""
    server = server_version(await ctx.cluster.version())
    label = GKE_POOL if ctx.gke else params.pool_label
    nodes = NodePools(await _listed(ctx, NODES, None, partial(pool_node, label)))
    unknown, view, obstacles = dict[str, str](), None, None
    if ctx.gke and ctx.target.gke:
        view = await _answer(unknown, "Google's view", _view(ctx.gke, ctx.target.gke, unknown))
        if params.blockers != "off":
            obstacles = await _answer(unknown, "what blocks an upgrade", _obstacles(ctx, params, nodes))
    gke = ctx.target.gke if label == GKE_POOL else None
    tolerance = Tolerance(params.max_minor_behind, params.max_skew, params.eol_warn)
    return outcome(Seen(server, nodes, tolerance, ctx.now(), gke, view, obstacles), unknown, params.accept_unread)


async def _answer(unknown: dict[str, str], what: str, question: Awaitable[T]) -> T | None:
    """What could be learned; what could not goes into `unknown` with its reason, unless it may pass."""
    try:
        return await question
    except Transient:
        raise
    except JobError as error:
        unknown[what] = str(error)
        return None


async def _view(google: Gke, where: GkeCluster, unknown: dict[str, str]) -> GoogleView:
    cluster = await google.cluster()
    upgrades = {
        name: await _answer(unknown, f"upgrades of {name or 'the control plane'}", google.upgrade_info(name))
        for name in ("", *(pool.name for pool in cluster.pools))
    }
    return GoogleView(
        where,
        cluster,
        await _answer(unknown, "versions on offer", google.server_config()),
        await _answer(unknown, "running operations", google.operations()),
        {name: info for name, info in upgrades.items() if info},
    )


async def _obstacles(ctx: Context, params: VersionCheck, nodes: NodePools) -> Obstacles:
    where = _scope(params, ctx.target)
    found = await _listed(ctx, BUDGETS, where, tight_budget)
    for resource in WORKLOADS:
        found += await _listed(ctx, resource, where, partial(lone_workload, resource))
    pods = await _listed(ctx, PODS, where, running_pod)
    return Obstacles(where, obstacles_by_pool(found, pods, nodes.of_node))


async def _listed(ctx: Context, resource: Resource, namespace: str | None, read: Callable[[Json], T | None]) -> list[T]:
    found: list[T] = []
    async for page in ctx.cluster.pages(resource, namespace):
        found = [] if page.first else found
        found += [each for item in page.items if (each := read(item)) is not None]
    return found


def _scope(params: VersionCheck, target: Target) -> str | None:
    return target.namespace if params.blockers == "namespace" else None


def _needs(params: VersionCheck, target: Target) -> tuple[Rule, ...]:
    if not target.gke or params.blockers == "off":
        return (Rule("nodes", "list"),)
    lists = (resource.name for resource in (PODS, BUDGETS, *WORKLOADS))
    return (Rule("nodes", "list"), *(Rule(name, "list", namespace=_scope(params, target)) for name in lists))


_GOOGLE = tuple(GcpPermission(f"container.{right}") for right in ("clusters.get", "clusters.list", "operations.list"))
KIND = Kind(VersionCheck, run, level=0, needs=_needs, gcp_needs=_GOOGLE)
