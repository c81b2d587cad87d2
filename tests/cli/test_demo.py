"""`make demo`: what a newcomer sees first."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp

JOBS = {"cleanup-failed-pods", "backup-nightly", "response-times", "health", "node-versions"}


async def demo(folder: Path, *words: str) -> asyncio.subprocess.Process:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "maintd", "demo", *words, cwd=folder, env=environment, stdout=pipe, stderr=pipe
    )


def written(out: str) -> dict[str, int]:
    """How many files it says that it wrote, by folder."""
    lines = out.partition("\nwritten to ")[2].partition("\n\n")[0].splitlines()[1:]
    return {part: int(count) for part, count, *_ in map(str.split, lines)}


async def test_what_an_earlier_demo_wrote_is_not_counted_again(tmp_path):
    left = tmp_path / ".maintd/demo/store/demo/runs/2026/01/01"
    left.mkdir(parents=True)
    for number in range(500):
        (left / f"{number}.json").touch()
    process = await demo(tmp_path)
    out = (await asyncio.wait_for(process.communicate(), 60))[0].decode()

    assert len(JOBS) <= written(out)["runs/"] < 500


async def test_the_demo_runs_the_daemon_shows_what_each_job_did_and_what_to_type_next(tmp_path):
    process = await demo(tmp_path)
    out, err = (stream.decode() for stream in await asyncio.wait_for(process.communicate(), 60))

    assert (process.returncode, err) == (0, "")
    rows = {line.split()[0]: line for line in out.partition("\nJOB ")[2].partition("\n\n")[0].splitlines()[1:]}
    assert set(rows) == JOBS
    assert "deleted 5 pods" in rows["cleanup-failed-pods"]
    assert "2 minors behind" in rows["node-versions"]
    assert out.count("run finished") >= len(JOBS)
    assert written(out)["runs/"] >= len(JOBS)
    kept = next((tmp_path / ".maintd/demo/store").rglob("configmaps.yaml")).read_text()
    assert "GIT_SHA: '12e4567'" in kept
    assert {path.name for path in tmp_path.iterdir()} == {".maintd"}
    lost, restored, proven = out.partition("\n$ maintd diff\n")[2].partition("\nnext\n")[0].split("\n$ maintd ")
    assert "1 changed, 2 missing from the cluster" in lost
    assert "2 created, 1 brought back" in restored
    assert proven == "diff\n10 objects as they were\n"

    commands = [line.strip() for line in out.partition("\nnext\n")[2].splitlines() if line.strip()]
    assert len(commands) == 3
    shown = subprocess.run(commands[0], shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (shown.returncode, "cleanup-failed-pods (cleanup-pods, act): ok" in shown.stdout) == (0, True), shown.stderr


async def test_demo_serve_keeps_running_with_its_urls_until_it_is_told_to_stop(tmp_path):
    process = await demo(tmp_path, "--serve")
    assert process.stdout is not None
    seen = ""
    async with asyncio.timeout(60):
        while "/metrics" not in seen:
            seen += (await process.stdout.readline()).decode()
    url = next(line.strip() for line in seen.splitlines() if line.strip().endswith("/readyz"))
    async with aiohttp.ClientSession() as session, session.get(url) as reply:
        assert (reply.status, (await reply.text()).splitlines()[0]) == (200, "ready")
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 0
