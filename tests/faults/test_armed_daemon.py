"""A daemon that is armed says so once, loudly, and dies where it was told to; the next one is none the worse for it."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from maintd.sandbox.server import Sandbox
from tests.faults.shell import Shell
from tests.forks import Nursery

pytestmark = pytest.mark.xdist_group("killed processes")

JOBS = """version: 1
jobs:
  - {name: versions, kind: version-check, every: 1s}
"""


def lines(shell: Shell, message: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in (shell.folder / "output").read_text().splitlines() if line.startswith("{")]
    return [line for line in found if line["message"] == message]


async def test_it_says_so_once_and_dies_there_and_the_next_one_runs(
    sandbox: Sandbox, tmp_path: Path, forks: Nursery
) -> None:
    (tmp_path / "jobs.yaml").write_text(JOBS)
    shell = Shell(forks, tmp_path, sandbox)

    assert await shell.run("serve", failpoints="record-before:2:kill") == -signal.SIGKILL
    [said] = lines(shell, "failpoints armed")
    assert (said["severity"], said["failpoints"]) == ("WARNING", "record-before:2:kill")
    assert len(lines(shell, "run finished")) <= 2
    shell.said()

    unarmed = await shell.start("serve")
    async with asyncio.timeout(30):
        while not (tmp_path / "output").exists() or not lines(shell, "run finished"):
            await asyncio.sleep(0.05)
    os.kill(unarmed.pid, signal.SIGTERM)
    assert await unarmed.ended() == 0
    assert lines(shell, "failpoints armed") == []
