"""Which backups there are, in what state, and what is in one: on a real folder, as a backup leaves it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from maintd.core.errors import ConfigError, Unreadable
from maintd.core.ports import Store
from maintd.objects import archive
from maintd.objects.backup_manifest import LeftOut, Manifest, NotWhole, StoredFile
from maintd.storage.folder import FolderStore

OLD, NEW = "20261120T010000Z-aaaaaa", "20261121T010000Z-bbbbbb"
YAML = b"---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"


async def written(store: Store, backup_id: str, **more: object) -> Manifest:
    stored = await store.create(f"backups/{backup_id}/shop/configmaps.yaml", YAML)
    file = StoredFile(
        path="shop/configmaps.yaml",
        resource="configmaps",
        kind="ConfigMap",
        namespace="shop",
        count=1,
        size=stored.size,
        sha256=stored.sha256,
        stored_size=stored.stored_size,
        stored_sha256=stored.stored_sha256,
    )
    at = archive.began(backup_id)
    manifest = Manifest(
        id=backup_id,
        run_id="r",
        cluster="c",
        kube_system_uid="u",
        server_version="v1.35.4",
        maintd_version="0",
        started=at,
        ended=at,
        files=(file,),
        **more,  # type: ignore[arg-type]
    )
    await store.create(f"backups/{backup_id}/manifest.json", manifest.sealed())
    return manifest


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, "c")


async def test_backups_come_newest_first_each_in_its_state(store: FolderStore, tmp_path: Path) -> None:
    await written(store, OLD)
    problem = NotWhole(resource="configmaps", why="denied", remedy="grant")
    await written(store, NEW, not_whole=(problem, problem))
    await store.create("backups/20261122T010000Z-cccccc/shop/configmaps.yaml", YAML)
    await written(store, "20261123T010000Z-dddddd")
    manifest = tmp_path / "c/backups/20261123T010000Z-dddddd/manifest.json"
    manifest.write_text(manifest.read_text().replace("v1.35.4", "v1.35.5"))
    await store.create("backups/notes/readme.txt", b"not ours")

    states = [(found.id[:8], found.state) async for found in archive.backups(store)]

    assert states == [
        ("20261123", "damaged"),
        ("20261122", "unfinished"),
        ("20261121", "partial: 1 kind"),
        ("20261120", "complete"),
    ]


async def test_where_there_is_none_it_is_said_what_makes_one(store: FolderStore) -> None:
    with pytest.raises(
        ConfigError, match=r"there is no backup in file://.*; a job of kind backup makes one: maintd run"
    ):
        await archive.find(store)


async def test_one_is_found_by_the_beginning_of_its_id_by_time_or_as_the_newest(store: FolderStore) -> None:
    await written(store, OLD)
    await written(store, NEW)
    await store.create("backups/20261122T010000Z-cccccc/shop/configmaps.yaml", YAML)

    assert (await archive.find(store)).id == NEW
    assert (await archive.find(store, "20261120")).id == OLD
    assert (await archive.find(store, as_of=datetime(2026, 11, 20, 12, tzinfo=UTC))).id == OLD
    with pytest.raises(ConfigError, match="could be any of"):
        await archive.find(store, "2026112")
    with pytest.raises(ConfigError, match="no backup is called 1999"):
        await archive.find(store, "1999")
    with pytest.raises(ConfigError, match="there is no backup begun by 2020"):
        await archive.find(store, as_of=datetime(2020, 1, 1, tzinfo=UTC))


async def test_a_manifest_of_another_backup_makes_none(store: FolderStore, tmp_path: Path) -> None:
    await written(store, OLD)
    folder = tmp_path / "c/backups"
    (folder / NEW).mkdir()
    (folder / NEW / "manifest.json").write_bytes((folder / OLD / "manifest.json").read_bytes())

    found = await archive.backup(store, NEW)

    assert (found.state, found.problem) == ("damaged", f"its manifest is that of {OLD}")


async def test_a_file_is_what_the_manifest_names_or_it_is_not_read(store: FolderStore, tmp_path: Path) -> None:
    (file,) = (await written(store, OLD)).files

    fetched = await archive.fetch(store, OLD, file)
    assert archive.documents(fetched.data, file) == [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    ]
    (tmp_path / f"c/backups/{OLD}/shop/configmaps.yaml").write_bytes(YAML.replace(b"name: a", b"name: b"))
    with pytest.raises(Unreadable, match="not what its manifest names"):
        await archive.fetch(store, OLD, file)
    with pytest.raises(Unreadable, match="holds 2 objects, and its manifest counts 1"):
        archive.documents(YAML + YAML, file)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda text: text.replace(r"caf\u00e9", r"caf\u00E9"), "changed after it was written"),
        (lambda text: text.replace("\n ]", "\n  ]", 1), "changed after it was written"),
        (lambda text: text.replace('"id":', '"id": "", "id":', 1), "changed after it was written"),
        (lambda text: "[" * 200_000, "nested deeper than any manifest"),
        (lambda text: text.replace('"format": 1', '"format": true', 1), "changed after it was written"),
    ],
    ids=["another escape", "a space more", "a key twice", "a bomb", "another type"],
)
async def test_a_manifest_that_says_the_same_in_other_bytes_is_damaged_too(
    store: FolderStore, tmp_path: Path, change: Callable[[str], str], problem: str
) -> None:
    await written(store, OLD, left_out=(LeftOut(rule="café", reason="r", resource="events"),))
    path = tmp_path / f"c/backups/{OLD}/manifest.json"
    path.write_text(change(path.read_text()))

    found = await archive.backup(store, OLD)

    assert found.state == "damaged"
    assert problem in found.problem


async def test_a_manifest_of_a_later_format_is_not_called_damaged(store: FolderStore) -> None:
    await store.create(f"backups/{NEW}/manifest.json", b'{"format": 2}')

    found = await archive.backup(store, NEW)

    assert (found.state, "use the maintd that wrote it" in found.problem) == ("newer format", True)
