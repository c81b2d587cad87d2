"""Google's side of the small broken world: a pool two minors behind, whose support ends soon."""

from datetime import datetime, timedelta

from google.cloud import container_v1 as gke

from maintd.core.target import GkeCluster
from maintd.sandbox.gke import GkeStandIn
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE, POOL, pool_version

CLUSTER = GkeCluster(project="om-models", location="us-central1-a", cluster="omtx-hub-cluster")


def google_of(sandbox: Sandbox, where: GkeCluster = CLUSTER) -> GkeStandIn:
    """What Google says of the broken world's cluster, not yet started."""
    master, old, now = sandbox.version.document()["gitVersion"].removeprefix("v"), pool_version(sandbox), sandbox.now()
    pool = {"name": POOL, "version": old, "status": "RUNNING", "management": {"auto_upgrade": True}}
    cluster = gke.Cluster(
        name=where.cluster,
        status="RUNNING",
        current_master_version=master,
        release_channel={"channel": "REGULAR"},
        maintenance_policy={"window": {"daily_maintenance_window": {"start_time": "03:00"}}},
        node_pools=[pool],
    )
    regular = {"channel": "REGULAR", "default_version": master, "valid_versions": [master, old]}
    config = gke.ServerConfig(default_cluster_version=master, valid_master_versions=[master], channels=[regular])
    return GkeStandIn(where, cluster, config, upgrades={"": _plane(now), POOL: _behind(now, master)})


def _plane(now: datetime) -> gke.ClusterUpgradeInfo:
    later = f"{now + timedelta(days=400):%Y-%m-%d}"
    return gke.ClusterUpgradeInfo(auto_upgrade_status=["ACTIVE"], end_of_standard_support_timestamp=later)


def _behind(now: datetime, target: str) -> gke.NodePoolUpgradeInfo:
    return gke.NodePoolUpgradeInfo(
        minor_target_version=target,
        auto_upgrade_status=["UPGRADE_PAUSED"],
        paused_reason=["MAINTENANCE_WINDOW"],
        end_of_standard_support_timestamp=f"{now + timedelta(days=41):%Y-%m-%d}",
    )


def tight_budget(sandbox: Sandbox) -> None:
    """A budget that wants all three replicas, of which one does not get well: no node can be drained."""
    sandbox.put(
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "omtx-hub-backend", "namespace": NAMESPACE},
            "spec": {"minAvailable": 3, "selector": {"matchLabels": {"app": "omtx-hub-backend"}}},
            "status": {"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 3, "expectedPods": 3},
        }
    )
