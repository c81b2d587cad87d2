"""What Google says of the cluster itself: whole, without credentials, or partial by name."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from google.cloud import container_v1

from maintd.core.outcome import Status
from maintd.core.ports import Gke
from maintd.core.rules import GcpPermission
from maintd.core.target import GkeCluster, Target
from maintd.gcp.gke import Google
from maintd.kinds.protect.backup import KIND
from maintd.objects.backup_manifest import NotWhole
from maintd.objects.gke_config import written
from maintd.sandbox.gke import GkeFault, GkeStandIn, field_from_the_future
from maintd.sandbox.server import Sandbox
from tests.kinds_backup.conftest import Desk

WHERE = GkeCluster(project="p", location="us-central1", cluster="c")
TARGET = Target(namespace="default", gke=WHERE)
CANARIES = ("canary-password", "canary-user", "canary-key", "canary-certificate")


@pytest.fixture
async def google() -> AsyncIterator[GkeStandIn]:
    password, user, key, certificate = CANARIES
    cluster = container_v1.Cluster(
        name="c",
        status="RUNNING",
        current_master_version="1.33.4-gke.1",
        network="vpc",
        node_pools=[
            {
                "name": "a",
                "initial_node_count": 3,
                "autoscaling": {"enabled": True, "max_node_count": 9},
                "config": {"machine_type": "e2-standard-4", "labels": {"b": "2", "a": "1"}},
            }
        ],
        maintenance_policy={"window": {"daily_maintenance_window": {"start_time": "03:00"}}},
        master_auth={
            "username": user,
            "password": password,
            "client_key": key,
            "client_certificate": certificate,
            "cluster_ca_certificate": "of-the-authority",
        },
    )
    async with GkeStandIn(WHERE, cluster) as started:
        yield started


@pytest.fixture
async def asked(google: GkeStandIn) -> AsyncIterator[Gke]:
    async with Google(google.endpoint, deadline=timedelta(seconds=1)) as client:
        yield client.of(WHERE)


@pytest.fixture
def kubeconfig(sandbox: Sandbox, tmp_path: Path) -> Path:
    metadata = {"name": "c", "namespace": "default"}
    sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}})
    return sandbox.kubeconfig(tmp_path / "kubeconfig")


async def test_the_whole_message_is_in_it_without_credentials(desk: Desk, kubeconfig: Path, asked: Gke) -> None:
    made = await desk.backup(kubeconfig, target=TARGET, gke=asked)

    assert made.outcome.judged() is Status.OK
    assert yaml.safe_load(made.files["gke-cluster.yaml"]) == {
        "currentMasterVersion": "1.33.4-gke.1",
        "maintenancePolicy": {"window": {"dailyMaintenanceWindow": {"startTime": "03:00"}}},
        "masterAuth": {"clusterCaCertificate": "of-the-authority"},
        "name": "c",
        "network": "vpc",
        "nodePools": [
            {
                "autoscaling": {"enabled": True, "maxNodeCount": 9},
                "config": {"labels": {"a": "1", "b": "2"}, "machineType": "e2-standard-4"},
                "initialNodeCount": 3,
                "name": "a",
            }
        ],
        "status": "RUNNING",
    }
    everything = b"".join(file.read_bytes() for file in desk.root.rglob("*") if file.is_file())
    assert not [canary for canary in CANARIES if canary.encode() in everything]


async def test_it_is_no_object_of_kubernetes_and_is_named_apart(desk: Desk, kubeconfig: Path, asked: Gke) -> None:
    made = await desk.backup(kubeconfig, target=TARGET, gke=asked)

    assert made.manifest.cluster_config is not None
    assert made.manifest.cluster_config.path == "gke-cluster.yaml"
    assert made.manifest.cluster_config not in made.manifest.files
    assert made.manifest.every_file == (*made.manifest.files, made.manifest.cluster_config)


async def test_the_same_cluster_is_the_same_bytes(desk: Desk, kubeconfig: Path, google: GkeStandIn, asked: Gke) -> None:
    first = await desk.backup(kubeconfig, target=TARGET, gke=asked)
    labels = google.cluster.node_pools[0].config.labels
    labels.clear()
    labels.update({"a": "1", "b": "2"})
    second = await desk.backup(kubeconfig, target=TARGET, gke=asked)

    assert first.files == second.files


def test_the_order_in_which_google_sends_its_maps_counts_for_nothing() -> None:
    one = {"name": "c", "nodePools": [{"labels": {"b": "2", "a": "1"}, "name": "p"}]}
    other = {"nodePools": [{"name": "p", "labels": {"a": "1", "b": "2"}}], "name": "c"}

    assert written(one) == written(other)


async def test_what_google_does_not_allow_is_partial_by_name_and_the_rest_is_backed_up(
    desk: Desk, kubeconfig: Path, google: GkeStandIn, asked: Gke
) -> None:
    google.permissions.discard("container.clusters.get")

    made = await desk.backup(kubeconfig, target=TARGET, gke=asked)

    assert made.outcome.judged() is Status.PARTIAL
    assert made.outcome.summary.endswith("not whole: gke-cluster.yaml")
    [missed] = made.manifest.not_whole
    assert "container.clusters.get is missing in project p; gcloud projects add-iam-policy-binding p" in missed.why
    assert missed.remedy == "grant it, or leave it out: cluster_config: false"
    assert "default/configmaps.yaml" in made.files
    assert made.manifest.cluster_config is None


async def test_a_google_that_is_away_is_partial_too(
    desk: Desk, kubeconfig: Path, google: GkeStandIn, asked: Gke
) -> None:
    google.faults.append(GkeFault("GetCluster", "INTERNAL", "out of order"))

    made = await desk.backup(kubeconfig, target=TARGET, gke=asked)

    why = "get_cluster of c: INTERNAL: out of order"
    remedy = "run the job again, or leave it out: cluster_config: false"
    assert made.manifest.not_whole == (NotWhole(resource="gke-cluster.yaml", why=why, remedy=remedy),)
    assert "default/configmaps.yaml" in made.files


async def test_what_this_version_has_no_word_for_does_not_stop_it(
    desk: Desk, kubeconfig: Path, google: GkeStandIn, asked: Gke
) -> None:
    google.faults.append(GkeFault("GetCluster", edit=field_from_the_future()))

    made = await desk.backup(kubeconfig, target=TARGET, gke=asked)

    assert made.outcome.judged() is Status.OK
    assert "gke-cluster.yaml" in made.files


async def test_a_job_may_leave_it_out(desk: Desk, kubeconfig: Path, google: GkeStandIn, asked: Gke) -> None:
    made = await desk.backup(kubeconfig, target=TARGET, gke=asked, cluster_config=False)

    assert google.calls == []
    assert "gke-cluster.yaml" not in made.files
    assert KIND.permissions(KIND.params(), TARGET) == (GcpPermission("container.clusters.get"),)
    assert KIND.permissions(KIND.params.model_validate({"cluster_config": False}), TARGET) == ()
    assert KIND.permissions(KIND.params(), Target()) == ()
