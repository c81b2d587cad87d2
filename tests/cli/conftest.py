"""maintd as a person types it: whole processes against the embedded cluster."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from maintd.sandbox.app import SampleApp
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world
from tests.forks import typed

JOBS = """version: 1
targets:
  omtx-hub: {namespace: omtx-hub, deployment: omtx-hub-backend, url: http://omtx-hub-backend-service.omtx-hub.svc}
defaults: {target: omtx-hub}
jobs:
  - name: cleanup-failed-pods
    kind: cleanup-pods
    schedule: "17 3 * * sun"
    mode: act
    params: {phases: [Failed, Succeeded], older_than: 1h}
  - name: node-versions
    kind: version-check
    every: 1s
    timeout: 4s
"""


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shell:
    """Runs commands in a folder of its own, with the settings that a person would have exported."""

    folder: Path
    box: Sandbox
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
        kubeconfig = self.box.kubeconfig(self.folder / "kubeconfig")
        return inherited | {"KUBECONFIG": str(kubeconfig), "MAINTD_HTTP_ADDRESS": "127.0.0.1:0"} | self.settings

    async def start(self, *words: str, **streams: Any) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "maintd", *words, cwd=self.folder, env=self.environment, **streams
        )

    async def __call__(self, *words: str) -> Said:
        return Said(*await typed(*words, folder=self.folder, environment=self.environment))

    def pods(self) -> set[str]:
        return {pod["metadata"]["name"] for pod in self.box.select("v1", "Pod", "omtx-hub")}


@pytest.fixture
async def shell(tmp_path: Path) -> AsyncIterator[Shell]:
    async with Sandbox() as box:
        broken_world(box)
        (tmp_path / "jobs.yaml").write_text(JOBS)
        yield Shell(tmp_path, box)


@dataclass
class Serving:
    """A `maintd serve` that is under way."""

    process: asyncio.subprocess.Process
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def said(self, message: str, **fields: Any) -> dict[str, Any]:
        """The first log line, from now on or before, with this message and these fields."""
        async with asyncio.timeout(30):
            while True:
                for line in self.lines:
                    if line["message"] == message and fields.items() <= line.items():
                        return line
                assert self.process.stdout is not None
                raw = await self.process.stdout.readline()
                assert raw, f"it ended before it said {message!r}: {self.lines}"
                self.lines.append(json.loads(raw))

    async def get(self, path: str) -> tuple[int, str]:
        url = (await self.said("daemon started"))["url"]
        async with aiohttp.ClientSession() as session, session.get(url + path) as reply:
            return reply.status, await reply.text()

    async def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        assert self.process.stdout is not None
        while raw := await asyncio.wait_for(self.process.stdout.readline(), 30):
            self.lines.append(json.loads(raw))
        return await asyncio.wait_for(self.process.wait(), 30)


@pytest.fixture
async def serving(shell: Shell) -> AsyncIterator[Serving]:
    process = await shell.start("serve", stdout=asyncio.subprocess.PIPE, limit=2**22)
    try:
        yield Serving(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.fixture
async def app() -> AsyncIterator[SampleApp]:
    async with SampleApp() as started:
        yield started
