"""`maintd render deploy`: what deploy/base has from jobs.yaml."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DERIVED = ("deploy/base/jobs.yaml", "deploy/base/probes-policy.yaml")


@pytest.fixture
def maintd(tmp_path):
    """Runs it in a folder with a copy of the shipped jobs and of what is derived from them."""
    (tmp_path / "deploy/base").mkdir(parents=True)
    for name in ("jobs.yaml", *DERIVED):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAINTD_", "KUBE"))}

    def run(*words):
        command = [sys.executable, "-m", "maintd", "render", "deploy", *words]
        return subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False)

    return run


def test_what_is_checked_in_is_what_the_shipped_jobs_say(maintd):
    checked = maintd("--check")

    assert (checked.returncode, checked.stderr) == (0, "")
    assert (ROOT / "deploy/base/jobs.yaml").read_bytes() == (ROOT / "jobs.yaml").read_bytes()


def test_after_an_edit_both_are_named_and_writing_mends_them(maintd, tmp_path):
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text(jobs.read_text().replace(".omtx-hub.svc", ".shop.svc"))

    stale, written, mended = maintd("--check"), maintd("--write"), maintd("--check")

    assert (stale.returncode, mended.returncode) == (1, 0)
    assert [line.partition(" ")[0] for line in stale.stderr.splitlines()] == list(DERIVED)
    assert written.stderr == "".join(f"wrote {name}\n" for name in DERIVED)
    assert (tmp_path / "deploy/base/jobs.yaml").read_bytes() == jobs.read_bytes()
    assert "kubernetes.io/metadata.name: shop\n" in (tmp_path / "deploy/base/probes-policy.yaml").read_text()


def test_a_file_with_mistakes_is_not_copied(maintd, tmp_path):
    before = (tmp_path / "deploy/base/jobs.yaml").read_bytes()
    (tmp_path / "jobs.yaml").write_text("version: 1\njobs: [{name: a}]\n")

    written = maintd("--write")

    assert written.returncode == 2
    assert (tmp_path / "deploy/base/jobs.yaml").read_bytes() == before
