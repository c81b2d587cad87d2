"""What Google says of a GKE cluster, as far as kinds need it.

Words of Google's own lists (`RUNNING`, `REGULAR`, `MAINTENANCE_WINDOW`) stand as Google spells them; a value that the
client library has no word for stands as `UNKNOWN_42`, and a word for "not said" stands as it is (`STATUS_UNSPECIFIED`).
`unread` names what was in the answer and could not be read; whoever judges the answer says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A time in which upgrades do not happen by themselves."""

    name: str
    scope: str
    """`NO_UPGRADES`, `NO_MINOR_UPGRADES` or `NO_MINOR_OR_NODE_UPGRADES`."""
    start: datetime | None
    end: datetime | None
    """None: until the end of support of the version that it has."""

    def holds(self, now: datetime) -> bool:
        """True while it lasts."""
        return (self.start is None or self.start <= now) and (self.end is None or now < self.end)


@dataclass(frozen=True, slots=True)
class PoolInfo:
    """One node pool."""

    name: str
    version: str
    status: str
    status_message: str = ""
    conditions: tuple[str, ...] = ()
    """What is wrong with it: `GCE_STOCKOUT: message`."""
    auto_upgrade: bool = False
    blue_green_phase: str = ""
    """Of a blue-green upgrade that is under way: `DRAINING_BLUE_POOL`."""
    exclusions: tuple[Exclusion, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterInfo:
    """The cluster and its node pools."""

    version: str
    """Of the control plane."""
    status: str
    channel: str
    """`RAPID`, `REGULAR`, `STABLE`, `EXTENDED`; `UNSPECIFIED` where it is on no release channel."""
    pools: tuple[PoolInfo, ...]
    status_message: str = ""
    conditions: tuple[str, ...] = ()
    window: str = ""
    """When Google may upgrade by itself, in words; empty: at any time."""
    exclusions: tuple[Exclusion, ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """One release channel; versions as GKE spells them, `1.33.4-gke.1000`, the newest first."""

    default: str
    valid: tuple[str, ...]
    upgrade_target: str


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The versions that GKE offers in a location, the newest first."""

    default: str
    valid_masters: tuple[str, ...]
    valid_nodes: tuple[str, ...]
    channels: Mapping[str, Channel]
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that Google is doing to the cluster now."""

    name: str
    type: str
    """`UPGRADE_MASTER`, `UPGRADE_NODES`, `AUTO_UPGRADE_NODES`, `REPAIR_CLUSTER` …"""
    status: str
    pool: str = ""
    """The node pool it works on; empty: the cluster."""
    detail: str = ""
    started: datetime | None = None


@dataclass(frozen=True, slots=True)
class Operations:
    """Those of this cluster that are not done."""

    running: tuple[Operation, ...]
    unread: tuple[str, ...] = ()
    """Includes the zones that did not answer: what runs there is not known."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One upgrade that Google started by itself."""

    state: str
    """`RUNNING`, `SUCCEEDED`, `FAILED`, `CANCELED`."""
    to_version: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class UpgradeInfo:
    """What Google means to do about the version of the control plane or of a node pool."""

    minor_target: str = ""
    patch_target: str = ""
    auto_upgrade: tuple[str, ...] = ()
    """`ACTIVE`, `MINOR_UPGRADE_PAUSED`, `UPGRADE_PAUSED`."""
    paused: tuple[str, ...] = ()
    """Why: `MAINTENANCE_WINDOW`, `MAINTENANCE_EXCLUSION_NO_UPGRADES`, `SYSTEM_CONFIG` …"""
    upgrades: tuple[Upgrade, ...] = ()
    """Past and present."""
    end_of_standard_support: datetime | None = None
    end_of_extended_support: datetime | None = None
    unread: tuple[str, ...] = ()
