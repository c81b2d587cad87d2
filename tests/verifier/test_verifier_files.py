"""deploy/components/verifier as it is written and rendered."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from maintd.cli.jobsfile import loader
from maintd.config.settings import Settings
from maintd.core.ports import Discovery
from maintd.core.resource import Resource
from maintd.derive.verifier import Verifier, text
from maintd.scheduling.homes import state_needs
from tests.deploy.test_manifests import violations

ROOT = Path(__file__).parents[2]
COMPONENT = ROOT / "deploy/components/verifier"
ADMISSION = "admissionregistration.k8s.io"
WRITES = {"create", "update"}
VERBS = frozenset({"create", "list", "update"})
WHOLE = "params: {secrets: {recipients: [age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p]}}"


def rules(job: str = WHOLE, **found: Any) -> list[dict[str, Any]]:
    """Every rule of every Role that is rendered for one backup job; without a target it covers the whole cluster."""
    jobs = f"version: 1\njobs:\n- {{name: nightly, kind: backup, manual: true, {job}}}\n"
    file = loader(Settings()).parse(jobs.encode(), Path("jobs.yaml"))
    made = yaml.safe_load_all(text(Verifier(file, "maintd", state_needs("maintd"), **found)))
    return [rule for obj in made for rule in obj.get("rules", [])]


def verbs(given: Iterable[dict[str, Any]], group: str, resource: str) -> set[str]:
    return {
        verb for rule in given if group in rule["apiGroups"] and resource in rule["resources"] for verb in rule["verbs"]
    }


def test_whoever_verifies_may_write_what_is_backed_up_and_no_secret() -> None:
    given = rules()

    assert verbs(given, "apps", "deployments") == {"create", "get", "list", "update"}
    assert verbs(given, "", "namespaces") == {"create", "get", "list", "update"}
    assert verbs(given, "", "secrets") == set()
    assert {verb for rule in given for verb in rule["verbs"]} == {"create", "get", "list", "update"}
    assert "*" not in str(given)


def test_what_admission_is_made_of_is_read_and_never_written() -> None:
    written = [rule for rule in rules() if ADMISSION in rule["apiGroups"] and WRITES & set(rule["verbs"])]

    assert verbs(rules(), ADMISSION, "validatingadmissionpolicies") == {"list"}
    assert written == []


def test_of_kinds_that_the_cluster_adds_those_alone_that_the_api_server_itself_serves() -> None:
    widgets = Resource("example.com", "v1", "widgets", "Widget", verbs=VERBS)
    served_elsewhere = Resource("other.example.com", "v1", "gadgets", "Gadget", verbs=VERBS)
    found = {"found": Discovery((widgets, served_elsewhere)), "defined": frozenset({"widgets.example.com"})}

    given = rules(**found)

    assert verbs(given, "example.com", "widgets") == {"create", "get", "list", "update"}
    assert verbs(given, "other.example.com", "gadgets") == set()


def test_it_says_which_kinds_are_not_among_them_and_why() -> None:
    elsewhere = Resource("other.example.com", "v1", "gadgets", "Gadget", verbs=VERBS)
    file = loader(Settings()).parse(b"version: 1\njobs:\n- {name: b, kind: backup, manual: true}\n", Path("jobs.yaml"))

    head = text(Verifier(file, "maintd", (), Discovery((elsewhere,)))).partition("---")[0]

    assert "# Not in here, since no policy may be asked about them: gadgets.other.example.com" in head


def test_a_backup_of_one_namespace_gives_rights_in_that_one_alone() -> None:
    given = yaml.safe_load_all((COMPONENT / "rbac.yaml").read_text())

    places = {(obj["kind"], obj["metadata"].get("namespace")) for obj in given}
    [wide] = [obj for obj in yaml.safe_load_all((COMPONENT / "rbac.yaml").read_text()) if obj["kind"] == "ClusterRole"]
    assert places >= {("Role", "omtx-hub"), ("Role", "maintd"), ("ClusterRole", None)}
    assert {resource for rule in wide["rules"] for resource in rule["resources"]} == {"namespaces"}
    assert verbs(
        [rule for rule in wide["rules"] if "kube-system" in rule.get("resourceNames", [])], "", "namespaces"
    ) == {"get"}


def test_the_policy_is_about_every_request_of_the_account_that_the_roles_are_bound_to() -> None:
    policy, binding = yaml.safe_load_all((COMPONENT / "policy.yaml").read_text())
    [matched] = policy["spec"]["matchConstraints"]["resourceRules"]
    [condition], [validation] = policy["spec"]["matchConditions"], policy["spec"]["validations"]
    bound = {
        f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
        for obj in yaml.safe_load_all((COMPONENT / "rbac.yaml").read_text())
        for subject in obj.get("subjects", [])
    }

    assert {key: value for key, value in matched.items() if key != "scope"} == {
        "apiGroups": ["*"],
        "apiVersions": ["*"],
        "operations": ["*"],
        "resources": ["*/*"],
    }
    assert (policy["spec"]["failurePolicy"], binding["spec"]["validationActions"]) == ("Fail", ["Deny"])
    assert binding["spec"]["policyName"] == policy["metadata"]["name"]
    assert "matchResources" not in binding["spec"]
    assert {condition["expression"]} == {f'request.userInfo.username == "{user}"' for user in bound}
    assert validation["expression"] == "has(request.dryRun) && request.dryRun"


def test_the_cron_job_keeps_the_restricted_profile_under_that_account() -> None:
    cron = yaml.safe_load((COMPONENT / "cron-job.yaml").read_text())
    spec = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    spec["containers"][0] |= {"ports": []}

    assert violations(spec) == []
    assert spec["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["serviceAccountName"] == "maintd-verifier"


def test_the_script_for_its_bucket_names_the_verifier_and_grants_the_two_roles_that_it_takes() -> None:
    page = (ROOT / "docs/backup.md").read_text()
    [line] = re.findall(r"^(maintd render iam .*?) > verifier.sh$", page, re.MULTILINE)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")} | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MAINTD_STORAGE": "gs://my-bucket/maintd",
    }

    done = subprocess.run(line.split(), env=environment, cwd=ROOT, capture_output=True, text=True, check=True)

    [member] = re.findall(r"^MEMBER=.*/sa/(.*)\"$", done.stdout, re.MULTILINE)
    assert member == "maintd-verifier"
    assert re.findall(r"^gcloud (.*) .*--role=(\S+)$", done.stdout, re.MULTILINE) == [
        ('storage buckets add-iam-policy-binding "gs://${BUCKET:?}" --member="${MEMBER:?}" --condition=None', role)
        for role in ("roles/storage.objectCreator", "roles/storage.objectViewer")
    ]


@pytest.mark.cluster
def test_the_component_goes_into_an_overlay_with_its_image_its_settings_and_a_way_out(
    need_tool: Any, tmp_path: Path
) -> None:
    """Built and not applied: the objects are real in test_verifier_account."""
    overlay = ROOT / "deploy/overlays/example/kustomization.yaml"
    folder = tmp_path / "deploy/overlays/mine"
    subprocess.run(["cp", "-r", str(ROOT / "deploy"), str(tmp_path)], check=True)
    folder.mkdir()
    said = overlay.read_text().replace("components:\n", "components:\n  - ../../components/verifier\n")
    (folder / "kustomization.yaml").write_text(said)

    done = subprocess.run([need_tool("kubectl"), "kustomize", str(folder)], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    made = {(obj["kind"], obj["metadata"]["name"]): obj for obj in yaml.safe_load_all(done.stdout)}
    [container] = made["CronJob", "maintd-verifier"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    [settings] = [name for kind, name in made if name.startswith("maintd-settings-")]
    assert container["image"].endswith("maintd/maintd:0.1.0")
    assert container["envFrom"] == [{"configMapRef": {"name": settings}}]
    both = {"key": "app.kubernetes.io/name", "operator": "In", "values": ["maintd", "maintd-verifier"]}
    for name in ("maintd-dns", "maintd-metadata", "maintd-https"):
        assert made["NetworkPolicy", name]["spec"]["podSelector"] == {"matchExpressions": [both]}
