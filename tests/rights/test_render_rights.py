"""`maintd render rbac` and `maintd render iam`, as a person types them."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.forks import typed

ROOT = Path(__file__).parents[2]
Said = subprocess.CompletedProcess[str]


@pytest.fixture
def maintd(tmp_path: Path) -> Callable[..., Said]:
    """Runs it in a folder with a copy of the shipped jobs and Roles."""
    (tmp_path / "jobs.yaml").write_text((ROOT / "jobs.yaml").read_text())
    (tmp_path / "deploy/base").mkdir(parents=True)
    (tmp_path / "deploy/base/rbac.yaml").write_text((ROOT / "deploy/base/rbac.yaml").read_text())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAINTD_", "KUBE"))}

    def run(*words: str, **variables: str) -> Said:
        environment = kept | {"HOME": str(tmp_path)} | variables
        return subprocess.CompletedProcess(words, *asyncio.run(typed(*words, folder=tmp_path, environment=environment)))

    return run


def test_the_checked_in_roles_are_those_of_the_shipped_jobs(maintd):
    printed, checked = maintd("render", "rbac"), maintd("render", "rbac", "--check")

    assert (printed.returncode, checked.returncode, checked.stderr) == (0, 0, "")
    assert printed.stdout == (ROOT / "deploy/base/rbac.yaml").read_text()


def test_after_an_edit_the_check_names_the_stale_file_and_writing_mends_it(maintd, tmp_path):
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text(jobs.read_text().replace("mode: dry-run", "mode: act"))

    stale = maintd("render", "rbac", "--check")
    written = maintd("render", "rbac", "--write")

    assert stale.returncode == 1
    assert stale.stderr.startswith("deploy/base/rbac.yaml is not what")
    assert written.stderr == "wrote deploy/base/rbac.yaml\n"
    assert '["delete"]' in (tmp_path / "deploy/base/rbac.yaml").read_text()
    assert maintd("render", "rbac", "--check").returncode == 0


def test_the_settings_count_as_they_do_for_the_daemon(maintd, tmp_path):
    (tmp_path / "jobs.yaml").rename(tmp_path / "mine.yaml")
    settings = {"MAINTD_JOBS_FILE": "mine.yaml", "MAINTD_NAMESPACE": "ops", "MAINTD_STATE_NAMESPACE": "memory"}
    roles, iam = maintd("render", "rbac", **settings), maintd("render", "iam", MAINTD_STORAGE="gs://bkt/x", **settings)

    assert "the jobs of mine.yaml need" in roles.stdout
    assert "kind: Role\nmetadata:\n  name: maintd-ops\n  namespace: memory\n" in roles.stdout
    assert "\nBUCKET=bkt\n" in iam.stdout
    assert "/subject/ns/ops/sa/maintd" in iam.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("render",), 2, "say what to print (schema, docs, rbac, verifier, deploy, iam)"),
        (("render", "docs", "--live"), 2, "--live is for the Roles"),
        (("render", "--check", "--live"), 2, "--live is for the Roles"),
        (("render", "iam", "--write"), 2, "is in no file"),
        (("render", "verifier", "--verifier"), 2, "maintd render iam --verifier"),
        (("render", "rbac", "--live"), 2, "no cluster to talk to: set KUBECONFIG"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_type_instead(maintd, words, code, said):
    done = maintd(*words)

    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_jobs_file_with_mistakes_grants_nothing(maintd, tmp_path):
    (tmp_path / "jobs.yaml").write_text("version: 1\njobs: [{name: a, kind: bakcup, manual: true}]\n")
    done = maintd("render", "rbac", "--write")

    assert (done.returncode, "did you mean backup?" in done.stderr) == (2, True)
    assert (tmp_path / "deploy/base/rbac.yaml").read_text() == (ROOT / "deploy/base/rbac.yaml").read_text()
