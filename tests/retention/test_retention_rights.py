"""The right to delete is asked for where the jobs and the store need it, and for no more than that."""

import re
from pathlib import Path

import pytest

from maintd.cli.grants import iam_text
from maintd.storage.open import pruned_names

BLOCK = "retention: {runs: 90d, evidence: 180d}\n"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """What `maintd render iam` prints for a store and a block."""

    def render(storage: str, block: str) -> str:
        jobs = tmp_path / "jobs.yaml"
        jobs.write_text(f"version: 1\n{block}jobs: []\n")
        for name, value in {"JOBS_FILE": str(jobs), "STORAGE": storage, "CLUSTER": "demo"}.items():
            monkeypatch.setenv(f"MAINTD_{name}", value)
        return iam_text()

    return render


def test_with_retention_and_a_bucket_the_named_folders_of_this_cluster_may_be_deleted_from(script):
    text = script("gs://bucket/pre/fix", BLOCK)

    assert re.findall(r"/objects/([^']+)'", text) == ["pre/fix/demo/runs/", "pre/fix/demo/evidence/"]
    assert re.findall(r"--permissions=(\S+)", text) == ["storage.objects.delete"] * 2


@pytest.mark.parametrize(("storage", "block"), [("gs://bucket/pre", ""), ("file:///somewhere", BLOCK)])
def test_without_either_no_right_to_delete_is_granted(script, storage, block):
    assert "delete" not in script(storage, block).replace("no right to overwrite or delete", "")


def test_a_bucket_without_a_prefix_has_the_clusters_folder_at_its_top():
    assert pruned_names("gs://bucket", "demo", ["runs"]) == ["demo/runs/"]
