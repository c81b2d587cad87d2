"""Google's answers over the real client, from a control plane on loopback: read whole, or a named error."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.cloud import container_v1

from maintd.core.errors import Denied, JobError, Missing, Transient
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
from maintd.core.ports import Gke
from maintd.core.target import GkeCluster
from maintd.gcp.gke import Google
from maintd.gcp.session import is_loopback
from maintd.sandbox.gke import GkeFault, GkeStandIn, field_from_the_future

WHERE = GkeCluster(project="p", location="us-central1", cluster="c")
MEMBER = "gcloud projects add-iam-policy-binding p --member=MEMBER --role="
QUICK = timedelta(seconds=1)


def at(hour: int, day: int = 1) -> datetime:
    return datetime(2026, 12, day, hour, tzinfo=UTC)


@pytest.fixture
async def google() -> AsyncIterator[GkeStandIn]:
    cluster = container_v1.Cluster(status="RUNNING", current_master_version="1.33.4-gke.1")
    cluster.node_pools = [container_v1.NodePool(name="a", status="RUNNING", version="1.31.2-gke.9")]
    async with GkeStandIn(WHERE, cluster) as started:
        yield started


@pytest.fixture
async def asked(google: GkeStandIn) -> AsyncIterator[Gke]:
    async with Google(google.endpoint, deadline=QUICK) as client:
        yield client.of(WHERE)


async def test_a_cluster_is_read_whole(google: GkeStandIn, asked: Gke) -> None:
    pool = google.cluster.node_pools[0]
    pool.status, pool.status_message = "RUNNING_WITH_ERROR", "no room\x1b[2J"
    pool.conditions = [{"code": "GCE_STOCKOUT", "message": "us-central1-a is full"}]
    pool.management.auto_upgrade = True
    pool.update_info.blue_green_info.phase = "DRAINING_BLUE_POOL"
    pool.maintenance_policy.exclusion_until_end_of_support = {"enabled": True, "end_time": at(9)}
    google.cluster.release_channel.channel = "STABLE"
    google.cluster.conditions = [{"code": "CA_EXPIRING", "message": "in 30 days"}]
    window = google.cluster.maintenance_policy.window
    window.recurring_window = {"window": {"start_time": at(3), "end_time": at(7)}, "recurrence": "FREQ=WEEKLY;BYDAY=SA"}
    window.maintenance_exclusions = {
        "freeze": {"start_time": at(0), "end_time": at(0, day=20)},
        "old": {
            "start_time": at(0),
            "maintenance_exclusion_options": {
                "scope": "NO_MINOR_UPGRADES",
                "end_time_behavior": "UNTIL_END_OF_SUPPORT",
            },
        },
    }

    assert await asked.cluster() == ClusterInfo(
        version="1.33.4-gke.1",
        status="RUNNING",
        channel="STABLE",
        pools=(
            PoolInfo(
                name="a",
                version="1.31.2-gke.9",
                status="RUNNING_WITH_ERROR",
                status_message="no room?[2J",
                conditions=("GCE_STOCKOUT: us-central1-a is full",),
                auto_upgrade=True,
                blue_green_phase="DRAINING_BLUE_POOL",
                exclusions=(Exclusion("until end of support", "NO_UPGRADES", None, at(9)),),
            ),
        ),
        conditions=("CA_EXPIRING: in 30 days",),
        window="03:00 to 07:00 UTC, FREQ=WEEKLY;BYDAY=SA",
        exclusions=(
            Exclusion("freeze", "NO_UPGRADES", at(0), at(0, day=20)),
            Exclusion("old", "NO_MINOR_UPGRADES", at(0), None),
        ),
    )


async def test_the_versions_on_offer_are_read_by_channel(google: GkeStandIn, asked: Gke) -> None:
    google.config = container_v1.ServerConfig(
        default_cluster_version="1.33.1",
        valid_master_versions=["1.34.0", "1.33.1"],
        valid_node_versions=["1.34.0"],
        channels=[
            {
                "channel": "RAPID",
                "default_version": "1.34.0",
                "valid_versions": ["1.34.0"],
                "upgrade_target_version": "1.34.9",
            }
        ],
    )

    assert await asked.server_config() == ServerConfig(
        "1.33.1", ("1.34.0", "1.33.1"), ("1.34.0",), {"RAPID": Channel("1.34.0", ("1.34.0",), "1.34.9")}
    )


def operation(name: str, target: str, **fields: Any) -> container_v1.Operation:
    link = f"https://container.googleapis.com/v1/projects/123/zones/us-central1/{target}"
    defaults = {"operation_type": "AUTO_UPGRADE_NODES", "status": "RUNNING", "start_time": "2026-12-01T05:00:00.5Z"}
    return container_v1.Operation({"name": name, "target_link": link, **defaults, **fields})


async def test_only_what_runs_in_this_cluster_is_told_and_silent_zones_are(google: GkeStandIn, asked: Gke) -> None:
    google.operations = [
        operation("pool", "clusters/c/nodePools/a", detail="2 of 3 nodes"),
        operation("cluster", "clusters/c", operation_type="UPGRADE_MASTER", status="PENDING", start_time=""),
        operation("done", "clusters/c", status="DONE"),
        operation("namesake", "clusters/c2"),
        operation("other", "clusters/other/nodePools/c"),
    ]
    google.missing_zones = ["us-central1-f"]
    started = at(5).replace(microsecond=500_000)

    assert await asked.operations() == Operations(
        (
            Operation("pool", "AUTO_UPGRADE_NODES", "RUNNING", "a", "2 of 3 nodes", started),
            Operation("cluster", "UPGRADE_MASTER", "PENDING"),
        ),
        ("operations of zone us-central1-f",),
    )


async def test_upgrade_info_is_the_pools_or_the_control_planes(google: GkeStandIn, asked: Gke) -> None:
    google.upgrades = {
        "": container_v1.ClusterUpgradeInfo(
            auto_upgrade_status=["UPGRADE_PAUSED"],
            paused_reason=["CLUSTER_DISRUPTION_BUDGET"],
            end_of_standard_support_timestamp="2026-12-01",
            end_of_extended_support_timestamp="2026-12-20T01:00:00+01:00",
        ),
        "a": container_v1.NodePoolUpgradeInfo(
            minor_target_version="1.33.4-gke.1",
            patch_target_version="1.31.9-gke.2",
            upgrade_details=[{"state": "FAILED", "target_version": "1.31.8", "start_time": at(1), "end_time": at(2)}],
        ),
    }

    assert await asked.upgrade_info() == UpgradeInfo(
        auto_upgrade=("UPGRADE_PAUSED",),
        paused=("CLUSTER_DISRUPTION_BUDGET",),
        end_of_standard_support=at(0),
        end_of_extended_support=at(0, day=20),
    )
    assert await asked.upgrade_info("a") == UpgradeInfo(
        minor_target="1.33.4-gke.1",
        patch_target="1.31.9-gke.2",
        upgrades=(Upgrade("FAILED", "1.31.8", at(1), at(2)),),
    )


async def test_values_and_fields_that_the_library_does_not_know_are_named(google: GkeStandIn, asked: Gke) -> None:
    bare = container_v1.Cluster.pb(google.cluster)
    bare.node_pools[0].status = 77
    bare.release_channel.channel = 9
    pool = container_v1.NodePoolUpgradeInfo(end_of_standard_support_timestamp="soon")
    container_v1.NodePoolUpgradeInfo.pb(pool).paused_reason.append(42)
    google.upgrades["a"] = pool
    google.faults.append(GkeFault("GetCluster", edit=field_from_the_future(1999)))

    cluster, info = await asked.cluster(), await asked.upgrade_info("a")

    assert (cluster.channel, cluster.pools[0].status) == ("UNKNOWN_9", "UNKNOWN_77")
    assert sorted(cluster.unread) == ["cluster release_channel: channel 9", "cluster: field 1999", "pool a: status 77"]
    assert (info.paused, info.end_of_standard_support) == (("UNKNOWN_42",), None)
    assert sorted(info.unread) == [
        "upgrade info: end_of_standard_support_timestamp 'soon'",
        "upgrade info: paused_reason 42",
    ]


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        (
            GkeFault("GetCluster", "PERMISSION_DENIED"),
            Denied,
            f"may not do get_cluster: container.clusters.get is missing in project p; {MEMBER}roles/container.cluster",
        ),
        (
            GkeFault("GetCluster", "PERMISSION_DENIED", reason="SERVICE_DISABLED"),
            Denied,
            "the GKE API is switched off in project p; gcloud services enable container.googleapis.com --project=p",
        ),
        (GkeFault("GetCluster", "UNAUTHENTICATED"), Denied, "Google does not accept the credentials: a fault"),
        (
            GkeFault("GetCluster", "NOT_FOUND"),
            Missing,
            "Google has no cluster c in us-central1 of project p; compare `gke:` of the target with: gcloud container",
        ),
        (GkeFault("GetCluster", "UNIMPLEMENTED"), Missing, "the GKE API has no call get_cluster here"),
        (GkeFault("GetCluster", "INVALID_ARGUMENT"), JobError, "Google refused get_cluster of c: a fault on purpose"),
        (GkeFault("GetCluster", "UNAVAILABLE"), Transient, "get_cluster of c: UNAVAILABLE: a fault on purpose"),
        (GkeFault("GetCluster", "RESOURCE_EXHAUSTED"), Transient, "get_cluster of c: RESOURCE_EXHAUSTED"),
        (GkeFault("GetCluster", "INTERNAL"), Transient, "get_cluster of c: INTERNAL"),
        (GkeFault("GetCluster", hang=True), Transient, "get_cluster of c: DEADLINE_EXCEEDED"),
        (GkeFault("GetCluster", edit=lambda _: b"\xff\xff not a message"), Transient, "get_cluster of c: INTERNAL"),
    ],
    ids=lambda value: (value.code or "silence") + value.reason if isinstance(value, GkeFault) else "",
)
async def test_an_error_of_googles_is_one_of_ours_and_says_what_to_type(
    google: GkeStandIn, asked: Gke, fault: GkeFault, kind: type[JobError], says: str
) -> None:
    google.faults.append(fault)

    with pytest.raises(JobError) as raised:
        await asked.cluster()

    assert type(raised.value) is kind
    assert str(raised.value).startswith(says)


async def test_the_right_to_list_operations_is_granted_by_a_role_of_the_projects_own(
    google: GkeStandIn, asked: Gke
) -> None:
    google.permissions.discard("container.operations.list")

    with pytest.raises(Denied) as raised:
        await asked.operations()

    assert str(raised.value) == (
        "may not do list_operations: container.operations.list is missing in project p; "
        "gcloud iam roles create maintd --project=p --permissions=container.operations.list && "
        f"{MEMBER}projects/p/roles/maintd"
    )


async def test_a_server_that_is_away_for_a_moment_is_asked_again(google: GkeStandIn, asked: Gke) -> None:
    google.faults.append(GkeFault("GetCluster", "UNAVAILABLE", times=1))

    assert (await asked.cluster()).status == "RUNNING"
    assert google.calls == ["GetCluster", "GetCluster"]


async def test_a_cluster_or_pool_that_is_not_there_is_missing(google: GkeStandIn) -> None:
    async with Google(google.endpoint, deadline=QUICK) as client:
        for question in (
            client.of(WHERE.model_copy(update={"cluster": "other"})).cluster(),
            client.of(WHERE).upgrade_info("gone"),
        ):
            with pytest.raises(Missing):
                await question


async def test_without_credentials_nothing_is_sent_to_google(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")

    async with Google("gke.invalid:443", deadline=QUICK) as client:
        with pytest.raises(
            Denied, match=r"no credentials that Google takes: .*was not found.*gcloud auth application-default login"
        ):
            await client.of(WHERE).cluster()


async def test_a_plain_channel_carries_no_credentials(google: GkeStandIn, asked: Gke) -> None:
    await asked.cluster()

    assert google.headers["x-goog-request-params"] == "name=projects/p/locations/us-central1/clusters/c"
    assert "authorization" not in google.headers


@pytest.mark.parametrize(
    ("endpoint", "plain"),
    [
        ("127.0.0.1:1", True),
        ("127.9.9.9:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("container.googleapis.com:443", False),
        ("10.0.0.1:443", False),
        ("localhost.example:443", False),
        ("0.0.0.0:443", False),
    ],
)
def test_only_an_address_of_this_machine_is_asked_in_the_clear(endpoint: str, *, plain: bool) -> None:
    assert is_loopback(endpoint) is plain
