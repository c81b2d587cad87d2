"""How a backup stands to the one before it, and how fresh the backups of each job are."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from maintd.core.errors import Transient
from maintd.core.ports import Store
from maintd.objects import archive, verification
from maintd.objects.backup_changes import Change, came_and_went, changes, drop, one_before
from maintd.objects.backup_manifest import LeftOut, ListRead, Manifest, NotWhole, StoredFile
from maintd.objects.freshness import Freshness, Freshnesses
from maintd.objects.readback import read_back
from maintd.storage.folder import FolderStore

FIRST, SECOND, THIRD = (f"202611{day}T010000Z-aaaaaa" for day in (20, 21, 22))
NOW = datetime(2026, 11, 23, tzinfo=UTC)
NOT_WHOLE = (NotWhole(resource="pods", why="denied", remedy="grant"),)


def manifest(backup_id: str, job: str = "nightly", objects: dict[str, int] | None = None, **more: Any) -> Manifest:
    """`objects`: how many by `resource/namespace`."""
    wanted = {"configmaps/shop": 10} if objects is None else objects
    rows = [(*key.split("/"), number) for key, number in wanted.items()]
    hashes = {"size": 1, "sha256": "x", "stored_size": 1, "stored_sha256": "x"}
    fields = {
        "id": backup_id,
        "run_id": f"{backup_id[:16]}-{job}-abc123",
        "cluster": "c",
        "kube_system_uid": "u",
        "server_version": "v1",
        "maintd_version": "0",
        "started": archive.began(backup_id),
        "ended": archive.began(backup_id),
        "files": tuple(
            StoredFile(path=f"{space}/{kind}.yaml", resource=kind, kind=kind, namespace=space, count=count, **hashes)
            for kind, space, count in rows
        ),
        "lists": tuple(ListRead(resource=kind, api_version="v1", kind=kind, objects=n) for kind, _, n in rows),
    }
    return Manifest.model_validate(fields | more)


async def kept(store: Store, *manifests: Manifest) -> None:
    for each in manifests:
        await store.create(f"backups/{each.id}/manifest.json", each.sealed())


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, "c")


def test_what_changed_is_told_by_kind_and_namespace() -> None:
    before = manifest(FIRST, objects={"configmaps/shop": 10, "configmaps/a": 1, "pods/shop": 2})
    now = manifest(SECOND, objects={"configmaps/shop": 8, "configmaps/a": 1, "services/shop": 3})

    assert changes(before, now) == [
        Change("configmaps", "shop", 10, 8),
        Change("pods", "shop", 2, 0),
        Change("services", "shop", 0, 3),
    ]
    assert came_and_went(before, now) == (["services"], ["pods"])


@pytest.mark.parametrize(
    "before",
    [
        manifest(FIRST, job="weekly"),
        manifest(FIRST, namespaces=("shop",)),
        manifest(FIRST, exclude_namespaces=("kube-*",)),
        manifest(THIRD),
        manifest(FIRST, not_whole=NOT_WHOLE),
    ],
    ids=["another job", "other namespaces", "other exclusions", "younger", "partial"],
)
async def test_what_it_cannot_be_compared_with_is_not_the_one_before(store: FolderStore, before: Manifest) -> None:
    await kept(store, before)

    assert await one_before(store, manifest(SECOND), complete=True) is None


async def test_a_partial_one_in_between_is_passed_over(store: FolderStore) -> None:
    first, second = manifest(FIRST), manifest(SECOND, objects={}, not_whole=NOT_WHOLE)
    await kept(store, first, second)

    assert await one_before(store, manifest(THIRD), complete=True) == first
    assert await one_before(store, manifest(THIRD), complete=False) == second


@pytest.mark.parametrize(
    ("objects", "fields", "told"),
    [
        ({"configmaps/shop": 70, "pods/shop": 100}, {}, ""),
        ({"configmaps/shop": 69, "pods/shop": 70}, {}, "139 objects, 31% fewer than the 200 of"),
        ({"configmaps/shop": 100}, {}, "100 objects, 50% fewer than the 200 of"),
        ({"configmaps/shop": 100}, {"left_out": (LeftOut(rule="exclude_kinds", reason="r", resource="pods"),)}, ""),
        ({"configmaps/shop": 100}, {"not_whole": NOT_WHOLE}, ""),
        ({}, {}, "0 objects, 100% fewer than the 200 of"),
    ],
    ids=["not far", "just over", "a kind is gone", "excluded now", "could not be read", "nothing is left"],
)
async def test_over_thirty_percent_fewer_objects_is_told(
    store: FolderStore, objects: dict[str, int], fields: dict[str, Any], told: str
) -> None:
    await kept(store, manifest(FIRST, objects={"configmaps/shop": 100, "pods/shop": 100}))

    found = await drop(store, manifest(SECOND, objects=objects, **fields))

    assert (found.message if found else "").startswith(told)
    assert bool(found) is bool(told)


async def test_the_kinds_that_shrank_are_named_the_worst_first(store: FolderStore) -> None:
    await kept(store, manifest(FIRST, objects={"configmaps/shop": 20, "pods/shop": 2100, "services/shop": 1}))

    found = await drop(store, manifest(SECOND, objects={"configmaps/shop": 10, "pods/shop": 30, "services/shop": 2}))

    assert found
    assert found.message.endswith(f"of {FIRST}: pods 2,100 → 30, configmaps 20 → 10")
    assert (found.severity, f"maintd diff {FIRST}" in found.remedy) == ("warning", True)


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (10, 0, f"1,000 objects, and none of a kind that {FIRST} has many of: cronjobs 10 → 0"),
        (9, 0, ""),
        (10, 1, ""),
    ],
    ids=["all ten", "all nine", "nine of ten"],
)
async def test_a_kind_of_which_none_is_left_is_told_however_few_of_all_objects_it_was(
    store: FolderStore, before: int, now: int, told: str
) -> None:
    rest = {"configmaps/shop": 1000}
    await kept(store, manifest(FIRST, objects=rest | {"cronjobs/shop": before}))

    found = await drop(store, manifest(SECOND, objects=rest | ({"cronjobs/shop": now} if now else {})))

    assert (found.message if found else "") == told


class Away(FolderStore):
    async def folders(self, folder: str) -> list[str]:
        raise Transient("away")


async def test_a_comparison_that_cannot_be_made_is_said_and_not_taken_for_well(tmp_path: Path) -> None:
    found = await drop(Away(tmp_path, "c"), manifest(SECOND))

    assert found
    assert "could not be read: away" in found.message


async def verified(store: Store, backup_id: str, **edit: Any) -> None:
    found = await read_back(store, await archive.backup(store, backup_id), "r", lambda: NOW)
    await verification.keep(store, found.model_copy(update={"damaged": (), **edit}))


async def test_of_each_job_the_newest_complete_and_the_newest_verified_are_known(store: FolderStore) -> None:
    await kept(
        store,
        manifest("20261118T010000Z-aaaaaa", job="weekly"),
        manifest(FIRST),
        manifest(SECOND),
        manifest(THIRD, not_whole=NOT_WHOLE),
    )
    await verified(store, FIRST)
    await verified(store, THIRD)

    found = await Freshnesses(store).look(frozenset({"nightly", "weekly", "new"}))

    assert found == {
        "nightly": Freshness(archive.began(SECOND), NOW),
        "weekly": Freshness(archive.began("20261118T010000Z-aaaaaa"), None),
        "new": Freshness(None, None),
    }


async def test_one_that_was_found_damaged_later_counts_no_more(store: FolderStore) -> None:
    await kept(store, manifest(FIRST))
    await verified(store, FIRST)
    watch = Freshnesses(store)
    before = await watch.look(frozenset({"nightly"}))
    await verified(store, FIRST, damaged=(verification.Damage(path="p", why="w"),))

    after = await watch.look(frozenset({"nightly"}))

    assert (before["nightly"].verified, after["nightly"].verified) == (NOW, None)


async def test_what_was_pruned_counts_no_more_and_what_is_new_is_seen(store: FolderStore, tmp_path: Path) -> None:
    await kept(store, manifest(FIRST), manifest(SECOND))
    watch = Freshnesses(store)
    await watch.look(frozenset({"nightly"}))
    (tmp_path / f"c/backups/{SECOND}/manifest.json").unlink()
    (tmp_path / f"c/backups/{SECOND}").rmdir()
    pruned = await watch.look(frozenset({"nightly"}))
    await kept(store, manifest(THIRD))

    made = await watch.look(frozenset({"nightly"}))

    assert [found["nightly"].complete for found in (pruned, made)] == [archive.began(FIRST), archive.began(THIRD)]
