"""A real API server takes every file that was written, and makes of them what was there before."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maintd.core.outcome import Status
from tests.kinds_backup.conftest import Desk

pytestmark = pytest.mark.cluster

HERE = Path(__file__).parent
SPACE = "round-trip"
Kubectl = Callable[..., str]


@pytest.fixture(scope="module")
def kubectl(controlplane: Path, need_tool: Callable[[str], str]) -> Kubectl:
    def run(*arguments: str, given: str = "") -> str:
        environment = os.environ | {"KUBECONFIG": str(controlplane)}
        command = [need_tool("kubectl"), *arguments]
        ran = subprocess.run(command, input=given, capture_output=True, text=True, env=environment, check=False)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    return run


@pytest.fixture(scope="module")
def application(kubectl: Kubectl) -> Iterator[None]:
    """The application and what it needs outside its namespace, with the controllers having had their say."""
    wide, inside = (
        (HERE / name).read_text().replace("NAMESPACE", SPACE) for name in ("cluster_wide.yaml", "application.yaml")
    )
    kubectl("apply", "-f", "-", given=wide)
    kubectl("apply", "-n", SPACE, "-f", "-", given=inside)
    kubectl("wait", "-n", SPACE, "--for=jsonpath={.status.replicas}=2", "deployment/hub", "--timeout=60s")
    kubectl("wait", "-n", SPACE, "--for=create", "configmap/kube-root-ca.crt", "--timeout=60s")
    kubectl("wait", "-n", SPACE, "--for=jsonpath={.spec.volumeName}", "pvc/files", "--timeout=60s")
    yield
    kubectl("delete", "-f", "-", "--wait=false", given=wide)
    kubectl("delete", "namespace", SPACE, "--wait=false")


@pytest.mark.timeout(400)  # kubectl asks twice for each object, and other tests leave some hundred namespaces
async def test_the_api_server_takes_every_object_of_a_whole_cluster(
    controlplane: Path, desk: Desk, kubectl: Kubectl, application: None
) -> None:
    made = await desk.backup(controlplane)

    applied = kubectl("apply", "--dry-run=server", "-f", str(made.folder / "_cluster"))

    written = [name for path in made.files if path.startswith("_cluster/") for name in made.names(path)]
    assert len(applied.splitlines()) == len(written)
    assert f"persistentvolume/files-{SPACE} configured (server dry run)" in applied


@pytest.mark.timeout(300)
async def test_what_kubectl_applies_into_an_empty_namespace_is_what_was_there(
    controlplane: Path, desk: Desk, kubectl: Kubectl, application: None
) -> None:
    before = await desk.backup(controlplane, namespaces=[SPACE])
    kubectl("delete", "namespace", SPACE, "--timeout=120s")
    kubectl("apply", "-f", str(before.folder / "_cluster"))
    kubectl("wait", "-n", SPACE, "--for=create", "serviceaccount/default", "--timeout=60s")
    kubectl("apply", "-f", str(before.folder / SPACE))

    after = await desk.backup(controlplane, namespaces=[SPACE])

    assert before.outcome.judged() is after.outcome.judged() is Status.OK
    assert {path: data.decode() for path, data in after.files.items()} == {
        path: data.decode() for path, data in before.files.items()
    }
    assert {(row.rule, row.resource) for row in before.manifest.left_out if row.count} == {
        ("default-account", "serviceaccounts"),
        ("endpoints", "endpoints"),
        ("owned", "controllerrevisions.apps"),
        ("owned", "endpointslices.discovery.k8s.io"),
        ("owned", "pods"),
        ("owned", "replicasets.apps"),
        ("root-certificate", "configmaps"),
    }


async def test_a_group_whose_server_is_down_makes_the_backup_partial(
    controlplane: Path, desk: Desk, kubectl: Kubectl
) -> None:
    down = {"broken.example.org": "v1", "metrics.k8s.io": "v1beta1"}
    for group, version in down.items():
        kubectl("apply", "-f", "-", given=API_SERVICE.replace("GROUP", group).replace("VERSION", version))
    try:
        made = await desk.backup(controlplane)
    finally:
        kubectl("delete", "apiservice", *(f"{version}.{group}" for group, version in down.items()))

    assert [row.resource for row in made.manifest.not_whole] == ["*.broken.example.org"]
    assert [row.rule for row in made.manifest.left_out if row.resource == "*.metrics.k8s.io"] == ["metrics"]


API_SERVICE = """
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: VERSION.GROUP}
spec:
  group: GROUP
  version: VERSION
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {namespace: default, name: nobody}
"""
