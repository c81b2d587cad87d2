"""Real processes that are stopped, let go on, and killed: a lease in a folder, a tenth of the usual duration."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Act:
    at: float
    epoch: int
    pid: int


@dataclass
class Stage:
    folder: Path
    processes: list[subprocess.Popen[bytes]]

    def acts(self) -> list[Act]:
        file = self.folder / "acts"
        lines = file.read_text().splitlines() if file.exists() else []
        return [Act(float(at), int(epoch), int(pid)) for at, epoch, pid in map(str.split, lines)]

    async def leader(self, *, above: int = 0) -> Act:
        """The newest act of an epoch above this one, once there is one."""
        async with asyncio.timeout(60):
            while not (acts := self.acts()) or acts[-1].epoch <= above:
                await asyncio.sleep(0.05)
        return acts[-1]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Three candidates."""
    command = [sys.executable, "-m", "tests.elector.actor", str(tmp_path)]
    made = Stage(tmp_path, [subprocess.Popen(command, cwd=ROOT) for _ in range(3)])
    yield made
    for process in made.processes:
        process.kill()
        process.wait()


async def test_a_process_that_stood_still_does_not_act_once_another_may_and_one_that_died_is_followed(stage: Stage):
    first = await stage.leader()
    await asyncio.sleep(0.2)
    os.kill(first.pid, signal.SIGSTOP)
    second = await stage.leader(above=first.epoch)
    os.kill(first.pid, signal.SIGCONT)
    await asyncio.sleep(0.5)
    os.kill(second.pid, signal.SIGKILL)
    third = await stage.leader(above=second.epoch)
    await asyncio.sleep(0.5)

    by_time = [act.epoch for act in sorted(stage.acts(), key=lambda act: act.at)]
    assert by_time == sorted(by_time)
    assert len({first.pid, second.pid}) == 2
    assert third.pid != second.pid
    holders = {(act.epoch, act.pid) for act in stage.acts()}
    assert len(holders) == len({epoch for epoch, _ in holders})
