"""Delete finished pods that only take up room.

They go `older_than` (24h) after they finished, by the API server's clock. What each pod was, its events and its
last log lines are written to the store first.

When a pod finished is told by its last container's `finishedAt`, else its newest condition transition, else its
`startTime`; one that tells nothing, or nonsense, stays. The record names each, whether it goes, and the rule.

Pods are left to whoever answers for them: those of a Job unless it has finished (it counts them), those of a
DaemonSet or StatefulSet (their controllers replace failed pods themselves), of a node (static pods), and of every
controller that maintd does not know. Deleted are pods without a controller, of a ReplicaSet or
ReplicationController (which have made new ones long since), and of a Job that has finished. A Job that is in no list
proves nothing: the cluster's garbage collector takes the pods of one that is gone.

Unless the job says otherwise: both phases, any reason, the target's namespace, `max_count: 20` (oldest first), and
`abort_over: 200`: more than 200 pods to delete are a sign of trouble that a person should see first. A percentage is
of all pods of the namespaces, so they are all listed, whatever `label_selector` says: it is applied afterwards.

Example:

    - name: cleanup-failed-pods
      kind: cleanup-pods
      schedule: "17 3 * * sun"
      mode: act
      limits: {max_count: 50}
      params: {phases: [Failed], reasons: [Evicted, NodeShutdown], older_than: 6h}
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field

from maintd.core.kind import Context, Kind, Params
from maintd.core.limits import Limits, is_system_namespace
from maintd.core.outcome import Finding, Outcome, tally
from maintd.core.resource import JOBS, PODS
from maintd.core.rules import Rule
from maintd.core.target import DNS_LABEL, Target
from maintd.core.text import counted
from maintd.core.units import Duration
from maintd.objects.jobs import has_finished
from maintd.objects.leftovers import Verdict, Wanted, judged, said, settled
from maintd.objects.metadata import reference
from maintd.objects.selectors import LabelSelector, matcher


class CleanupPods(Params):
    """Which finished pods go."""

    phases: tuple[Literal["Failed", "Succeeded"], ...] = Field(
        default=("Failed", "Succeeded"), min_length=1, description="How the pods ended."
    )
    reasons: tuple[Annotated[str, Field(pattern="^[A-Za-z]+$")], ...] = Field(
        default=(), description="Only pods whose status gives such a reason: Evicted, NodeShutdown, Terminated …"
    )
    older_than: Duration = Field(default=timedelta(days=1), description="Leave pods alone that finished later.")
    namespaces: tuple[Annotated[str, Field(pattern=DNS_LABEL)], ...] = Field(
        default=(), description="Where to look, each one by name; empty: the target's namespace."
    )
    label_selector: LabelSelector | None = Field(
        default=None, description="Only pods with these labels: `app=web,tier in (front, back)`."
    )


@dataclass(frozen=True, slots=True)
class _Listing:
    """One namespace, seen whole."""

    namespace: str
    now: datetime
    pods: int
    meant: int
    """How many of them have the labels that are asked for."""
    verdicts: Sequence[Verdict]


async def run(ctx: Context, params: CleanupPods) -> Outcome:
    """Delete every finished pod that is old enough and that nobody answers for."""
    scope = _scope(params, ctx.target)
    listings = [await _list(ctx, namespace, params) for namespace in scope]
    verdicts = [verdict for listing in listings for verdict in listing.verdicts]
    wishes = [verdict.wish for verdict in verdicts if verdict.wish]
    pods = sum(listing.pods for listing in listings)
    changes = await ctx.gate.delete(wishes, population=pods, now=min(listing.now for listing in listings))
    selected = f", {sum(each.meant for each in listings):,} selected" if params.label_selector else ""
    where = ", ".join(scope) + selected
    became = {change.object.uid: change for change in changes}
    return Outcome(
        f"{said(changes)}; looked at {counted(pods, 'pod')} in {where}, {len(verdicts):,} of them finished",
        findings=tuple(_nothing_there(listing.namespace, params) for listing in listings if not listing.meant),
        changes=changes,
        considered=tuple(verdict.considered(became.get(verdict.object.uid)) for verdict in verdicts),
        metrics={"listed_pods": pods, "finished_pods": len(verdicts), "deleted_pods": tally(changes).get("done", 0)},
    )


async def _list(ctx: Context, namespace: str, params: CleanupPods) -> _Listing:
    wanted = Wanted(params.phases, params.reasons, params.older_than, matcher(params.label_selector or ""))
    pods, meant, verdicts, now = 0, 0, list[Verdict](), ctx.now()
    async for page in ctx.cluster.pages(PODS, namespace):
        if page.first:
            pods, meant, verdicts = 0, 0, []
        mine = [pod for pod in page.items if wanted.means(pod)]
        pods, meant, now = pods + len(page.items), meant + len(mine), page.server_time
        verdicts += [verdict for pod in mine if (verdict := judged(pod, wanted, now))]
    if any(verdict.job for verdict in verdicts):
        jobs = await _finished_jobs(ctx, namespace)
        verdicts = [settled(verdict, jobs) for verdict in verdicts]
    return _Listing(namespace, now, pods, meant, verdicts)


async def _finished_jobs(ctx: Context, namespace: str) -> Collection[str]:
    """Uids."""
    uids = set[str]()
    async for page in ctx.cluster.pages(JOBS, namespace):
        uids = set() if page.first else uids
        uids.update(reference(JOBS, job).uid for job in page.items if has_finished(job))
    return uids


def _nothing_there(namespace: str, params: CleanupPods) -> Finding:
    meant = f"pod with labels {params.label_selector}" if params.label_selector else "pod"
    return Finding(
        subject=f"namespace {namespace}",
        message=f"there is no {meant} in it, so nothing was checked",
        remedy=f"see whether the name is right: kubectl get pods -n {namespace}",
    )


def _scope(params: CleanupPods, target: Target) -> Sequence[str]:
    return tuple(dict.fromkeys(params.namespaces)) or ((target.namespace,) if target.namespace else ())


def _check(params: CleanupPods, target: Target) -> str | None:
    scope = _scope(params, target)
    if not scope:
        return "no namespace to look in; write params.namespaces, or a target with a namespace"
    system = [name for name in scope if is_system_namespace(name)]
    return f"nothing is ever changed in {', '.join(system)}; take it out of the namespaces" if system else None


def _needs(params: CleanupPods, target: Target) -> tuple[Rule, ...]:
    rights = (("pods", "delete", "list"), ("jobs.batch", "list"))
    return tuple(Rule(*right, namespace=name) for name in _scope(params, target) for right in rights)


KIND = Kind(CleanupPods, run, level=1, needs=_needs, check=_check, limits=Limits(max_count=20, abort_over=200))
