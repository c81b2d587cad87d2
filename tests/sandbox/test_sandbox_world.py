"""The demo's small broken world, its sample application and its jobs file."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from importlib.resources import files

import aiohttp
import pytest
import yaml

from maintd.cli.jobsfile import load
from maintd.core.limits import PROTECT
from maintd.sandbox.app import SampleApp, delay_after, openapi
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import MINORS_BEHIND, NAMESPACE, broken_world, goes_on_breaking


@pytest.fixture(scope="module")
def world():
    sandbox = Sandbox()
    broken_world(sandbox)
    return sandbox


def pods(world):
    return {pod["metadata"]["name"]: pod for pod in world.select("v1", "Pod", NAMESPACE)}


def described(pod):
    status = pod["status"]
    if pod["metadata"]["annotations"].get(PROTECT) == "true":
        return "protected"
    if pod["metadata"]["ownerReferences"][0]["kind"] == "Job":
        return f"job's, {status['phase']}"
    waiting = any("waiting" in one["state"] for one in status.get("containerStatuses", ()))
    return status.get("reason") or ("crash-looping" if waiting else status["phase"])


def test_it_holds_the_pods_that_the_demo_is_about(world):
    assert Counter(described(pod) for pod in pods(world).values()) == {
        "Failed": 3,
        "Evicted": 2,
        "crash-looping": 1,
        "protected": 1,
        "job's, Failed": 1,
        "job's, Running": 1,
        "Running": 2,
    }


async def test_it_can_go_on_breaking_with_young_pods_and_a_bounded_number_of_them():
    sandbox = Sandbox()
    broken_world(sandbox)
    before = set(pods(sandbox))
    breaking = asyncio.create_task(goes_on_breaking(sandbox, timedelta(milliseconds=1)))
    async with asyncio.timeout(10):
        while Counter(pod["status"]["phase"] for pod in pods(sandbox).values())["Failed"] < 10:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.02)
    breaking.cancel()

    new = [pod for name, pod in pods(sandbox).items() if name not in before]
    now = sandbox.now()
    assert [described(pod) for pod in new] == ["Failed"] * 3
    for pod in new:
        ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
        assert now - datetime.fromisoformat(ended) < timedelta(minutes=1)


def test_every_pod_points_to_an_owner_that_is_there_and_a_node(world):
    kinds = {"ReplicaSet": "apps/v1", "Job": "batch/v1"}
    nodes = {node["metadata"]["name"] for node in world.select("v1", "Node")}
    for pod in pods(world).values():
        (owner,) = pod["metadata"]["ownerReferences"]
        found = world.get(kinds[owner["kind"]], owner["kind"], owner["name"], NAMESPACE)
        assert (owner["uid"], owner["controller"]) == (found["metadata"]["uid"], True)
        assert pod["spec"]["nodeName"] in nodes


def test_failed_pods_finished_more_than_an_hour_ago(world):
    for pod in pods(world).values():
        for status in pod["status"].get("containerStatuses", ()):
            if "terminated" in status["state"]:
                finished = datetime.fromisoformat(status["state"]["terminated"]["finishedAt"])
                assert timedelta(hours=1) < world.now() - finished < timedelta(days=7)


def test_every_failed_pod_with_a_container_has_a_log(world):
    logged = {name for namespace, name, _, previous in world.logs if namespace == NAMESPACE and not previous}
    failed = {
        name
        for name, pod in pods(world).items()
        if pod["status"]["phase"] == "Failed" and "containerStatuses" in pod["status"]
    }

    assert failed <= logged


def test_nodes_are_two_minors_behind_the_api_server(world):
    nodes = world.select("v1", "Node")

    minors = {node["status"]["nodeInfo"]["kubeletVersion"].split(".")[1] for node in nodes}
    pools = {node["metadata"]["labels"]["cloud.google.com/gke-nodepool"] for node in nodes}
    assert (len(nodes), minors, pools) == (3, {str(world.version.minor - MINORS_BEHIND)}, {"default-pool"})


def test_the_application_is_whole_and_its_configuration_is_tricky(world):
    kinds = {
        "apps/v1 Deployment": "omtx-hub-backend",
        "v1 Service": "omtx-hub-backend-service",
        "autoscaling/v2 HorizontalPodAutoscaler": "omtx-hub-backend-hpa",
        "v1 Secret": "omtx-hub-secrets",
        "v1 PersistentVolumeClaim": "omtx-hub-models",
        "v1 ServiceAccount": "omtx-hub-backend",
        "networking.k8s.io/v1 NetworkPolicy": "omtx-hub-backend",
    }
    for kind, name in kinds.items():
        assert world.get(*kind.split(), name, NAMESPACE) is not None, kind

    config = world.get("v1", "ConfigMap", "omtx-hub-config", NAMESPACE)["data"]
    assert (config["GIT_SHA"], config["MAINTENANCE"]) == ("12e4567", "no")
    assert "\t\tproxy_pass" in config["nginx.conf"]


def test_maintd_has_a_home_to_file_events_about(world):
    assert world.get("apps/v1", "Deployment", "maintd", "maintd") is not None
    assert world.get("v1", "Namespace", "kube-system")["metadata"]["uid"]


async def test_the_sample_application_answers_as_the_runbook_expects():
    async with SampleApp() as app, aiohttp.ClientSession() as session:
        async with session.get(f"{app.url}/health") as reply:
            health = await reply.json()
        async with session.get(f"{app.url}/docs") as reply:
            docs = reply.status
        async with session.get(f"{app.url}/openapi.json") as reply:
            schema = await reply.text()

    assert health == {"status": "healthy", "database": "gcp_firestore", "storage": "gcp_cloud_storage"}
    assert (docs, len(schema) > 10_000, openapi()["info"]["title"]) == (200, True, "OMTX-Hub API")


@pytest.mark.parametrize(("age", "delay"), [(0, 0.02), (8, 0.1), (98, 1.0), (10_000, 2.0)])
def test_its_health_check_gets_slower_with_age(age, delay):
    assert delay_after(age) == pytest.approx(delay)


def test_the_jobs_file_is_valid_once_the_applications_address_is_in_it(tmp_path):
    text = files("maintd.sandbox").joinpath("jobs.yaml").read_text(encoding="utf-8")
    path = tmp_path / "jobs.yaml"
    path.write_text(text.replace("http://127.0.0.1:0", "http://127.0.0.1:8080"), encoding="utf-8")

    assert len(load(path).jobs) == 5


def test_the_jobs_fall_due_in_seconds_and_are_the_cards():
    file = yaml.safe_load(files("maintd.sandbox").joinpath("jobs.yaml").read_text(encoding="utf-8"))

    kinds = {job["name"]: job["kind"] for job in file["jobs"]}
    assert kinds == {
        "cleanup-failed-pods": "cleanup-pods",
        "backup-nightly": "backup",
        "response-times": "latency-sample",
        "health": "http-check",
        "node-versions": "version-check",
    }
    assert {job["every"] for job in file["jobs"]} <= {"1s", "2s", "3s", "4s", "5s"}
    assert file["targets"]["omtx-hub"]["url"] == "http://127.0.0.1:0"
