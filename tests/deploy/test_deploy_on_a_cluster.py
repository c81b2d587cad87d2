"""`kubectl apply -k` on a real control plane: the pod exists and runs, and what must be refused is."""

import copy
import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
ROOM = {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "10Gi", "pods": "20"}
ACCOUNT = "system:serviceaccount:maintd:maintd"


def node(name):
    """With the labels that a kubelet gives its own."""
    labels = {"kubernetes.io/os": "linux", "kubernetes.io/hostname": name}
    status = {"capacity": ROOM, "allocatable": ROOM}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def kustomized(need_tool, folder):
    done = subprocess.run([need_tool("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.fixture(scope="module")
def kubectl(controlplane, need_tool):
    """`kubectl(...)` as the admin; what stands on stdin may be an object."""

    def run(*words, send=None, code=0):
        command = [need_tool("kubectl"), f"--kubeconfig={controlplane}", *words]
        sent = None if send is None else json.dumps(send)
        done = subprocess.run(command, input=sent, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def deployed(kubectl):
    """A node, the application's namespace, and the base as it is; all of it is gone again afterwards."""
    kubectl("create", "-f", "-", send=node("deploy-1"))
    kubectl("create", "namespace", "omtx-hub")
    said = kubectl("apply", "-k", str(ROOT / "deploy/base"))
    yield said
    kubectl("delete", "-k", str(ROOT / "deploy/base"), "--wait=false")
    kubectl("delete", "namespace", "omtx-hub", "--wait=false")
    kubectl("delete", "node", "deploy-1", "--wait=false")


def test_everything_is_taken_without_a_warning(deployed):
    assert "Warning" not in deployed
    assert deployed.count(" created\n") == len(deployed.splitlines())
    assert "deployment.apps/maintd created" in deployed


def test_the_pod_exists_and_runs_and_the_deployment_is_available(deployed, kubectl):
    kubectl("-n", "maintd", "wait", "--for=condition=Available", "deployment/maintd", "--timeout=60s")

    [pod] = json.loads(kubectl("-n", "maintd", "get", "pods", "-o", "json"))["items"]
    assert (pod["status"]["phase"], pod["spec"]["nodeName"]) == ("Running", "deploy-1")
    assert pod["spec"]["serviceAccountName"] == "maintd"
    assert [volume for volume in pod["spec"]["volumes"] if "projected" in volume]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"privileged": True, "allowPrivilegeEscalation": True}, "privileged"),
        ({"capabilities": {}}, "unrestricted capabilities"),
        ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile"),
    ],
)
def test_admission_really_asks_a_pod_that_wants_more_is_refused(deployed, kubectl, pod, change, why):
    spec = copy.deepcopy(pod["spec"])
    spec["containers"][0]["securityContext"] |= change
    wanted = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "more", "namespace": "maintd"}, "spec": spec}

    said = kubectl("create", "-f", "-", send=wanted, code=1)

    assert 'violates PodSecurity "restricted:latest"' in said
    assert why in said


def test_applying_again_on_the_server_changes_nothing_and_the_account_has_its_rights(deployed, kubectl):
    kubectl("apply", "-k", str(ROOT / "deploy/base"), "--server-side", "--force-conflicts")
    said = kubectl("apply", "-k", str(ROOT / "deploy/base"), "--server-side")

    assert said.count(" serverside-applied\n") == len(said.splitlines())
    assert kubectl("auth", "can-i", "list", "pods", "-n", "omtx-hub", f"--as={ACCOUNT}") == "yes\n"
    assert kubectl("auth", "can-i", "get", "configmaps/maintd-state", "-n", "maintd", f"--as={ACCOUNT}") == "yes\n"
    assert "no" in kubectl("auth", "can-i", "list", "secrets", "-n", "omtx-hub", f"--as={ACCOUNT}", code=1)


def test_other_jobs_keep_the_pod_and_other_settings_replace_it(deployed, kubectl, tmp_path):
    template = ("-n", "maintd", "get", "deployment", "maintd", "-o", "jsonpath={.spec.template}")
    before = kubectl(*template)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    base = tmp_path / "deploy/base"
    jobs, kustomization = base / "jobs.yaml", base / "kustomization.yaml"

    jobs.write_text(jobs.read_text().replace("samples: 5", "samples: 4"))
    said = kubectl("apply", "-k", str(base))
    after_jobs = kubectl(*template)
    kustomization.write_text(kustomization.read_text().replace("LOG_LEVEL=info", "LOG_LEVEL=debug"))
    kubectl("apply", "-k", str(base))
    after_settings = kubectl(*template)

    assert "configmap/maintd-jobs configured" in said
    assert after_jobs == before
    assert after_settings != before


def test_of_two_replicas_both_run_apart_one_may_be_taken_away_and_the_next_version_comes_before_the_last_goes(
    deployed, kubectl
):
    def rolled_out():
        kubectl("-n", "maintd", "rollout", "status", "deployment/maintd", "--timeout=60s")
        pods = json.loads(kubectl("-n", "maintd", "get", "pods", "-o", "json"))["items"]
        return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]

    kubectl("create", "-f", "-", send=node("deploy-2"))
    try:
        kubectl("wait", "--for=condition=Ready", "node/deploy-2", "--timeout=30s")
        said = kubectl("apply", "-k", str(ROOT / "deploy/ha"))
        rollouts = [rolled_out()]
        for _ in range(2):
            time.sleep(1.1)  # kubectl restarts nothing twice in a second
            kubectl("-n", "maintd", "rollout", "restart", "deployment/maintd")
            rollouts.append(rolled_out())
        kubectl("-n", "maintd", "wait", "--for=jsonpath={.status.disruptionsAllowed}=1", "pdb/maintd", "--timeout=30s")
        strategy = json.loads(kubectl("-n", "maintd", "get", "deployment", "maintd", "-o", "json"))["spec"]["strategy"]
    finally:
        kubectl("delete", "node", "deploy-2", "--wait=false")

    assert "Warning" not in said
    assert "poddisruptionbudget.policy/maintd created" in said
    for running in rollouts:
        assert {pod["spec"]["nodeName"] for pod in running} == {"deploy-1", "deploy-2"}
        assert [pod["status"]["phase"] for pod in running] == ["Running", "Running"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


def test_two_replicas_are_a_line_in_an_overlay_and_change_nothing_else(need_tool, tmp_path):
    before = kustomized(need_tool, ROOT / "deploy/overlays/example")
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    overlay = tmp_path / "deploy/overlays/example/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("# - ../../components/ha", "- ../../components/ha"))

    made = kustomized(need_tool, overlay.parent)

    changed = [obj for obj in made if obj not in before]
    assert [(obj["kind"], obj["metadata"]["name"]) for obj in changed] == [
        ("Deployment", "maintd"),
        ("PodDisruptionBudget", "maintd"),
    ]
    [pod, budget] = changed
    assert (pod["spec"]["replicas"], budget["spec"]["minAvailable"]) == (2, 1)
    assert pod["spec"]["selector"] == budget["spec"]["selector"]
    [old] = [obj for obj in before if obj["kind"] == "Deployment"]
    told = [{"name": "MAINTD_REPLICAS", "value": "2"}]
    [container], [container_before] = (one["spec"]["template"]["spec"]["containers"] for one in (pod, old))
    assert [one for one in container["env"] if one not in container_before["env"]] == told


def test_the_example_is_the_base_with_an_image_a_bucket_and_monitoring(need_tool):
    base = {(obj["kind"], obj["metadata"]["name"]): obj for obj in kustomized(need_tool, ROOT / "deploy/base")}
    made = {
        (obj["kind"], obj["metadata"]["name"]): obj for obj in kustomized(need_tool, ROOT / "deploy/overlays/example")
    }
    [settings] = [obj for (kind, name), obj in made.items() if name.startswith("maintd-settings-")]

    assert {key for key in made.keys() - base.keys() if key[0] != "ConfigMap"} == {
        ("PodMonitoring", "maintd"),
        ("Rules", "maintd"),
    }
    [container] = made["Deployment", "maintd"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "us-central1-docker.pkg.dev/my-project/maintd/maintd:0.1.0"
    assert container["envFrom"] == [{"configMapRef": {"name": settings["metadata"]["name"]}}]
    assert settings["data"] == {
        "MAINTD_STORAGE": "gs://my-maintd-bucket/maintd",
        "MAINTD_CLUSTER": "my-cluster",
        "MAINTD_LOG_LEVEL": "info",
    }


def test_the_prometheus_operator_gets_the_same_scraping_and_the_same_alerts(need_tool, tmp_path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    overlay = tmp_path / "deploy/overlays/example/kustomization.yaml"
    overlay.write_text(
        overlay.read_text().replace("- ../../components/monitoring", "- ../../components/prometheus-operator")
    )

    made = {obj["kind"]: obj for obj in kustomized(need_tool, overlay.parent)}

    rules = yaml.safe_load((ROOT / "deploy/components/monitoring/rules.yaml").read_text())
    assert "PodMonitoring" not in made
    assert "Rules" not in made
    assert made["PrometheusRule"]["apiVersion"] == made["PodMonitor"]["apiVersion"] == "monitoring.coreos.com/v1"
    assert made["PrometheusRule"]["spec"] == rules["spec"]
    assert made["PodMonitor"]["spec"] == {
        "selector": {"matchLabels": {"app.kubernetes.io/name": "maintd"}},
        "podMetricsEndpoints": [{"port": "http", "interval": "30s"}],
    }


def test_private_google_access_leaves_no_way_to_the_internet(need_tool, tmp_path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    overlay = tmp_path / "deploy/overlays/example/kustomization.yaml"
    overlay.write_text(overlay.read_text().replace("# - ../../components/private", "- ../../components/private"))

    policies = [obj for obj in kustomized(need_tool, overlay.parent) if obj["kind"] == "NetworkPolicy"]

    assert "0.0.0.0/0" not in json.dumps(policies)
    assert "199.36.153.8/30" in json.dumps(policies)


def test_the_patch_of_the_page_gives_the_account_an_annotation(need_tool, tmp_path):
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    overlay = tmp_path / "deploy/overlays/example/kustomization.yaml"
    [patch] = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs/install.md").read_text(), re.MULTILINE | re.DOTALL)
    overlay.write_text(overlay.read_text() + patch)

    [account] = [obj for obj in kustomized(need_tool, overlay.parent) if obj["kind"] == "ServiceAccount"]

    assert account["metadata"]["annotations"] == {
        "iam.gke.io/gcp-service-account": "maintd@PROJECT.iam.gserviceaccount.com"
    }
    assert account["automountServiceAccountToken"] is False
