"""The daemon on a bucket that is forbidden, away, or not Google's at all."""

import asyncio
import json
import os
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from maintd.app.daemon import Daemon
from maintd.app.house import open_house
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.core.errors import JobError
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome
from maintd.scheduling.every import Every

RIGHTS = "--role=roles/storage.objectCreator"


class Nothing(Params):
    """A kind without parameters."""


async def measure(ctx: Context, params: Nothing) -> Outcome:
    """Keep a sample, and try to keep evidence."""
    await ctx.store.create(f"samples/{ctx.job}/{ctx.run_id}.ndjson", b'{"n": 1}\n')
    try:
        await ctx.store.create(f"evidence/{ctx.run_id}/manifest.yaml", b"kind: Pod\n")
    except JobError as error:
        return Outcome(f"no evidence: {error}")
    return Outcome("with evidence")


@pytest.fixture
def jobs() -> JobsFile:
    """One job, each second."""
    kind = Kind(Nothing, measure, level=0)
    job = Job(name="it", kind=kind, params=Nothing(), schedule=Every(timedelta(seconds=1), "it"), when="every 1s")
    return JobsFile(Path("jobs.yaml"), "0" * 64, (job,))


@pytest.fixture
def settings(tmp_path, monkeypatch) -> Settings:
    """No cluster, and a bucket."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    return Settings(storage="gs://bucket/pre", http_address="127.0.0.1:0")


async def nothing_edited() -> AsyncIterator[Any]:
    await asyncio.Event().wait()
    yield


@asynccontextmanager
async def serving(settings: Settings, jobs: JobsFile) -> AsyncIterator[Callable[[str], Any]]:
    """A daemon under way; what it hands out gets one of its pages."""
    ready = asyncio.Event()
    async with open_house(settings, spooling=True) as house:
        daemon = Daemon(house, jobs)
        running = asyncio.create_task(daemon.run(nothing_edited(), ready.set))
        await ready.wait()
        async with aiohttp.ClientSession(daemon.url) as session:

            async def page(path: str) -> str:
                async with session.get(path) as reply:
                    assert reply.status == 200
                    return await reply.text()

            yield page
        daemon.stop()
        await running


async def becomes(page: Callable[[str], Any], path: str, wanted: Callable[[str], bool]) -> str:
    async with asyncio.timeout(20):
        while not wanted(text := await page(path)):
            await asyncio.sleep(0.05)
    return text


def runs(faulty: Any) -> list[dict[str, Any]]:
    """The records in the bucket, in the order they came there."""
    kept = [kept.data for name, kept in faulty.objects.items() if name.startswith("pre/default/runs/")]
    return [json.loads(zlib.decompress(data, 31)) for data in kept]


@pytest.fixture
async def longest_lag() -> AsyncIterator[Callable[[], float]]:
    """How late the loop has been at worst."""
    lags = [0.0]

    async def beat() -> None:
        while True:
            before = asyncio.get_running_loop().time()
            await asyncio.sleep(0.01)
            lags.append(asyncio.get_running_loop().time() - before - 0.01)

    beating = asyncio.create_task(beat())
    yield lambda: max(lags)
    beating.cancel()


async def test_what_ran_while_the_bucket_was_forbidden_is_there_once_it_is_not(
    settings, jobs, faulty, faults, longest_lag
):
    faulty.always("create", faults.refuses(403))
    async with serving(settings, jobs) as page:
        ready = await becomes(page, "/readyz", lambda text: "4 objects" in text)
        metrics = await page("/metrics")
        faulty.always("create", None)
        await becomes(page, "/readyz", lambda text: "store: ok" in text)

        assert f"wait in {settings.spool.absolute()}/default: gs://bucket/pre/default/samples/it/" in ready
        assert RIGHTS in ready
        assert "maintd_spool_bytes 0.0" not in metrics
        assert "maintd_spool_dropped_total 0.0" in metrics
        found = runs(faulty)

    assert "no evidence: gs://bucket/pre/default/evidence/" in found[0]["summary"]
    assert [run["status"] for run in found] == ["ok"] * len(found)
    assert [run["due"] for run in found] == sorted(run["due"] for run in found)
    assert longest_lag() < 1


async def test_without_a_cluster_and_with_a_bucket_state_is_kept_beside_the_work(settings, jobs, faulty):
    async with serving(settings, jobs) as page:
        await becomes(page, "/metrics", lambda text: 'maintd_job_runs_total{job="it"' in text)

    assert "it" in json.loads(Path(".maintd/state/default/state.json").read_text())["jobs"]


async def test_the_next_daemon_hands_over_what_the_last_one_could_not(settings, jobs, faulty, faults):
    faulty.always("create", faults.refuses(403))
    async with serving(settings, jobs) as page:
        await becomes(page, "/readyz", lambda text: "4 objects" in text)
    assert faulty.objects == {}
    faulty.always("create", None)

    async with serving(settings, jobs) as page:
        await becomes(page, "/readyz", lambda text: "store: ok" in text)

    ids = [run["run_id"] for run in runs(faulty)]
    assert (len(ids) >= 2, ids) == (True, sorted(ids))


async def test_a_record_that_can_be_kept_nowhere_is_said_everywhere(settings, jobs, faulty, faults):
    faulty.always("create", faults.refuses(403))
    async with serving(settings.model_copy(update={"spool_limit": 0}), jobs) as page:
        ready = await becomes(page, "/readyz", lambda text: "is LOST" in text)
        metrics = await page("/metrics")

    assert "store: history: runs/" in ready
    assert RIGHTS in ready
    assert 'maintd_store_failures_total{sink="history"} 0.0' not in metrics
    assert "maintd_spool_dropped_total 0.0" not in metrics
    assert "maintd_spool_bytes 0.0" in metrics


@pytest.fixture
def typed(tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A command as a person types it, on our bucket."""
    (tmp_path / "jobs.yaml").write_text("version: 1\njobs: []\n")

    def typed(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"MAINTD_STORAGE": "gs://bucket"} | variables
        command = [sys.executable, "-m", "maintd", *words]
        how: dict[str, Any] = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True}
        return subprocess.run(command, check=False, timeout=30, **how)

    return typed


async def test_serve_refuses_an_emulator_that_nobody_allowed(typed, faulty):
    said = await asyncio.to_thread(typed, "serve", MAINTD_ALLOW_STORAGE_EMULATOR="127.0.0.1:1")

    assert said.returncode == 2
    assert f"maintd: STORAGE_EMULATOR_HOST={faulty.url} would send records and backups there" in said.stderr
    assert faulty.calls == []


async def test_other_commands_warn_of_an_emulator_and_go_on(typed, faulty):
    said = await asyncio.to_thread(typed, "runs")

    assert said.returncode == 0
    assert f"maintd: STORAGE_EMULATOR_HOST is set: {faulty.url} stands in for Google Cloud Storage\n" in said.stderr
    assert "there is no record in gs://bucket/default/runs/" in said.stderr
    assert "list" in faulty.calls
