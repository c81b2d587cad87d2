"""`maintd backups`, `maintd verify`: what a person sees of the backups, and pins."""

import asyncio
from pathlib import Path

import pytest

from maintd.cli.backup_page import page, whole
from maintd.objects import archive
from maintd.objects.backup_changes import one_before
from maintd.objects.backup_manifest import Claim, LeftOut, NotWhole, Volumes
from maintd.objects.inventory import entry, inventory
from maintd.storage.folder import FolderStore
from tests.storage.test_backup_damage import written

OLD, NEW = "20261120T010000Z-aaaaaa", "20261121T010000Z-aaaaaa"
MISSED = NotWhole(resource="pods", namespace="shop", why="may not list pods", remedy="grant list pods")


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / ".maintd/store", "default")


async def test_backups_are_listed_verified_pinned_and_shown(shell, store):
    await written(store, OLD)
    await written(store, NEW, not_whole=(MISSED,))
    await store.create("backups/20261122T010000Z-bbbbbb/shop/configmaps.yaml", b"---\n")

    verified = await shell("verify", "20261120")
    pinned, again = (
        await shell("backups", "pin", "20261120", "--reason", "before the move"),
        await shell("backups", "pin", "20261120"),
    )
    listed = await shell("backups", "-o", "json")
    table = await shell("backups", "-n", "2")
    unpinned = await shell("backups", "unpin", "20261120")
    unfinished = await shell("backups", "pin", "20261122")

    assert (verified.code, "read back without a fault: 4 objects" in verified.out) == (0, True)
    assert (pinned.code, pinned.err) == (0, f"{OLD} is pinned: it is never pruned\n")
    assert again.err == f"{OLD} is pinned already\n"
    rows = [(row["id"][:8], row["state"], row["objects"], row["pinned"]) for row in listed.json]
    assert rows == [
        ("20261122", "unfinished", None, False),
        ("20261121", "partial: 1 kind", 4, False),
        ("20261120", "complete", 4, True),
    ]
    assert [row["verified"] and row["verified"]["result"] for row in listed.json] == [None, None, "ok"]
    assert [line.split()[0] for line in table.out.splitlines()] == ["ID", "20261122T010000Z-bbbbbb", NEW]
    assert "the newest 2 of 3; all: maintd backups -n 3" in table.err
    assert unpinned.err == f"{OLD} is no longer pinned\n"
    assert (unfinished.code, "there is nothing to pin" in unfinished.err) == (2, True)


async def test_what_is_not_there_and_what_could_be_two_is_said(shell, store):
    empty = await shell("backups")
    await written(store, OLD)
    await written(store, NEW)

    several, none, usage = await asyncio.gather(
        shell("backups", "2026"), shell("verify", "1999"), shell("backups", "pin")
    )

    assert (empty.code, "there is no backup in file://" in empty.err) == (0, True)
    assert (several.code, f"2026 could be any of {NEW}, {OLD}" in several.err) == (2, True)
    assert (none.code, "no backup is called 1999; `maintd backups` lists them" in none.err) == (2, True)
    assert (usage.code, "write maintd backups pin ID" in usage.err) == (2, True)


async def test_the_page_of_a_backup_tells_what_is_in_it_what_is_not_and_what_changed(store):
    await written(store, OLD, left_out=())
    left_out = (
        LeftOut(rule="owned", reason="a controller owns it", resource="pods", count=3, namespaces={"shop": 3}),
        LeftOut(rule="events", reason="they end by themselves", resource="events"),
    )
    claims = Volumes(claims=(Claim(namespace="shop", name="data", request="10Gi", volume="pvc-1"),))
    manifest = await written(store, NEW, not_whole=(MISSED,), left_out=left_out, volumes=claims)
    (old,) = [file for file in (await archive.backup(store, OLD)).manifest.files if file.namespace == "tools"]
    before = (await one_before(store, manifest, complete=False)).model_copy(update={"files": (old,)})

    found = await entry(store, await archive.backup(store, NEW))
    text = page(found, before, store.url(f"backups/{NEW}")).splitlines()

    said = {" ".join(line.split()) for line in text}
    assert f"backup {NEW}, partial: 1 kind" in said
    assert "pods in shop may not list pods grant list pods" in said
    assert "shop configmaps 2 1 172 B" in said
    assert "pods 3 owned a controller owns it" in said
    assert "events unlisted events they end by themselves" in said
    assert "shop configmaps 0 2" in said
    assert "shop data 10Gi <none> pvc-1" in said
    assert "verified never" in said
    shown = whole(found, before)
    assert shown["changes"] == [
        {"resource": "configmaps", "namespace": "shop", "before": 0, "now": 2},
        {"resource": "secrets", "namespace": "shop", "before": 0, "now": 1},
    ]


async def test_how_much_is_read_follows_from_how_much_is_shown(store):
    for day in range(1, 29):
        await written(store, f"202611{day:02}T010000Z-aaaaaa")
    reads = []

    class Counting(FolderStore):
        async def read(self, path: str) -> bytes:
            reads.append(path)
            return await super().read(path)

    found = await inventory(Counting(store._root.parent, "default"), 3)

    assert [each.backup.id[6:8] for each in found] == ["28", "27", "26"]
    assert len(reads) == 3


async def test_pruning_by_hand_is_a_plan_until_it_is_told_to_act(shell, store):
    for backup_id in (OLD, NEW):
        await written(store, backup_id)
    few = ["--set", "keep_last=1", "--set", "keep_daily=0", "--set", "keep_weekly=0", "--set", "keep_monthly=0"]

    planned = await shell("run", "backup-prune", *few)
    after_the_plan = await archive.ids(store)
    done = await shell("run", "backup-prune", *few, "--act")

    assert (planned.code, "would delete 1 backup, kept 1" in planned.out) == (0, True)
    assert f"To do it: maintd run backup-prune {' '.join(few)} --act" in planned.err
    assert after_the_plan == [NEW, OLD]
    assert (done.code, "deleted 1 backup, kept 1" in done.out) == (0, True)
    assert await archive.ids(store) == [NEW]
