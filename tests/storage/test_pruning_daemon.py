"""The whole daemon prunes its store: two real clocks, the state's last runs, and what is told to whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from maintd.app.daemon import Daemon
from maintd.app.house import open_house
from maintd.config.jobs import Job, JobsFile, Retention
from maintd.config.settings import Settings
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome
from maintd.scheduling.entry import JobState
from maintd.scheduling.every import Every

OLD = "runs/2025/01/02/20250102T000000Z-it-3f9a1c.json"
LAST = "runs/2025/01/03/20250103T000000Z-it-3f9a1c.json"
BACKUP = "backups/20250102T000000Z-3f9a1c/manifest.json"


class Nothing(Params):
    """A kind without parameters."""


async def nothing(_ctx: Context, _params: Nothing) -> Outcome:
    return Outcome("nothing")


def jobs(**terms: int) -> JobsFile:
    job = Job(name="it", kind=Kind(Nothing, nothing, level=0), params=Nothing(), schedule=Every(timedelta(366), "it"))
    retention = Retention(**{area: timedelta(days=days) for area, days in terms.items()})
    return JobsFile(Path("jobs.yaml"), "0" * 64, (job,), retention=retention)


@dataclass
class Serving:
    """A daemon under way."""

    daemon: Daemon
    edits: asyncio.Queue[JobsFile]

    async def page(self, path: str) -> str:
        async with aiohttp.ClientSession(self.daemon.url) as session, session.get(path) as reply:
            return await reply.text()


@asynccontextmanager
async def serving(settings: Settings, file: JobsFile) -> AsyncIterator[Serving]:
    ready, edits = asyncio.Event(), asyncio.Queue[JobsFile]()

    async def edited() -> AsyncIterator[Any]:
        while True:
            yield await edits.get()

    async with open_house(settings, spooling=True) as house:
        daemon = Daemon(house, file)
        last = {"run_id": Path(LAST).stem, "status": "ok", "started": "2025-01-03T00:00:00Z"}
        last |= {"ended": "2025-01-03T00:00:00Z", "mode": "run", "summary": ""}
        entry = JobState.model_validate({"last_runs": [last]})
        house.state.note("it", lambda _: entry)
        running = asyncio.create_task(daemon.run(edited(), ready.set))
        await ready.wait()
        yield Serving(daemon, edits)
        daemon.stop()
        await running


@pytest.fixture
def settings(sandbox, tmp_path, monkeypatch) -> Settings:
    """The embedded cluster, and a folder with two old records and an old backup in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(sandbox.kubeconfig(tmp_path / "kubeconfig")))
    for path in (OLD, LAST, BACKUP):
        (tmp_path / "store/default" / path).parent.mkdir(parents=True)
        (tmp_path / "store/default" / path).write_text("{}")
    return Settings(storage=f"file://{tmp_path}/store", http_address="127.0.0.1:0")


def left(tmp_path: Path) -> set[str]:
    folder = tmp_path / "store/default"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.json")}
    return found - {"state/state.json", "state/lease.json"}


async def test_old_records_go_and_the_last_run_of_a_job_and_backups_stay(settings, tmp_path):
    async with serving(settings, jobs(runs=90)) as daemon:
        done = await daemon.daemon.housekeeper.prune()
        metrics, ready = await daemon.page("/metrics"), await daemon.page("/readyz")

    assert (done, left(tmp_path)) == (True, {LAST, BACKUP})
    assert 'maintd_store_pruned_total{area="runs"} 1.0' in metrics
    assert "store: ok" in ready


async def test_an_edited_file_changes_what_is_kept(settings, tmp_path):
    async with serving(settings, jobs()) as daemon:
        await daemon.daemon.housekeeper.prune()
        before = left(tmp_path)
        await daemon.edits.put(jobs(runs=90))
        while not daemon.daemon.housekeeper.terms:
            await asyncio.sleep(0.01)
        await daemon.daemon.housekeeper.prune()

    assert (before, left(tmp_path)) == ({OLD, LAST, BACKUP}, {LAST, BACKUP})


async def test_without_an_api_server_nothing_goes_and_readyz_tells(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    async with serving(settings, jobs(runs=90)) as daemon:
        done = await daemon.daemon.housekeeper.prune()
        ready = await daemon.page("/readyz")

    assert (done, left(tmp_path)) == (False, {OLD, LAST, BACKUP})
    assert "store: nothing was deleted from it: no API server confirms what time it is: " in ready


async def test_a_bucket_that_may_not_be_deleted_from_is_told_and_all_else_goes_on(settings, faulty, faults):
    faulty.store(f"pre/default/{OLD}", b"{}")
    faulty.always("delete", faults.refuses(403))
    async with serving(settings.model_copy(update={"storage": "gs://bucket/pre"}), jobs(runs=90)) as daemon:
        done = await daemon.daemon.housekeeper.prune()
        ready = await daemon.page("/readyz")

    assert (done, list(faulty.objects)) == (False, [f"pre/default/{OLD}"])
    assert "answered 403; run what `maintd render iam` prints; or take `retention` or the" in ready
    assert ready.startswith("ready\n")
