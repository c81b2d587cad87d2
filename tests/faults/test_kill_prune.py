"""A pruning that is killed: what it deleted is noted, what it left is no backup, and the next one goes on."""

import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maintd.core.outcome import Run, Status
from maintd.objects import archive
from maintd.sandbox.server import Sandbox
from maintd.storage.folder import FolderStore
from tests.faults.shell import Shell
from tests.forks import Nursery
from tests.storage.test_backup_damage import written

pytestmark = pytest.mark.xdist_group("killed processes")

JOBS = """version: 1
jobs:
  - name: prune
    kind: backup-prune
    manual: true
    mode: act
    params: {keep_last: 1, keep_daily: 0, keep_weekly: 0, keep_monthly: 0, leftovers_after: 1d}
"""
KILLED = ["prune-manifest-deleted:1", "prune-object-deleted:1", "prune-object-deleted:3", "prune-object-deleted:5"]
"""Three files to a backup: the last of these is reached in the second one that goes."""


@pytest.mark.parametrize("place", KILLED)
async def test_what_a_killed_one_deleted_is_noted_and_the_next_one_goes_on(
    sandbox: Sandbox, tmp_path: Path, forks: Nursery, place: str
) -> None:
    (tmp_path / "jobs.yaml").write_text(JOBS)
    shell, store = Shell(forks, tmp_path, sandbox), FolderStore(tmp_path / "store", "test")
    times = [datetime.now(UTC) - timedelta(days=days) for days in (9, 8, 2)]
    old, older, last = [f"{at:%Y%m%dT%H%M%SZ}-aaaaaa" for at in times]
    for backup_id in (old, older, last):
        await written(store, backup_id)

    assert await shell.run("run", "prune", "--act", failpoints=f"{place}:kill") == -signal.SIGKILL
    states = {found.id: found.state async for found in archive.backups(store)}
    noted = {path.stem for path in tmp_path.glob("store/test/evidence/*-prune-*/backups/*.json")}
    assert states.pop(last) == "complete"
    assert {each for each in (old, older) if states.get(each) != "complete"} == noted
    assert set(states.values()) <= {"unfinished", "complete"}

    shell.time_passes()
    assert await shell.run("run", "prune", "--act") == 0, shell.said()
    records = [Run.model_validate_json(file.read_text()) for file in tmp_path.glob("store/test/runs/*/*/*/*.json")]
    killed, next_one = sorted(records, key=lambda run: run.status is not Status.INTERRUPTED)
    assert f"its evidence lies under evidence/{killed.run_id}/" in killed.summary
    assert noted == {file.stem for file in tmp_path.glob(f"store/test/evidence/{killed.run_id}/backups/*.json")}
    assert {change.object.name for change in next_one.changes} == states.keys()
    assert [found.id async for found in archive.backups(store)] == [last]
