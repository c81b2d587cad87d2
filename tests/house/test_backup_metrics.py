"""What the metrics say of backups is what the store has: from the start, after a restart, and of other processes."""

from pathlib import Path

from prometheus_client import CollectorRegistry

from maintd.app.backup_watch import BackupWatch
from maintd.core.errors import Transient
from maintd.core.ports import Store
from maintd.objects import archive
from maintd.storage.folder import FolderStore
from maintd.telemetry import logs
from maintd.telemetry.metrics import Metrics
from tests.kinds_backup.test_backup_verify import NOW, verify
from tests.storage.test_backup_damage import ID, written


def said(registry: CollectorRegistry) -> dict[str, float]:
    return {
        f"{sample.name.removeprefix('maintd_backup_last_').split('_')[0]} {sample.labels['job']}": sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name.startswith("maintd_backup_last_")
    }


def watch(store: Store, *jobs: str) -> tuple[BackupWatch, Metrics]:
    """As a daemon that has just taken these jobs."""
    metrics = Metrics()
    for job in jobs:
        metrics.know_job(job, "backup", last_success=None, consecutive_failures=0)
    metrics.know_job("tidy", "cleanup-pods", last_success=None, consecutive_failures=0)
    watching = BackupWatch(store, metrics, logs.get("test"))
    watching.jobs = frozenset(jobs)
    return watching, metrics


async def test_they_are_there_from_the_start_and_follow_the_store(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, "c")
    watching, metrics = watch(store, "nightly", "new")
    at_first = said(metrics.registry)
    await written(store, ID)
    await watching.look()
    made = said(metrics.registry)
    await verify(store)
    await watching.look()

    never = {"complete nightly": 0, "complete new": 0, "verified nightly": 0, "verified new": 0}
    assert at_first == never
    assert made == never | {"complete nightly": archive.began(ID).timestamp()}
    assert said(metrics.registry) == made | {"verified nightly": NOW.timestamp()}


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, "c")
    await written(store, ID)
    await verify(store)

    watching, metrics = watch(store, "nightly")
    await watching.look()

    assert said(metrics.registry) == {
        "complete nightly": archive.began(ID).timestamp(),
        "verified nightly": NOW.timestamp(),
    }


class Coming(FolderStore):
    """Away at first."""

    away = True

    async def folders(self, folder: str) -> list[str]:
        if self.away:
            raise Transient("away")
        return await super().folders(folder)


async def test_while_the_store_is_away_nothing_is_claimed_and_the_next_look_is_as_good(tmp_path: Path) -> None:
    store = Coming(tmp_path, "c")
    await written(store, ID)
    watching, metrics = watch(store, "nightly")

    await watching.look()
    unknown = said(metrics.registry)
    store.away = False
    await watching.look()

    assert unknown["complete nightly"] == 0
    assert said(metrics.registry)["complete nightly"] == archive.began(ID).timestamp()


async def test_a_job_that_is_gone_has_no_series(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, "c")
    watching, metrics = watch(store, "nightly")
    metrics.forget_job("nightly")
    watching.jobs = frozenset()

    await watching.look()

    assert said(metrics.registry) == {}
