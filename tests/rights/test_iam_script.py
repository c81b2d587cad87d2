"""The gcloud lines, run by a real shell with a gcloud that writes down what it is told."""

import os
import subprocess
from pathlib import Path

import pytest

from maintd.config.jobs import Job
from maintd.core.kind import Kind, Params
from maintd.core.outcome import Outcome
from maintd.core.rules import GcpPermission
from maintd.core.target import GkeCluster, Target
from maintd.derive import iam

GCLOUD = """#!/bin/sh
[ "$1 $2" = "projects describe" ] && echo 123456
[ "$1 $2 $3" = "iam roles create" ] && [ -e "$HOME/exists" ] && exit 1
printf '%s\\n' "$@" '' >> "$HOME/said"
"""
MEMBER = (
    "--member=principal://iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/om-models"
    ".svc.id.goog/subject/ns/ops/sa/maintd"
)
NUMBER = ["projects", "describe", "om-models", "--format=value(projectNumber)"]
CREATOR = ["storage", "buckets", "add-iam-policy-binding", "gs://b", MEMBER, "--condition=None"]
VIEWER = [*CREATOR, "--role=roles/storage.objectViewer"]
CREATOR = [*CREATOR, "--role=roles/storage.objectCreator"]


class Nothing(Params):
    """No parameters."""


async def run(_ctx: object, _params: object) -> Outcome:
    return Outcome("nothing")


def job(name: str, project: str, *permissions: str, enabled: bool = True) -> Job:
    kind = Kind(Nothing, run, level=0, gcp_needs=tuple(map(GcpPermission, permissions)))
    gke = GkeCluster(project=project, location="us-central1-a", cluster="c")
    return Job(name=name, kind=kind, params=Nothing(), target=Target(gke=gke), enabled=enabled)


class Shell:
    """Runs a script and tells what gcloud was asked for."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "gcloud").write_text(GCLOUD)
        (home / "gcloud").chmod(0o755)

    def __call__(self, script: str, **variables: str) -> list[list[str]]:
        (self.home / "said").write_text("")
        environment = {"PATH": f"{self.home}:{os.environ['PATH']}", "HOME": str(self.home)} | variables
        self.done = subprocess.run(
            ["bash", "-c", script], env=environment, cwd=self.home, capture_output=True, text=True, check=False
        )
        return [call.splitlines() for call in (self.home / "said").read_text().split("\n\n") if call]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def binding(project: str, role: str) -> list[str]:
    return ["projects", "add-iam-policy-binding", project, MEMBER, "--condition=None", f"--role={role}"]


def test_the_verifier_may_write_and_read_the_bucket_and_asks_google_nothing(shell: Shell) -> None:
    jobs = [job("versions", "om-models", "container.clusters.get")]
    own = [[word.replace("/sa/maintd", "/sa/maintd-verifier") for word in call] for call in (NUMBER, CREATOR, VIEWER)]

    assert shell(iam.verifier_text(jobs, "b", "ops")) == own
    assert (shell.done.returncode, shell.done.stderr) == (0, "")


def test_the_bucket_may_be_written_and_read_and_the_clusters_looked_at(shell: Shell) -> None:
    jobs = [job("versions", "om-models", "container.clusters.get"), job("more", "om-models", "container.clusters.list")]

    assert shell(iam.text(jobs, "b", "ops")) == [
        NUMBER,
        CREATOR,
        VIEWER,
        binding("om-models", "roles/container.clusterViewer"),
    ]
    assert (shell.done.returncode, shell.done.stderr) == (0, "")


@pytest.mark.parametrize(("there", "verb"), [(False, "create"), (True, "update")])
def test_what_no_narrow_role_holds_goes_into_a_role_of_the_projects_own(shell: Shell, there: bool, verb: str) -> None:
    jobs = [job("versions", "om-models", "container.operations.list", "container.clusters.get")]
    if there:
        (shell.home / "exists").touch()

    assert shell(iam.text(jobs, "b", "ops"))[3:] == [
        binding("om-models", "roles/container.clusterViewer"),
        [
            *("iam", "roles", verb, "maintd", "--project=om-models", "--title=maintd"),
            "--permissions=container.operations.list",
        ],
        binding("om-models", "projects/om-models/roles/maintd"),
    ]


def test_nothing_is_granted_for_jobs_that_are_not_enabled_or_do_not_ask_google(shell: Shell) -> None:
    jobs = [job("off", "other", "container.clusters.get", enabled=False), job("quiet", "om-models")]

    assert shell(iam.text(jobs, "b", "ops")) == [NUMBER, CREATOR, VIEWER]


@pytest.mark.parametrize("project", ["$(touch pwned)", "a'b; touch pwned #", "`touch pwned`", "x\ntouch pwned"])
def test_what_jobs_yaml_says_is_never_a_command(shell: Shell, project: str) -> None:
    text = iam.text([job("versions", project, "container.clusters.get", "container.operations.list")], "b", "ops")

    shell(text)

    assert sorted(path.name for path in shell.home.iterdir()) == ["gcloud", "said"]
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0


def test_what_is_not_known_is_asked_for_and_nothing_is_granted_without(shell: Shell) -> None:
    script = iam.text([job("a", "one", "container.clusters.get"), job("b", "two", "container.clusters.get")], "", "ops")

    assert shell(script) == []
    assert "PROJECT: set it first: the id of that project" in shell.done.stderr
    assert shell(script, PROJECT="om-models") == [NUMBER]
    assert "BUCKET: set it first: the name of the bucket" in shell.done.stderr
    viewer = "roles/container.clusterViewer"
    assert shell(script, PROJECT="om-models", BUCKET="b") == [
        NUMBER,
        CREATOR,
        VIEWER,
        binding("one", viewer),
        binding("two", viewer),
    ]


@pytest.mark.parametrize(("project", "there", "verb"), [("om-models", False, "create"), ("storage-1", True, "update")])
def test_what_retention_names_may_be_deleted_and_no_more_of_the_bucket(
    shell: Shell, project: str, there: bool, verb: str
) -> None:
    if there:
        (shell.home / "exists").touch()
    script = iam.text([job("quiet", "om-models")], "b", "ops", ["pre/demo/runs/", "pre/demo/samples/"])
    runs, samples = (f"projects/_/buckets/b/objects/pre/demo/{area}/" for area in ("runs", "samples"))
    begins = f"resource.name.startsWith('{runs}') || resource.name.startsWith('{samples}')"

    assert shell(script, **({"BUCKET_PROJECT": project} if there else {}))[3:] == [
        [
            *("iam", "roles", verb, "maintdPruner", f"--project={project}", "--title=maintdPruner"),
            "--permissions=storage.objects.delete",
        ],
        [
            *CREATOR[:5],
            f"--role=projects/{project}/roles/maintdPruner",
            f"--condition=title=maintdPruner,expression={begins}",
        ],
    ]
    assert (shell.done.returncode, shell.done.stderr) == (0, "")


def test_every_line_that_grants_is_explained(shell: Shell) -> None:
    text = iam.text([job("versions", "om-models", "container.operations.list", "container.clusters.get")], "b", "ops")
    blocks = [block.splitlines() for block in text.split("\n\n")[2:]]

    assert [block[0].partition(":")[0] for block in blocks] == [
        "# The store",
        "# The store",
        "# versions",
        "# versions",
    ]
    assert all(line.startswith(("#", "gcloud ", "  gcloud ")) for block in blocks for line in block)
