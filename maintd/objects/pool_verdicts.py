"""One verdict a node pool, from what the nodes say and, where it was asked, what Google says."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from maintd.core.outcome import Finding, Outcome, Status
from maintd.core.target import GkeCluster
from maintd.objects.drains import Obstacle
from maintd.objects.gke_versions import GoogleView, control_plane, pool_points, upgrade_due
from maintd.objects.nodepools import NodePools, skew_point, title, upgrade_command, worst
from maintd.objects.verdicts import Point, finding, headline
from maintd.objects.versions import Tolerance, Version, parse_version

_NO_NODES = Finding(
    subject="nodes",
    message="unknown: the list of nodes is empty, so nothing was compared",
    remedy="see whether there should be any: kubectl get nodes",
)


@dataclass(frozen=True, slots=True)
class Obstacles:
    """What stands in the way of draining nodes, by pool."""

    namespace: str | None
    """Where it was looked for; None: everywhere."""
    of_pool: Mapping[str, tuple[tuple[Obstacle, str], ...]]


@dataclass(frozen=True, slots=True)
class Seen:
    """All that one run has read."""

    server: Version
    nodes: NodePools
    tolerance: Tolerance
    now: datetime
    gke: GkeCluster | None
    view: GoogleView | None
    obstacles: Obstacles | None
    """None: not looked for, or not known."""

    @property
    def pools(self) -> list[str]:
        """Names of pools that the nodes name, or Google."""
        return sorted({*self.nodes.kubelets, *(self.view.pools if self.view else ())})


def outcome(seen: Seen, unknown: Mapping[str, str], accepted: Collection[str]) -> Outcome:
    """The verdicts; `unknown` is what could not be learned, and why; `accepted` may stay unread."""
    plane = _control_plane(seen)
    pools = {title(name): _pool(seen, name) for name in seen.pools}
    findings = [finding("control plane", plane)] if plane else []
    findings += [finding(name, points) for name, points in pools.items()]
    if not seen.nodes.kubelets:
        findings.append(_NO_NODES)
    says = ", ".join(f"{name}: {headline(points)}" for name, points in pools.items()) or "no nodes to compare"
    plane_says = ", ".join(filter(None, (f"control plane {seen.server.text}", headline(plane))))
    return Outcome(
        f"{plane_says}; {says}" + (f"; not known: {', '.join(unknown)}" if unknown else ""),
        status=Status.PARTIAL if unknown else None,
        findings=(*findings, *_unread(seen.view, accepted), *_unlearned(unknown)),
        metrics=_figures(seen),
    )


def _control_plane(seen: Seen) -> list[Point]:
    if seen.view is None:
        return []
    points = control_plane(seen.view, seen.server, seen.now, seen.tolerance)
    if seen.obstacles:
        where = f"namespace {seen.obstacles.namespace}" if seen.obstacles.namespace else "all namespaces"
        points.append(Point("info", f"what blocks an upgrade was looked for in {where}"))
    return points


def _pool(seen: Seen, name: str) -> list[Point]:
    kubelets = seen.nodes.kubelets.get(name, Counter())
    google = seen.view.pools.get(name) if seen.view else None
    said = [*kubelets, *([parse_version(google.version)] if google else ())]
    verdict = worst(said, seen.server, seen.tolerance)
    points = [skew_point(kubelets, verdict, upgrade_command(name, verdict, seen.server, seen.gke))]
    if seen.view:
        points += pool_points(seen.view, name, kubelets, seen.now, seen.tolerance)
    due = verdict.behind > 0 or bool(seen.view and upgrade_due(seen.view, name))
    return points + _blocked(seen, name, due=due)


def _blocked(seen: Seen, name: str, *, due: bool) -> list[Point]:
    """Where there is nothing to upgrade to, what would be in the way is only mentioned."""
    found = seen.obstacles.of_pool.get(name, ()) if seen.obstacles else ()
    if not due:
        return [Point("info", f"would block an upgrade: {each.title} {each.because} {count}") for each, count in found]
    return [
        Point("warning", f"blocked: {each.title} {each.because} {count}", each.remedy, head=f"blocked by {each.title}")
        for each, count in found
    ]


def _unread(view: GoogleView | None, accepted: Collection[str]) -> tuple[Finding, ...]:
    left = [each for each in view.unread if each not in accepted] if view else []
    if view is None or not left:
        return ()
    where = f"{view.where.cluster} --project={view.where.project} --location={view.where.location}"
    return (
        Finding(
            subject="GKE API",
            message=f"not known, since this maintd cannot read it: {', '.join(left)}",
            remedy="a newer maintd may know it; until then name in `accept_unread` what does not matter: "
            f"gcloud container clusters describe {where}",
        ),
    )


def _unlearned(unknown: Mapping[str, str]) -> tuple[Finding, ...]:
    by_reason = defaultdict[str, list[str]](list)
    for what, reason in unknown.items():
        by_reason[reason].append(what)
    return tuple(
        Finding(
            subject=", ".join(what), message=f"not known: {reason.partition('; ')[0]}", remedy=reason.partition("; ")[2]
        )
        for reason, what in by_reason.items()
    )


def _figures(seen: Seen) -> dict[str, float]:
    behind = [each.behind(seen.server) for kubelets in seen.nodes.kubelets.values() for each in kubelets if each]
    figures: dict[str, float] = {
        "pools": len(seen.pools),
        "nodes": sum(kubelets.total() for kubelets in seen.nodes.kubelets.values()),
    }
    return figures | ({"worst_pool_minors_behind": max(behind)} if behind else {})
