"""What people do with kubectl between a backup and a diff, on a real control plane with its controllers at work."""

import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import Backend
from tests.kinds_backup.conftest import Desk
from tests.recovery.conftest import Shop

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.parametrize("cluster_backend", ["controlplane"], indirect=True),
]

APPLICATION = Path(__file__).parent.parent / "kinds_backup" / "application.yaml"

PROXY = (
    '{"name": "proxy", "image": "proxy:1", "resources": {}, "terminationMessagePath": "/dev/termination-log", '
    '"terminationMessagePolicy": "File", "imagePullPolicy": "IfNotPresent"}'
)


@pytest.fixture
async def hub(cluster_backend: Backend, tmp_path: Path) -> AsyncIterator[Shop]:
    """The application of the round trip, backed up once its controllers have had their say."""
    space = await cluster_backend.namespace()
    found = Shop(cluster_backend, space, Desk(tmp_path / "store"))
    application = APPLICATION.read_text().replace("NAMESPACE", space)
    for taken, free in (("nodePort: 30081", "nodePort: 30082"), ("10.0.55.55", "10.0.55.56")):
        application = application.replace(taken, free)
    run(cluster_backend.kubeconfig, "apply", "-n", space, "-f", "-", given=application)
    for wanted in ("--for=jsonpath={.status.replicas}=2", "--for=jsonpath={.status.observedGeneration}=1"):
        run(cluster_backend.kubeconfig, "wait", "-n", space, wanted, "deployment/hub", "--timeout=60s")
    await cluster_backend.wait_for(f"/api/v1/namespaces/{space}/configmaps/kube-root-ca.crt")
    await found.backup()
    yield found
    run(cluster_backend.kubeconfig, "delete", "namespace", space, "--wait=false")


def run(kubeconfig: Path, *arguments: str, given: str = "") -> str:
    environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
    ran = subprocess.run(
        ["kubectl", *arguments], input=given, capture_output=True, text=True, env=environment, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


async def test_each_thing_that_people_do_is_told_and_nothing_that_controllers_do(hub: Shop) -> None:
    def kubectl(*arguments: str) -> None:
        run(hub.backend.kubeconfig, "-n", hub.space, *arguments)

    untouched = await hub.diff()
    sidecar = {"name": "proxy", "image": "proxy:1"}
    kubectl("set", "image", "deployment/hub", "hub=hub:2")
    kubectl("set", "env", "statefulset/store", "DEBUG=1")
    kubectl("patch", "daemonset/agent", "-p", json.dumps(within_pods(containers=[sidecar])))
    kubectl("label", "service/headless", "tier=back")
    kubectl("patch", "service/balanced", "--type=json", "-p", '[{"op": "remove", "path": "/spec/selector/app"}]')
    kubectl("create", "configmap", "extra", "--from-literal=a=1")
    kubectl("delete", "replicaset/by-hand")

    code, lines = await hub.diff()

    assert untouched == (0, [])
    assert code == 1
    assert lines == [
        "+ configmaps NS/extra: only in the cluster",
        "~ services NS/balanced",
        '    - spec.selector: {"app": "hub"}',
        "~ services NS/headless",
        '    + metadata.labels: {"tier": "back"}',
        "~ daemonsets.apps NS/agent",
        f"    + spec.template.spec.containers[proxy]: {PROXY}",
        "~ deployments.apps NS/hub",
        "    ~ spec.template.spec.containers[hub].image: hub:12e4567 -> hub:2",
        "- replicasets.apps NS/by-hand: missing from the cluster",
        "~ statefulsets.apps NS/store",
        '    + spec.template.spec.containers[store].env: [{"name": "DEBUG", "value": "1"}]',
    ]


def within_pods(**spec: object) -> dict[str, object]:
    return {"spec": {"template": {"spec": spec}}}
