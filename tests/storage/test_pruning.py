"""Deleting from a store, whatever is behind it: what is old and ours goes, and everything else stays."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maintd.core.errors import Denied, Refused, Transient
from maintd.core.kind import Context
from maintd.core.ports import Store
from maintd.storage.bucket import BucketStore
from maintd.storage.folder import FolderStore
from maintd.storage.open import open_pruner, open_store
from maintd.storage.prunable import AREAS
from maintd.storage.pruning import BucketPruner, FolderPruner, Pruner
from maintd.storage.spool import SpooledStore
from maintd.storage.sweep import Sweep

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
DELETING = re.compile("delete|remove|prune|unlink", re.IGNORECASE)
OLD, YOUNG = "20261023T115959Z", "20261023T120000Z"
"""A second more than 30 days before, and exactly 30 days."""
GO = [
    "doctor/2026-10-22/pod.txt",
    f"evidence/{OLD}-tidy-3f9a1c/shop/pods/api/logs.txt",
    f"evidence/{OLD}-tidy-3f9a1c/shop/pods/api/manifest.yaml",
    f"runs/2026/10/23/{OLD}-tidy-3f9a1c.changes.0001.ndjson",
    f"runs/2026/10/23/{OLD}-tidy-3f9a1c.json",
    "runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json",
    "samples/latency/2026-10-23/115959Z-3f9a1c.ndjson",
    "samples/other/2024-02-29/000000Z-3f9a1c.ndjson",
]
STAY = [
    "backups/20240102T000000Z-3f9a1c/manifest.json",
    "backups/20240102T000000Z-3f9a1c/shop/configmaps.yaml",
    "doctor/2026-11-22/pod.txt",
    f"evidence/{YOUNG}-tidy-3f9a1c/shop/pods/api/manifest.yaml",
    "evidence/notes/manifest.yaml",
    "logs/shop/2024-01-01/a.txt",
    f"runs/2026/10/23/{YOUNG}-tidy-3f9a1c.json",
    "runs/2026/10/23/notes.json",
    "runs/2026/11/22/20261122T115959Z-tidy-3f9a1c.json",
    "runs/2031/01/01/20310101T000000Z-tidy-3f9a1c.json",
    "runs/old/a.json",
    "samples/latency/2026-10-23/120000Z-3f9a1c.ndjson",
    "samples/latency/2026-10-23/notes.ndjson",
    "state/state.json",
    "verifications/20240102T000000Z-3f9a1c/20240103T000000Z-read.json",
]


@pytest.fixture(params=["folder", "bucket", "prefix in a bucket"])
def url(request, tmp_path) -> str:
    if request.param == "folder":
        return f"file://{tmp_path}/store"
    bucket = request.getfixturevalue("gcs_bucket")
    return bucket if request.param == "bucket" else f"{bucket}/pre/fix"


@pytest.fixture
def store(url) -> Store:
    return open_store(url, "demo")


@pytest.fixture
def pruner(url) -> Pruner:
    return open_pruner(url, "demo")


async def fill(store: Store, *paths: str) -> None:
    for path in paths:
        await store.create(path, b"{}")


async def names(store: Store) -> list[str]:
    return [name async for name in store.names("")]


async def swept(pruner: Pruner, **how: object) -> Sweep:
    sweep = Sweep(pruner, NOW - MONTH, **how)
    for area in AREAS:
        await sweep.run(area)
    return sweep


async def test_what_is_older_than_its_term_goes_and_all_else_stays(store, pruner, url):
    neighbour = open_store(url, "demo-2")
    await fill(store, *GO, *STAY)
    await fill(neighbour, *GO)

    sweep = await swept(pruner)

    assert await names(store) == sorted(STAY)
    assert await names(neighbour) == sorted(GO)
    assert (sweep.deleted, sweep.complete) == (len(GO), True)


async def test_what_is_none_of_ours_is_counted_where_it_is_met(store, pruner):
    await fill(store, "runs/notes.txt", "runs/old/a.json", "samples/latency/2026-10-23/notes.ndjson", "evidence/x/y")

    assert (await swept(pruner)).left_alone == 4


async def test_an_empty_store_is_pruned_of_nothing(pruner):
    assert (await swept(pruner)).deleted == 0


async def test_the_last_runs_of_a_job_stay_with_their_evidence_however_old(store, pruner):
    await fill(store, *GO)

    await swept(pruner, keep=frozenset({f"{OLD}-tidy-3f9a1c"}))

    assert await names(store) == sorted(path for path in GO if f"{OLD}-tidy-" in path)


async def test_no_more_goes_at_a_time_than_is_allowed_and_the_oldest_go_first(store, pruner):
    records = [f"runs/2025/01/{day:02}/202501{day:02}T000000Z-tidy-3f9a1c.json" for day in range(1, 8)]
    await fill(store, *records)

    first = Sweep(pruner, NOW - MONTH, most=5)
    await first.run("runs")
    left = await names(store)
    second = Sweep(pruner, NOW - MONTH, most=5)
    await second.run("runs")

    assert (first.deleted, first.complete, left) == (5, False, records[5:])
    assert (second.deleted, second.complete, await names(store)) == (2, True, [])


@pytest.mark.parametrize(
    "path",
    [
        "backups/20240102T000000Z-3f9a1c/manifest.json",
        "verifications/20240102T000000Z-3f9a1c/20240103T000000Z-read.json",
        "state/state.json",
        "runs/2026/10/23/notes.json",
        "../demo-2/runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json",
        "runs/2025/01/02/../../../../backups/a.json",
        "/runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json",
    ],
)
async def test_the_store_itself_refuses_to_delete_what_is_never_deleted(store, pruner, path):
    await fill(store, *STAY)

    with pytest.raises(Refused, match="is never deleted"):
        await pruner.delete(path, NOW)

    assert await names(store) == sorted(STAY)


async def test_the_store_itself_refuses_to_delete_what_is_too_young(store, pruner):
    path = f"runs/2026/10/23/{YOUNG}-tidy-3f9a1c.json"
    await fill(store, path)

    with pytest.raises(Refused, match="it is not yet as old"):
        await pruner.delete(path, NOW - MONTH)

    assert await names(store) == [path]


async def test_what_is_gone_already_is_gone(pruner):
    await pruner.delete("runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json", NOW)


@pytest.mark.parametrize("calls", range(7))
async def test_wherever_it_breaks_off_no_record_is_left_without_its_lists(store, pruner, calls):
    record = f"runs/2026/10/23/{OLD}-tidy-3f9a1c"
    lists = [f"{record}.{name}.0001.ndjson" for name in ("changes", "considered", "findings")]
    await fill(store, f"{record}.json", *lists)

    with pytest.raises(Transient, match="the connection broke"):
        await Sweep(Breaking(pruner, calls), NOW - MONTH).run("runs")
    left = await names(store)
    await Sweep(pruner, NOW - MONTH).run("runs")

    assert f"{record}.json" not in left or set(lists) <= set(left)
    assert await names(store) == []


class Breaking:
    """A pruner that can delete so many times and no more."""

    def __init__(self, pruner: Pruner, calls: int) -> None:
        self.entries = pruner.entries
        self._pruner = pruner
        self._left = calls

    async def delete(self, path: str, before: datetime) -> None:
        if not self._left:
            raise Transient("the connection broke")
        self._left -= 1
        await self._pruner.delete(path, before)


def test_no_store_that_a_run_is_handed_can_delete():
    stores = (FolderStore, BucketStore, SpooledStore, Store)

    assert Context.__annotations__["store"] is Store
    assert [name for kind in stores for name in dir(kind) if DELETING.search(name)] == []


@pytest.fixture
def folder(tmp_path) -> Path:
    """The folder of the cluster `demo`, with one old record in it."""
    place = tmp_path / "store/demo"
    record = place / "runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    return place


def in_folder(folder: Path) -> FolderPruner:
    return FolderPruner(folder.parent, folder.name)


async def test_folders_that_are_left_empty_go_and_the_topmost_stays(folder):
    (folder / "runs/2025/02").mkdir()

    await swept(in_folder(folder))

    assert [str(path.relative_to(folder)) for path in folder.rglob("*")] == ["runs", "runs/2025", "runs/2025/02"]


async def test_files_that_are_being_written_stay(folder):
    unfinished = folder / "runs/2025/01/02/.unfinished-1"
    unfinished.touch()

    sweep = await swept(in_folder(folder))

    assert (sweep.deleted, sweep.left_alone, unfinished.exists()) == (1, 0, True)


async def test_nothing_behind_a_link_is_deleted(folder, tmp_path):
    (folder / "runs").rename(tmp_path / "elsewhere")
    (folder / "runs").symlink_to(tmp_path / "elsewhere")
    path = "runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json"

    for attempt in (in_folder(folder).delete(path, NOW), swept(in_folder(folder))):
        with pytest.raises(Denied, match=r"demo/runs is a link, and nothing behind a link is deleted; put a folder"):
            await attempt

    assert (tmp_path / "elsewhere/2025/01/02").joinpath(Path(path).name).exists()


async def test_a_link_to_a_folder_deeper_down_is_not_followed_either(folder, tmp_path):
    (folder / "runs/2025").rename(tmp_path / "elsewhere")
    (folder / "runs/2025").symlink_to(tmp_path / "elsewhere")

    sweep = await swept(in_folder(folder))

    assert (sweep.deleted, sweep.left_alone) == (0, 1)
    with pytest.raises(Denied, match=r"demo/runs/2025 is a link"):
        await in_folder(folder).delete("runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json", NOW)


RECORD = "runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json"
SECOND = timedelta(seconds=1)


@pytest.fixture
def in_bucket(faulty) -> BucketPruner:
    """Gives up soon."""
    return BucketPruner("bucket", "pre", "demo", faulty.url, attempt=SECOND / 2, deadline=1.2 * SECOND)


async def test_a_right_that_is_missing_is_said_with_both_ways_out(in_bucket, faulty, faults):
    faulty.store(f"pre/demo/{RECORD}", b"{}")
    faulty.always("delete", faults.refuses(403))

    with pytest.raises(Denied) as denied:
        await swept(in_bucket)

    assert str(denied.value) == (
        f"gs://bucket/pre/demo/{RECORD} could not be deleted: Google Cloud Storage answered 403; run what "
        "`maintd render iam` prints; or take `retention` or the `backup-prune` job "
        "out of jobs.yaml, and let rules delete: gcloud storage "
        "buckets update gs://bucket --lifecycle-file=FILE (docs/store.md); or the bucket holds objects back (retention)"
    )
    assert faulty.calls.count("delete") == 1


async def test_one_object_that_is_held_back_does_not_keep_the_others(in_bucket, faulty, faults):
    held, *others = (f"pre/demo/runs/2025/01/02/20250102T00000{n}Z-tidy-3f9a1c.json" for n in range(5))

    async def held_back(request, handler):
        return faults.answered(403) if request.match_info["name"] == held else await handler(request)

    for name in (held, *others):
        faulty.store(name, b"{}")
    faulty.always("delete", held_back)

    with pytest.raises(Denied, match=r"000000Z-tidy-3f9a1c\.json could not be deleted"):
        await swept(in_bucket)

    assert list(faulty.objects) == [held]


async def test_where_all_are_denied_few_are_asked_for(in_bucket, faulty, faults):
    for number in range(40):
        faulty.store(f"pre/demo/runs/2025/01/02/20250102T0000{number}Z-tidy-3f9a1c.json", b"{}")
    faulty.always("delete", faults.refuses(403))

    with pytest.raises(Denied):
        await swept(in_bucket)

    assert (faulty.calls.count("delete"), len(faulty.objects)) == (10, 40)


async def test_a_deletion_that_may_pass_is_tried_again_and_a_lost_reply_is_no_fault(in_bucket, faulty, faults):
    faulty.store(f"pre/demo/{RECORD}", b"{}")
    faulty.play("delete", faults.refuses(503), faults.loses_the_reply)

    sweep = await swept(in_bucket)

    assert (sweep.deleted, faulty.objects, faulty.calls.count("delete")) == (1, {}, 3)


async def test_a_bucket_that_cannot_be_listed_loses_nothing(in_bucket, faulty, faults):
    faulty.store(f"pre/demo/{RECORD}", b"{}")
    faulty.always("list", faults.refuses(403))

    with pytest.raises(Denied, match=r"--role=roles/storage\.objectViewer"):
        await swept(in_bucket)

    assert list(faulty.objects) == [f"pre/demo/{RECORD}"]


async def test_what_the_console_makes_for_a_folder_is_left_alone(in_bucket, faulty):
    for name in ("runs/", "runs/2025/", "runs//", f"runs//{RECORD}", "evidence/20250102T000000Z-a-b/"):
        faulty.store(f"pre/demo/{name}", b"")

    sweep = await swept(in_bucket)

    assert (sweep.deleted, len(faulty.objects)) == (0, 5)


async def test_of_a_large_bucket_only_what_is_old_is_listed_a_page_at_a_time(in_bucket, faulty):
    """Of the 27,300 samples of ten days the 300 of one day are old: only that day is looked into."""
    faulty.page = 100
    for day in range(20, 30):
        for number in range(300 if day == 20 else 3000):
            clock = f"{number // 3600:02}{number // 60 % 60:02}{number % 60:02}"
            faulty.store(f"pre/demo/samples/latency/2026-10-{day}/{clock}Z-3f9a1c.ndjson", b"")

    sweep = Sweep(in_bucket, datetime(2026, 10, 21, tzinfo=UTC))
    await sweep.run("samples")

    assert (sweep.deleted, sweep.complete, len(faulty.objects)) == (300, True, 27_000)
    assert faulty.calls.count("list") == len(["samples/", "samples/latency/", *range(0, 300, 100)])
