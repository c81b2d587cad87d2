"""deploy/: what can be held without a cluster."""

import copy
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from maintd.config.settings import PREFIX, Settings
from maintd.core.units import parse_duration
from maintd.scheduling.homes import NAME

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUSTOMIZATIONS = sorted(DEPLOY.rglob("kustomization.yaml"))
READ = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def literals(path):
    """What a kustomization puts into maintd-settings."""
    made = yaml.safe_load(path.read_text()).get("configMapGenerator", ())
    return dict(line.split("=", 1) for one in made for line in one.get("literals", ()))


def violations(spec):
    """What the Pod Security Standard `restricted` forbids: https://kubernetes.io/docs/concepts/security/pod-security-standards/."""
    [container], shared = spec["containers"], spec["securityContext"]
    own = container["securityContext"]
    kinds = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    rules = {
        "host namespaces": any(spec.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")),
        "host ports": any("hostPort" in port for port in container["ports"]),
        "privileged": own.get("privileged", False),
        "privilege escalation": own.get("allowPrivilegeEscalation") is not False,
        "capabilities": own.get("capabilities") != {"drop": ["ALL"]},
        "root": shared.get("runAsNonRoot") is not True or shared.get("runAsUser") == 0,
        "seccomp": shared.get("seccompProfile") != {"type": "RuntimeDefault"},
        "volumes": any(set(volume) - {"name"} - kinds for volume in spec["volumes"]),
    }
    return [name for name, broken in rules.items() if broken]


def test_the_pod_keeps_the_restricted_profile_and_more(pod):
    spec = pod["spec"]
    own = spec["containers"][0]["securityContext"]

    assert violations(spec) == []
    assert (spec["securityContext"]["runAsUser"], spec["securityContext"]["runAsGroup"]) == (65532, 65532)
    assert own["readOnlyRootFilesystem"] is True
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("host namespaces", {"hostPID": True}),
        ("root", {"securityContext": {"runAsUser": 0, "seccompProfile": {"type": "RuntimeDefault"}}}),
        ("volumes", {"volumes": [{"name": "node", "hostPath": {"path": "/"}}]}),
    ],
)
def test_the_check_of_the_profile_sees_what_is_wrong(pod, rule, change):
    assert violations(copy.deepcopy(pod["spec"]) | change) == [rule]


def test_the_namespace_refuses_pods_that_do_not_keep_it(base):
    labels = base["Namespace/maintd"]["metadata"]["labels"]

    assert {mode: labels[f"pod-security.kubernetes.io/{mode}"] for mode in ("enforce", "audit", "warn")} == {
        "enforce": "restricted",
        "audit": "restricted",
        "warn": "restricted",
    }


def test_the_token_is_in_this_pod_alone(base, pod):
    account = base["ServiceAccount/maintd"]

    assert account["automountServiceAccountToken"] is False
    assert (pod["spec"]["automountServiceAccountToken"], pod["spec"]["serviceAccountName"]) == (True, "maintd")


def test_two_pods_never_run_at_once(base):
    spec = base["Deployment/maintd"]["spec"]

    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})


def test_what_runs_ends_before_the_kubelet_ends_it(pod):
    environment = {entry["name"]: entry.get("value") for entry in pod["spec"]["containers"][0]["env"]}
    grace = parse_duration(environment["MAINTD_GRACE"])

    assert grace + timedelta(seconds=20) <= timedelta(seconds=pod["spec"]["terminationGracePeriodSeconds"])


def test_the_jobs_are_mounted_as_a_folder_under_a_name_that_stays_so_that_they_reload(pod):
    made = yaml.safe_load((DEPLOY / "base/kustomization.yaml").read_text())["configMapGenerator"]
    [jobs] = [one for one in made if one["name"] == "maintd-jobs"]
    container = pod["spec"]["containers"][0]
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "jobs"]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}

    assert (jobs["files"], jobs["options"]) == (["jobs.yaml"], {"disableNameSuffixHash": True})
    assert mount == {"name": "jobs", "mountPath": "/etc/maintd", "readOnly": True}
    assert environment["MAINTD_JOBS_FILE"] == "/etc/maintd/jobs.yaml"


def test_no_generated_name_is_the_one_that_jobs_remember_under():
    made = yaml.safe_load((DEPLOY / "base/kustomization.yaml").read_text())["configMapGenerator"]

    assert NAME not in {one["name"] for one in made}


def test_everything_written_to_is_a_volume_of_bounded_size(pod):
    container = pod["spec"]["containers"][0]
    written = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}

    assert written == {"data": "/var/lib/maintd", "tmp": "/tmp"}
    assert all(volumes[name]["emptyDir"]["sizeLimit"] for name in written)


def test_the_cpu_is_asked_for_and_not_limited(pod):
    resources = pod["spec"]["containers"][0]["resources"]

    assert (set(resources["requests"]), set(resources["limits"])) == (
        {"cpu", "memory", "ephemeral-storage"},
        {"memory", "ephemeral-storage"},
    )


def test_the_probes_ask_what_is_served_and_the_liveness_of_nobody_else(pod):
    container = pod["spec"]["containers"][0]
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}

    assert asked == {
        "startup": {"path": "/livez", "port": "http"},
        "liveness": {"path": "/livez", "port": "http"},
        "readiness": {"path": "/readyz", "port": "http"},
    }
    assert container["ports"] == [{"name": "http", "containerPort": 8080}]


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: str(path.parent.relative_to(DEPLOY)))
def test_every_setting_is_one_that_maintd_reads(path, pod):
    given = {entry["name"] for entry in pod["spec"]["containers"][0]["env"]}

    assert (given | literals(path).keys()) - READ == set()
    assert given & literals(path).keys() == set()  # the pod's own would win, and the overlay's be ignored


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=lambda path: str(path.parent.relative_to(DEPLOY)))
def test_every_file_of_a_kustomization_exists(path):
    kustomization = yaml.safe_load(path.read_text())
    named = [*kustomization.get("resources", ()), *kustomization.get("components", ())]
    named += [file for one in kustomization.get("configMapGenerator", ()) for file in one.get("files", ())]

    assert [name for name in named if not (path.parent / name).exists()] == []


def test_every_file_of_the_base_is_used():
    kustomization = yaml.safe_load((DEPLOY / "base/kustomization.yaml").read_text())

    there = {path.name for path in (DEPLOY / "base").iterdir()} - {"kustomization.yaml"}
    assert there == {*kustomization["resources"], "jobs.yaml"}


def test_the_base_alone_does_not_start_and_says_what_is_missing(tmp_path, pod):
    given = {entry["name"]: entry["value"] for entry in pod["spec"]["containers"][0]["env"] if "value" in entry}
    moved = {"MAINTD_JOBS_FILE": str(DEPLOY / "base/jobs.yaml"), "MAINTD_SPOOL": str(tmp_path)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAINTD_", "KUBE", "STORAGE_"))}
    environment = kept | given | literals(DEPLOY / "base/kustomization.yaml") | moved | {"HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-m", "maintd", "serve"], env=environment, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "maintd: MAINTD_STORAGE='gs://': no bucket can be called ''; write gs://bucket/prefix\n"


def test_the_example_sets_what_the_base_leaves_open():
    base, example = (literals(DEPLOY / folder / "kustomization.yaml") for folder in ("base", "overlays/example"))

    assert set(example) == {"MAINTD_STORAGE", "MAINTD_CLUSTER"}
    assert set(example) <= set(base)
    Settings(storage=example["MAINTD_STORAGE"], cluster=example["MAINTD_CLUSTER"])


def test_nothing_goes_in_or_out_but_what_a_policy_names(base):
    policies = {name.partition("/")[2]: obj["spec"] for name, obj in base.items() if name.startswith("NetworkPolicy/")}

    assert policies.pop("default-deny") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {name: spec["policyTypes"] for name, spec in policies.items()} == {
        "maintd-metrics": ["Ingress"],
        "maintd-dns": ["Egress"],
        "maintd-metadata": ["Egress"],
        "maintd-https": ["Egress"],
        "maintd-probes": ["Egress"],
    }
    assert all(
        spec["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "maintd"}} for spec in policies.values()
    )
    [metrics] = policies["maintd-metrics"]["ingress"]
    assert metrics["ports"] == [{"port": "http", "protocol": "TCP"}]
    assert metrics["from"]
    assert all(rule["ports"] for name in ("dns", "metadata", "https") for rule in policies[f"maintd-{name}"]["egress"])
