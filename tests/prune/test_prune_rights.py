"""The right to delete backups is asked for once a job has it in hand, and not before."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from maintd.cli.grants import iam_text, rbac_text

JOB = "- {name: prune, kind: backup-prune, manual: true%s}\n"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is rendered for a job of the kind."""

    def render(
        more: str = "", *, head: str = "", storage: str = "gs://bucket/pre", what: Callable[[], str] = iam_text
    ) -> str:
        (tmp_path / "jobs.yaml").write_text(f"version: 1\n{head}jobs:\n{JOB % more}")
        for name, value in {"JOBS_FILE": str(tmp_path / "jobs.yaml"), "STORAGE": storage, "CLUSTER": "demo"}.items():
            monkeypatch.setenv(f"MAINTD_{name}", value)
        return what()

    return render


def test_a_job_that_acts_may_delete_what_backups_consist_of_and_is_named(script: Callable[..., str]) -> None:
    text = script(", mode: act")

    assert re.findall(r"/objects/([^']+)'", text) == [
        f"pre/demo/{area}/" for area in ("backups", "verifications", "pins")
    ]
    assert "# backup-prune: delete objects whose names begin so, and no others; backups are AMONG them." in text


def test_beside_retention_both_are_named(script: Callable[..., str]) -> None:
    text = script(", mode: act", head="retention: {runs: 90d}\n")

    assert re.findall(r"demo/([a-z]+)/'", text) == ["runs", "backups", "verifications", "pins"]
    assert "# retention and backup-prune: " in text


@pytest.mark.parametrize("more", ["", ", mode: dry-run", ", mode: act, enabled: false"])
def test_one_that_does_not_act_is_granted_nothing(script: Callable[..., str], more: str) -> None:
    assert "storage.objects.delete" not in script(more)


def test_a_folder_asks_google_for_nothing(script: Callable[..., str]) -> None:
    assert "storage.objects.delete" not in script(", mode: act", storage="file:///somewhere")


def test_in_the_cluster_it_may_change_nothing_and_has_no_use_for_the_gate(script: Callable[..., str]) -> None:
    text = script(", mode: act", what=rbac_text)

    assert "the gate for prune" not in text
    assert not re.search(r"delete|events", text)


def test_limits_of_the_gate_are_refused_and_a_mode_is_not(
    script: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        script(", limits: {max_count: 3}")

    assert "backup-prune changes nothing in the cluster and has no limits" in capsys.readouterr().err
