"""A daemon that starts before anything it needs is there."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import requests

from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world

JOBS = """version: 1
targets: {shop: {namespace: omtx-hub}}
defaults: {target: shop}
jobs:
  - {name: versions, kind: version-check, every: 1s, timeout: 2s}
  - {name: tidy, kind: cleanup-pods, every: 1s, timeout: 2s, mode: act}
"""


@asynccontextmanager
async def forwarded(port: int, to: str) -> AsyncIterator[None]:
    """Opens `port` and passes everything on: a server that comes back under its old address."""
    target = urlsplit(to)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    async with await asyncio.start_server(connect, "127.0.0.1", port):
        yield


class Serving:
    """A `maintd serve`, its log read as it comes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []

    async def said(self, message: str, **fields: Any) -> dict[str, Any]:
        """The first line of that message and those fields, of all that came."""
        return await self._said(message, fields, 0)

    async def says(self, message: str, **fields: Any) -> dict[str, Any]:
        """The next such line from now on."""
        return await self._said(message, fields, len(self.lines))

    async def _said(self, message: str, fields: dict[str, Any], since: int) -> dict[str, Any]:
        assert self.process.stdout is not None
        async with asyncio.timeout(60):
            while True:
                for line in self.lines[since:]:
                    if line["message"] == message and fields.items() <= line.items():
                        return line
                raw = await self.process.stdout.readline()
                assert raw, f"it ended before it said {message}"
                self.lines.append(json.loads(raw))

    def count(self, message: str) -> int:
        return len([line for line in self.lines if line["message"] == message])


async def test_a_daemon_that_finds_nothing_stays_up_says_so_seldom_and_works_once_all_is_back(
    tmp_path: Path, fake_gcs: str, ports: tuple[int, int]
) -> None:
    at_cluster, at_store = ports
    (tmp_path / "jobs.yaml").write_text(JOBS)
    requests.post(f"{fake_gcs}/storage/v1/b", json={"name": "late"}, timeout=5).raise_for_status()
    async with Sandbox() as box:
        broken_world(box)
        kubeconfig = box.kubeconfig(tmp_path / "kubeconfig")
        kubeconfig.write_text(kubeconfig.read_text().replace(box.url, f"http://127.0.0.1:{at_cluster}"))
        environment = os.environ | {
            "KUBECONFIG": str(kubeconfig),
            "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
            "MAINTD_STORAGE": "gs://late/maintd",
            "STORAGE_EMULATOR_HOST": f"http://127.0.0.1:{at_store}",
            "MAINTD_ALLOW_STORAGE_EMULATOR": f"127.0.0.1:{at_store}",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "maintd", "serve"), cwd=tmp_path, env=environment, stdout=asyncio.subprocess.PIPE
        )
        serving = Serving(process)
        try:
            url = (await serving.said("daemon started"))["url"]
            failed = await serving.said("run finished", status="failed")
            assert f"cannot connect to 127.0.0.1:{at_cluster}" in failed["summary"]
            await serving.said("records kept aside")
            for _ in range(8):
                await serving.says("run finished")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"{url}/livez") as reply:
                    assert reply.status == 200
                async with session.get(f"{url}/readyz") as reply:
                    troubles = dict(line.split(": ", 1) for line in (await reply.text()).splitlines()[1:])
            assert "cannot connect" in troubles["cluster"]
            assert "maintd-state" in troubles["state"]
            assert "wait in" in troubles["store"]
            assert serving.count("state could not be written") + serving.count("state could not be read") <= 2
            assert serving.count("records kept aside") == 1

            async with forwarded(at_cluster, box.url), forwarded(at_store, fake_gcs):
                await serving.said("run finished", status="attention")
                await serving.said("state is back")
                await serving.said("spool handed over")
                process.send_signal(signal.SIGTERM)
                await serving.said("daemon stopped")
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
    written = requests.get(f"{fake_gcs}/storage/v1/b/late/o?prefix=maintd/default/runs/", timeout=5).json()["items"]
    waiting = [path for path in (tmp_path / ".maintd/spool").rglob("*") if path.is_file() and "runs" in path.name]
    assert len(written) + len(waiting) == serving.count("run finished"), waiting
