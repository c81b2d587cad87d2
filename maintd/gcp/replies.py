"""Reads the messages of google.container.v1, and notes what in them this version of the library has no word for.

Works on the bare protobuf messages: proto-plus warns, and hands out a number, where an enum has a value it does not
know.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from maintd.core.gke import (
    Channel,
    ClusterInfo,
    Exclusion,
    Operation,
    Operations,
    PoolInfo,
    ServerConfig,
    Upgrade,
    UpgradeInfo,
)
from maintd.core.resource import Json
from maintd.objects.fields import printable

_LONGEST = 200


class Part:
    """One message of a reply; `unread` is shared by all parts of it."""

    def __init__(self, message: Any, where: str, unread: list[str] | None = None) -> None:
        from google.protobuf.unknown_fields import UnknownFieldSet  # noqa: PLC0415 - loaded with the first reply

        self._message = message
        self._where = where
        self._unread = [] if unread is None else unread
        self._unread += (f"{where}: field {field.field_number}" for field in UnknownFieldSet(message))

    @property
    def unread(self) -> tuple[str, ...]:
        """What was there and could not be read: `cluster: field 212`, `pool a: status 9`."""
        return tuple(self._unread)

    def text(self, field: str) -> str:
        """Text for a sentence."""
        return printable(getattr(self._message, field), _LONGEST)

    def flag(self, field: str) -> bool:
        """A boolean."""
        return bool(getattr(self._message, field))

    def lines(self, field: str) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(printable(each, _LONGEST) for each in getattr(self._message, field))

    def word(self, field: str) -> str:
        """The name of an enum's value; `UNKNOWN_9` where it has none."""
        return self._named(field, getattr(self._message, field))

    def words(self, field: str) -> tuple[str, ...]:
        """The names of a list of an enum's values."""
        return tuple(self._named(field, value) for value in getattr(self._message, field))

    def has(self, field: str) -> bool:
        """True where the field is set."""
        return bool(self._message.HasField(field))

    def part(self, field: str) -> "Part":
        """A nested message, empty where there is none."""
        return Part(getattr(self._message, field), f"{self._where} {field}", self._unread)

    def parts(self, field: str, named: str = "") -> "Iterator[Part]":
        """A list of messages; `named` says what one is called, by its own name."""
        for each in getattr(self._message, field):
            yield Part(each, f"{named} {printable(each.name)}" if named else f"{self._where} {field}", self._unread)

    def entries(self, field: str) -> "Iterator[tuple[str, Part]]":
        """A map of names to messages, by name."""
        found = getattr(self._message, field)
        for key in sorted(found):
            yield printable(key), Part(found[key], f"{self._where} {field} {printable(key)}", self._unread)

    def instant(self, field: str) -> datetime | None:
        """A protobuf timestamp; None where it is not set."""
        if not self._message.HasField(field):
            return None
        found: datetime = getattr(self._message, field).ToDatetime(tzinfo=UTC)
        return found

    def written(self, field: str) -> datetime | None:
        """A time or a day that is written as text: `2026-08-03`, `2026-08-03T00:00:00Z`."""
        said = getattr(self._message, field)
        try:
            found = datetime.fromisoformat(said) if said else None
        except ValueError:
            self._unread.append(f"{self._where}: {field} {printable(said)!r}")
            return None
        return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)

    def _named(self, field: str, value: int) -> str:
        known = self._message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number.get(value)
        if known is None:
            self._unread.append(f"{self._where}: {field} {value}")
        return str(known.name) if known else f"UNKNOWN_{value}"


def whole(message: Any) -> Json:
    """Every field that is set, as Google's JSON spells it; an enum's value without a name stands as its number."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - loaded with the first reply

    found: Json = MessageToDict(message)
    return found


def cluster_info(message: Any) -> ClusterInfo:
    """Of a Cluster."""
    cluster = Part(message, "cluster")
    policy = cluster.part("maintenance_policy").part("window")
    pools = tuple(_pool(pool) for pool in cluster.parts("node_pools", named="pool"))
    return ClusterInfo(
        version=cluster.text("current_master_version"),
        status=cluster.word("status"),
        channel=cluster.part("release_channel").word("channel"),
        pools=pools,
        status_message=cluster.text("status_message"),
        conditions=_conditions(cluster),
        window=_window(policy),
        exclusions=tuple(_exclusion(name, each) for name, each in policy.entries("maintenance_exclusions")),
        unread=cluster.unread,
    )


def _pool(pool: Part) -> PoolInfo:
    blue_green = pool.part("update_info").part("blue_green_info").word("phase")
    kept = pool.part("maintenance_policy").part("exclusion_until_end_of_support")
    start, end = kept.instant("start_time"), kept.instant("end_time")
    return PoolInfo(
        name=pool.text("name"),
        version=pool.text("version"),
        status=pool.word("status"),
        status_message=pool.text("status_message"),
        conditions=_conditions(pool),
        auto_upgrade=pool.part("management").flag("auto_upgrade"),
        blue_green_phase="" if blue_green == "PHASE_UNSPECIFIED" else blue_green,
        exclusions=(Exclusion("until end of support", "NO_UPGRADES", start, end),) if kept.flag("enabled") else (),
    )


def _conditions(of: Part) -> tuple[str, ...]:
    return tuple(f"{each.word('code')}: {each.text('message')}" for each in of.parts("conditions"))


def _window(policy: Part) -> str:
    if policy.has("daily_maintenance_window"):
        daily = policy.part("daily_maintenance_window")
        return f"daily at {daily.text('start_time')} UTC"
    if policy.has("recurring_window"):
        recurring = policy.part("recurring_window")
        span = recurring.part("window")
        start, end = span.instant("start_time"), span.instant("end_time")
        hours = f"{start:%H:%M} to {end:%H:%M} UTC" if start and end else "at times that are not known"
        return f"{hours}, {recurring.text('recurrence')}"
    if policy.has("recurring_maintenance_window"):
        return policy.part("recurring_maintenance_window").text("recurrence")
    return ""


def _exclusion(name: str, span: Part) -> Exclusion:
    options = span.part("maintenance_exclusion_options")
    endless = options.word("end_time_behavior") == "UNTIL_END_OF_SUPPORT"
    end = None if endless else span.instant("end_time")
    return Exclusion(name, options.word("scope"), span.instant("start_time"), end)


def server_config(message: Any) -> ServerConfig:
    """Of a ServerConfig."""
    config = Part(message, "server config")
    channels = {
        each.word("channel"): Channel(
            each.text("default_version"), each.lines("valid_versions"), each.text("upgrade_target_version")
        )
        for each in config.parts("channels")
    }
    return ServerConfig(
        default=config.text("default_cluster_version"),
        valid_masters=config.lines("valid_master_versions"),
        valid_nodes=config.lines("valid_node_versions"),
        channels=channels,
        unread=config.unread,
    )


def operations(message: Any, cluster: str) -> Operations:
    """Of a ListOperationsResponse, those of this cluster that are not done."""
    reply = Part(message, "operations")
    running = tuple(
        operation
        for each in reply.parts("operations", named="operation")
        if (target := each.text("target_link").split("/"))
        if _segment(target, "clusters") == cluster and each.word("status") != "DONE"
        if (operation := _operation(each, _segment(target, "nodePools")))
    )
    silent = tuple(f"operations of zone {zone}" for zone in reply.lines("missing_zones"))
    return Operations(running, (*reply.unread, *silent))


def _segment(target: list[str], collection: str) -> str:
    """The name after `clusters` or `nodePools` in a link: `…/zones/us-central1-a/clusters/a/nodePools/b`."""
    at = target.index(collection) + 1 if collection in target else len(target)
    return target[at] if at < len(target) else ""


def _operation(each: Part, pool: str) -> Operation:
    return Operation(
        name=each.text("name"),
        type=each.word("operation_type"),
        status=each.word("status"),
        pool=pool,
        detail=each.text("detail"),
        started=each.written("start_time"),
    )


def upgrade_info(message: Any) -> UpgradeInfo:
    """Of a ClusterUpgradeInfo or a NodePoolUpgradeInfo."""
    info = Part(message, "upgrade info")
    return UpgradeInfo(
        minor_target=info.text("minor_target_version"),
        patch_target=info.text("patch_target_version"),
        auto_upgrade=info.words("auto_upgrade_status"),
        paused=info.words("paused_reason"),
        upgrades=tuple(_upgrade(each) for each in info.parts("upgrade_details")),
        end_of_standard_support=info.written("end_of_standard_support_timestamp"),
        end_of_extended_support=info.written("end_of_extended_support_timestamp"),
        unread=info.unread,
    )


def _upgrade(each: Part) -> Upgrade:
    return Upgrade(
        each.word("state"), each.text("target_version"), each.instant("start_time"), each.instant("end_time")
    )
