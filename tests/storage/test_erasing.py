"""Deleting a backup from a folder and from a bucket: all of it, its manifest first, and nothing beside it."""

from pathlib import Path
from typing import Any

import pytest

from maintd.core.errors import Denied
from maintd.core.ports import Store
from maintd.storage.open import open_eraser, open_store
from tests.storage.test_backup_damage import ID, OTHER, written


@pytest.fixture(params=["folder", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return f"file://{tmp_path}" if request.param == "folder" else f"{request.getfixturevalue('gcs_bucket')}/prefix"


async def names(store: Store) -> list[str]:
    return [path async for path in store.names("")]


async def test_a_backup_goes_with_its_notes_and_the_others_stay(url: str) -> None:
    store = open_store(url, "c")
    for backup_id in (ID, OTHER):
        await written(store, backup_id)
        await store.create(f"verifications/{backup_id}/0001-read.json", b"{}")
        await store.create(f"pins/{backup_id}/0001-pin.json", b"{}")
        await store.create(f"pins/{backup_id}/0002-unpin.json", b"{}")
    await store.create("runs/2026/11/22/20261122T010000Z-x-abc123.json", b"{}")
    before = await names(store)

    await open_eraser(url, "c").erase(ID)
    await open_eraser(url, "c").erase(ID)

    assert await names(store) == [path for path in before if f"/{ID}/" not in path]


async def test_the_manifest_goes_first_in_a_bucket_and_a_refusal_names_the_right(faulty: Any, faults: Any) -> None:
    store = open_store("gs://bucket", "c")
    await written(store, ID)
    await store.create(f"backups/{ID}/_cluster/namespaces.yaml", b"---\n")  # its name comes before the manifest's
    held = dict(faulty.objects)
    del held[f"c/backups/{ID}/manifest.json"]

    async def spared(request: Any, handler: Any) -> Any:
        first = request.match_info["name"].endswith("manifest.json")
        return await (handler(request) if first else faults.refuses(403)(request, handler))

    faulty.always("delete", spared)
    with pytest.raises(Denied, match="or the `backup-prune` job out of"):
        await open_eraser("gs://bucket", "c").erase(ID)

    assert faulty.objects == held


@pytest.mark.parametrize("left", ["shop/", "", "shop/.unfinished-0f1e2d3c4b5a6978", ".unfinished-0f1e2d3c4b5a6978"])
async def test_what_a_crash_left_in_a_folder_goes_too_or_it_would_be_listed_for_ever(tmp_path: Path, left: str) -> None:
    path = tmp_path / "c/backups" / ID / left
    (path.parent if left.rpartition("/")[2] else path).mkdir(parents=True)
    if left.rpartition("/")[2]:
        path.touch()

    await open_eraser(f"file://{tmp_path}", "c").erase(ID)

    assert [*tmp_path.rglob("backups/*")] == []


async def test_what_somebody_put_there_keeps_its_folder(tmp_path: Path) -> None:
    note = tmp_path / "c/backups" / ID / "shop/.note"
    note.parent.mkdir(parents=True)
    note.touch()

    await open_eraser(f"file://{tmp_path}", "c").erase(ID)

    assert note.exists()


async def test_a_link_in_a_backup_leads_to_nothing_that_is_deleted(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/store", "c")
    await written(store, ID)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file.yaml").write_text("a")
    (tmp_path / "store/c/backups" / ID / "linked").symlink_to(precious)

    await open_eraser(f"file://{tmp_path}/store", "c").erase(ID)

    assert (precious / "file.yaml").read_text() == "a"
    assert not (tmp_path / "store/c/backups" / ID).exists()
