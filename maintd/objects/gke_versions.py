"""What Google's view of a cluster says about its versions: one verdict for the control plane, one for each pool."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from maintd.core.gke import Channel, ClusterInfo, Operation, Operations, PoolInfo, ServerConfig, UpgradeInfo
from maintd.core.target import GkeCluster
from maintd.core.text import counted
from maintd.objects.gke_upgrades import support_points, upgrade_points
from maintd.objects.verdicts import Point
from maintd.objects.versions import Tolerance, Version, parse_version

_CHANGING = ("PROVISIONING", "RECONCILING")
"""States of a cluster or pool that pass by themselves."""
_UPGRADES = ("UPGRADE_MASTER", "UPGRADE_NODES", "AUTO_UPGRADE_NODES", "FLEET_FEATURE_UPGRADE")


@dataclass(frozen=True, slots=True)
class GoogleView:
    """What Google said in one run; None and absent: not known, and said elsewhere in the run."""

    where: GkeCluster
    cluster: ClusterInfo
    config: ServerConfig | None = None
    operations: Operations | None = None
    upgrades: Mapping[str, UpgradeInfo] = field(default_factory=dict)
    """By pool; the control plane's under the empty name."""

    @property
    def pools(self) -> Mapping[str, PoolInfo]:
        """By name."""
        return {pool.name: pool for pool in self.cluster.pools}

    @property
    def unread(self) -> tuple[str, ...]:
        """What was in the answers and could not be read."""
        answers = (self.cluster, self.config, self.operations, *self.upgrades.values())
        return tuple(dict.fromkeys(said for each in answers if each for said in each.unread))

    def doing(self, pool: str) -> tuple[Operation, ...]:
        """What Google does to one pool now; under the empty name, to the cluster."""
        return tuple(each for each in self.operations.running if each.pool == pool) if self.operations else ()

    def upgrades_of(self, pool: str, now: datetime, tolerance: Tolerance) -> Iterator[Point]:
        """What Google means to do about a version, and until when it must."""
        info, about = self.upgrades.get(pool), self.pools[pool] if pool else self.cluster
        if info is None:
            return
        extended = self.cluster.channel == "EXTENDED"
        yield from support_points(info, now, tolerance.eol_warn, extended=extended)
        kept = (*self.cluster.exclusions, *(about.exclusions if isinstance(about, PoolInfo) else ()))
        yield from upgrade_points(info, about.version, [each for each in kept if each.holds(now)])


def control_plane(view: GoogleView, server: Version, now: datetime, tolerance: Tolerance) -> list[Point]:
    """The verdict on the control plane; `server` is what the API server says of itself."""
    cluster = view.cluster
    master = parse_version(cluster.version)
    doing = view.doing("")
    return [
        _channel_point(view, master, tolerance),
        *(() if doing else _agreement(view.where, master, server)),
        *_state(cluster, explained=bool(view.operations and view.operations.running)),
        *_doing(doing, ""),
        *view.upgrades_of("", now, tolerance),
        Point("info", f"Google upgrades it {_when(cluster)}"),
    ]


def pool_points(
    view: GoogleView, name: str, kubelets: Iterable[Version | None], now: datetime, tolerance: Tolerance
) -> list[Point]:
    """What Google adds to the verdict on a pool; `kubelets` are the versions that its nodes say they have."""
    pool = view.pools.get(name)
    if pool is None:
        says = "Google knows no such pool in this cluster"
        return [Point("warning", says, _compare(view.where), head="not known to Google")]
    doing = view.doing(name)
    busy = bool(doing) or pool.status in _CHANGING or bool(pool.blue_green_phase)
    return [
        *_kubelets_agree(pool, kubelets, busy=busy),
        *_state(pool, explained=bool(doing or pool.blue_green_phase)),
        *_doing(doing, pool.blue_green_phase),
        *view.upgrades_of(name, now, tolerance),
        *(() if pool.auto_upgrade else (Point("info", "auto-upgrade is off"),)),
    ]


def upgrade_due(view: GoogleView, name: str) -> bool:
    """True where a pool is being upgraded, or Google has a version for it that it does not have."""
    pool, info = view.pools.get(name), view.upgrades.get(name)
    if pool is None:
        return False
    targets = {info.minor_target, info.patch_target} - {"", pool.version} if info else set()
    return bool(targets) or pool.status == "RECONCILING" or bool(view.doing(name))


def _channel_point(view: GoogleView, master: Version | None, tolerance: Tolerance) -> Point:
    if master is None:
        return Point("warning", "Google does not say its version", _compare(view.where), head="version not known")
    channel = view.cluster.channel
    if view.config is None:
        return Point("info", f"{master.text}, channel {channel}; what is on offer there is not known")
    place, offer = _offer(view.config, channel)
    default = parse_version(offer.default)
    if default is None:
        says = f"{master.text}; Google does not say what the default {place} is"
        return Point("warning", says, _compare(view.where), head="default of its channel not known")
    gone = "" if master.text in offer.valid else f", and {master.text} is no longer offered"
    behind = master.behind(default)
    says = f"{counted(behind, 'minor')} behind" if behind > 0 else "not behind"
    whole = f"{master.text}, {says} the default {place}, {default.text}{gone}"
    if behind <= tolerance.behind:
        return Point("info", whole)
    remedy = f"gcloud container clusters upgrade {_flags(view.where)} --master --cluster-version={default.text}"
    return Point("warning", whole, remedy, head=f"{says} the default {place}")


def _offer(config: ServerConfig, channel: str) -> tuple[str, Channel]:
    """Where a cluster gets its versions from, and which there are."""
    if channel == "UNSPECIFIED":
        return "outside of release channels", Channel(config.default, config.valid_masters, "")
    return f"of {channel}", config.channels.get(channel, Channel("", (), ""))


def _agreement(where: GkeCluster, master: Version | None, server: Version) -> Iterator[Point]:
    if master and master.text != server.text.removeprefix("v"):
        says = f"the API server says {server.text} and Google {master.text}"
        yield Point("warning", says, f"is this the cluster of `gke:`? {_compare(where)}", head="Google says otherwise")


def _kubelets_agree(pool: PoolInfo, kubelets: Iterable[Version | None], *, busy: bool) -> Iterator[Point]:
    others = sorted({each.text for each in kubelets if each and each.text.removeprefix("v") != pool.version})
    if parse_version(pool.version) is None:
        yield Point("warning", "Google does not say its version", head="version not known to Google")
    elif others:
        says = f"Google says {pool.version}, nodes say {', '.join(others)}"
        if busy:
            yield Point("info", says)
        else:
            yield Point("warning", says, "have nodes that are not of their pool's version made anew", "nodes differ")


def _state(of: ClusterInfo | PoolInfo, *, explained: bool) -> Iterator[Point]:
    status, because = of.status, f": {of.status_message}" if of.status_message else ""
    if status in _CHANGING:
        yield Point("info", f"{status}{because}", head="" if explained else status)
    elif status in ("STATUS_UNSPECIFIED", "") or status.startswith("UNKNOWN"):
        yield Point("warning", f"its state is not known ({status})", head="state not known")
    elif status != "RUNNING":
        yield Point("error", f"{status}{because}", head=status)
    for condition in of.conditions:
        yield Point("warning", condition, head=condition.partition(":")[0])


def _doing(operations: Sequence[Operation], phase: str) -> Iterator[Point]:
    for each in operations:
        since = f" since {each.started:%Y-%m-%d %H:%M} UTC" if each.started else ""
        detail = f", {each.detail}" if each.detail else ""
        upgrade = each.type in _UPGRADES
        unknown = each.type.startswith(("UNKNOWN", "TYPE_"))
        yield Point(
            "warning" if unknown else "info",
            f"{'upgrade' if upgrade else 'operation'} under way: {each.type} {each.name}{since}{detail}",
            head="upgrade under way" if upgrade else f"{each.type} under way",
        )
    if phase:
        says = f"blue-green upgrade under way: {phase}"
        unknown = phase.startswith("UNKNOWN")
        yield Point("warning" if unknown else "info", says, head="" if operations else "upgrade under way")


def _when(cluster: ClusterInfo) -> str:
    times = cluster.window or "at any time: it has no maintenance window"
    kept = ", ".join(f"{each.name} ({each.scope})" for each in cluster.exclusions)
    return times + (f"; exclusions: {kept}" if kept else "")


def _compare(where: GkeCluster) -> str:
    return f"compare: gcloud container clusters describe {_flags(where)}"


def _flags(where: GkeCluster) -> str:
    return f"{where.cluster} --project={where.project} --location={where.location}"
