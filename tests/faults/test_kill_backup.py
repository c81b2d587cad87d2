"""A process killed while it writes a backup, at every step and at any moment: what it leaves is none, for everybody."""

import asyncio
import json
import random
import shutil
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maintd.core.errors import JobError, MaintdError
from maintd.objects import archive
from maintd.objects.backup_census import UNFINISHED, census
from maintd.objects.readback import read_back
from maintd.recovery.source import manifest_of
from maintd.sandbox.server import Sandbox
from maintd.storage.erasing import Eraser, FolderPlace
from maintd.storage.folder import FolderStore
from tests.faults.shell import ROUNDS, SEED, Shell
from tests.forks import Nursery

pytestmark = pytest.mark.xdist_group("killed processes")

JOBS = """version: 1
jobs:
  - {name: nightly, kind: backup, manual: true, params: {namespaces: [space-0, space-1], kinds: [configmaps]}}
"""
FILES = 2
BEFORE_THE_MANIFEST = {
    "backup-object-before": FILES,
    "backup-object-after": FILES,
    "backup-manifest-before": 1,
    "folder-object-unfinished": FILES + 1,
    "folder-object-linked": FILES,
}
"""Where a run that is killed has made no backup, and how often it comes by there until it has."""
SINCE_THE_MANIFEST = {"backup-manifest-after": 0, "record-before": 0, "record-after": 1}
"""Where it has made one, and how many records there are then."""


@dataclass
class Ground(Shell):
    """A cluster of four ConfigMaps, and a store."""

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "store", "test")

    async def states(self) -> dict[str, str]:
        return {found.id: found.state async for found in archive.backups(self.store)}

    async def look(self) -> dict[str, str]:
        """What is there, each held to what it is called: whole to its last byte, or taken for a backup by nobody."""
        states = await self.states()
        for backup_id, state in states.items():
            found = await archive.backup(self.store, backup_id)
            if state == "complete":
                assert (await read_back(self.store, found, "r", lambda: datetime.now(UTC))).ok
                continue
            assert state == "unfinished"
            with pytest.raises(MaintdError):  # `diff` and `restore`
                await manifest_of(self.store, backup_id)
            with pytest.raises(JobError):  # `verify`
                await read_back(self.store, found, "r", lambda: datetime.now(UTC))
        unknown = {each.id for each in await census(self.store) if each.unknown == UNFINISHED}
        assert unknown == {backup_id for backup_id, state in states.items() if state == "unfinished"}
        return states

    async def prune(self, states: dict[str, str]) -> None:
        """As `backup-prune` deletes a leftover, and a backup: nothing is left of it, not even a folder."""
        for backup_id in states:
            await Eraser(FolderPlace(self.folder / "store", "test")).erase(backup_id)
        assert [*(self.folder / "store/test/backups").glob("*")] == []


@pytest.fixture
async def ground(sandbox: Sandbox, tmp_path: Path, forks: Nursery) -> Ground:
    for number in range(4):
        metadata = {"name": f"c{number}", "namespace": f"space-{number % 2}"}
        sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}})
    (tmp_path / "jobs.yaml").write_text(JOBS)
    return Ground(forks, tmp_path, sandbox)


@pytest.mark.parametrize("name", BEFORE_THE_MANIFEST)
async def test_killed_before_its_manifest_is_there_it_is_unfinished_and_the_next_run_is_clean(
    ground: Ground, name: str
) -> None:
    for nth in range(1, BEFORE_THE_MANIFEST[name] + 1):
        shutil.rmtree(ground.folder / "store/test/state", ignore_errors=True)  # the record of the last would count too
        assert await ground.run("run", "nightly", failpoints=f"{name}:{nth}:kill") == -signal.SIGKILL
        assert set((await ground.look()).values()) <= {"unfinished"}

    ground.time_passes()
    assert await ground.run("run", "nightly") == 0, ground.said()
    states = await ground.look()
    assert list(states.values()).count("complete") == 1
    await ground.prune(states)


@pytest.mark.parametrize("name", SINCE_THE_MANIFEST)
async def test_killed_once_its_manifest_is_there_it_is_a_backup(ground: Ground, name: str) -> None:
    assert await ground.run("run", "nightly", failpoints=f"{name}:1:kill") == -signal.SIGKILL

    assert list((await ground.look()).values()) == ["complete"]
    assert len([*ground.folder.glob("store/test/runs/*/*/*/*.json")]) == SINCE_THE_MANIFEST[name]


async def test_every_command_takes_a_leftover_for_what_it_is(ground: Ground) -> None:
    assert await ground.run("run", "nightly", failpoints="backup-manifest-before:1:kill") == -signal.SIGKILL
    [leftover] = await ground.states()
    ground.said()

    assert await ground.run("backups", "-o", "json") == 0
    assert [(each["id"], each["state"]) for each in json.loads(ground.said())] == [(leftover, "unfinished")]
    for command, code, said in (
        ("diff", 2, "there is no backup in"),
        ("restore --yes", 2, "there is no backup in"),
        (f"diff {leftover}", 3, f"nothing was compared: backup {leftover} is unfinished: it has no manifest"),
        (f"restore {leftover} --yes", 1, f"backup {leftover} is unfinished: it has no manifest"),
        (f"verify {leftover}", 1, f"backups/{leftover}: it has no manifest, so it is no backup"),
    ):
        assert (command, await ground.run(*command.split())) == (command, code)
        assert said in ground.said()


@pytest.mark.timeout(60 + 5 * ROUNDS)
async def test_killed_at_any_moment_it_is_whole_or_it_is_none(ground: Ground) -> None:
    """Each time the next run is clean; the moments lie between its first request and a little after its end."""
    chance, takes = random.Random(SEED), 60.0
    for _ in range(2):  # the first takes longer
        child = await ground.asking("run", "nightly")
        began = time.monotonic()
        assert await child.ended() == 0, ground.said()
        takes = min(takes, time.monotonic() - began)
    await ground.prune(await ground.states())
    for number in range(1, ROUNDS + 1):
        child = await ground.asking("run", "nightly")
        await asyncio.sleep(moment := chance.uniform(0, takes))
        child.kill()
        code = await child.ended()
        states = await ground.look()
        assert code in (0, -signal.SIGKILL), f"seed {SEED}, round {number}, {moment:.4f} s: {ground.said()}"
        assert len(states) <= 1
        ground.time_passes()
        assert await ground.run("run", "nightly") == 0, ground.said()
        after = await ground.look()
        assert {after[backup_id] for backup_id in after.keys() - states.keys()} == {"complete"}
        await ground.prune(after)
