"""Google's side of the small broken world: a pool two minors behind, held back by an exclusion and a budget."""

from datetime import timedelta

from google.cloud import container_v1 as gke

from maintd.core.target import GkeCluster
from maintd.sandbox.gke import GkeStandIn
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE, POOL, pool_version

CLUSTER = GkeCluster(project="om-models", location="us-central1-a", cluster="omtx-hub-cluster")


def google_of(sandbox: Sandbox, where: GkeCluster = CLUSTER) -> GkeStandIn:
    """What Google says of the broken world's cluster, not yet started."""
    master, now = sandbox.version.document()["gitVersion"].removeprefix("v"), sandbox.now()
    freeze = gke.TimeWindow(
        start_time=now - timedelta(days=30),
        end_time=now + timedelta(days=30),
        maintenance_exclusion_options={"scope": "NO_MINOR_UPGRADES"},
    )
    window = gke.MaintenanceWindow(
        daily_maintenance_window={"start_time": "03:00"}, maintenance_exclusions={"model-freeze": freeze}
    )
    cluster = gke.Cluster(
        name=where.cluster,
        status="RUNNING",
        current_master_version=master,
        release_channel={"channel": "REGULAR"},
        maintenance_policy={"window": window},
        node_pools=[{"name": POOL, "version": pool_version(sandbox), "status": "RUNNING"}],
    )
    cluster.node_pools[0].management.auto_upgrade = True
    regular = {"channel": "REGULAR", "default_version": master, "valid_versions": [master, pool_version(sandbox)]}
    soon, later = (f"{now + timedelta(days=days):%Y-%m-%d}" for days in (41, 400))
    return GkeStandIn(
        where,
        cluster,
        gke.ServerConfig(default_cluster_version=master, valid_master_versions=[master], channels=[regular]),
        upgrades={
            "": gke.ClusterUpgradeInfo(auto_upgrade_status=["ACTIVE"], end_of_standard_support_timestamp=later),
            POOL: gke.NodePoolUpgradeInfo(
                minor_target_version=master,
                auto_upgrade_status=["MINOR_UPGRADE_PAUSED"],
                paused_reason=["MAINTENANCE_EXCLUSION_NO_MINOR_UPGRADES"],
                end_of_standard_support_timestamp=soon,
            ),
        },
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
