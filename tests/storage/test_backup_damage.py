"""Whatever happens to the bytes of a backup after it was written: it is found, and the object is named."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from maintd.core.errors import Missing
from maintd.core.ports import Store
from maintd.objects import archive
from maintd.objects.backup_manifest import ListRead, Manifest, StoredFile
from maintd.objects.readback import read_back
from maintd.objects.verification import Verification
from maintd.storage.folder import FolderStore
from maintd.storage.open import open_store

ID, OTHER = "20261122T010000Z-aaaaaa", "20261121T010000Z-bbbbbb"
MANIFEST = f"backups/{ID}/manifest.json"
SHOP, TOOLS, SEALED = (f"backups/{ID}/{path}" for path in ("shop/configmaps.yaml", "tools/configmaps.yaml", "s.age"))


@dataclass
class Shelf:
    """A store, and a way behind its back."""

    store: Store
    folder: Path | None = None
    bucket: str = ""

    def raw(self, path: str) -> tuple[bytes, dict[str, Any]]:
        """The stored bytes, and what the bucket says about them."""
        if self.folder:
            return (self.folder / path).read_bytes(), {}
        about = requests.get(f"{self.bucket}/o/{quote(f'c/{path}', safe='')}", timeout=5).json()
        with requests.get(
            f"{self.bucket}/o/{quote(f'c/{path}', safe='')}?alt=media",
            headers={"Accept-Encoding": "gzip"},
            stream=True,
            timeout=5,
        ) as reply:
            return reply.raw.read(decode_content=False), about

    def put(self, path: str, data: bytes, about: dict[str, Any]) -> None:
        if self.folder:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_bytes(data)
            return
        kept = {key: about[key] for key in ("contentEncoding", "contentType", "metadata") if key in about}
        body = [json.dumps({"name": f"c/{path}", **kept}).encode(), data]
        parts = b"".join(b"--x\r\nContent-Type: application/json\r\n\r\n" + part + b"\r\n" for part in body)
        url = self.bucket.replace("/storage/v1/", "/upload/storage/v1/") + "/o?uploadType=multipart"
        headers = {"Content-Type": "multipart/related; boundary=x"}
        requests.post(url, parts + b"--x--", headers=headers, timeout=5).raise_for_status()

    def remove(self, path: str) -> None:
        if self.folder:
            (self.folder / path).unlink()
        else:
            requests.delete(f"{self.bucket}/o/{quote(f'c/{path}', safe='')}", timeout=5).raise_for_status()

    async def verified(self) -> Verification:
        return await read_back(self.store, await archive.backup(self.store, ID), "r", lambda: datetime.now(UTC))

    async def damaged(self) -> list[str]:
        return sorted(damage.path for damage in (await self.verified()).damaged)


@pytest.fixture(params=["folder", "bucket"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    if request.param == "folder":
        return Shelf(FolderStore(tmp_path, "c"), folder=tmp_path / "c")
    url, bucket = request.getfixturevalue("fake_gcs"), request.getfixturevalue("gcs_bucket")
    return Shelf(open_store(bucket, "c"), bucket=f"{url}/storage/v1/b/{bucket.removeprefix('gs://')}")


def config_maps(space: str, *names: str) -> bytes:
    head = "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n"
    return "".join(f"{head}  name: {name}\n  namespace: {space}\ndata:\n  k: v\n" for name in names).encode()


async def written(store: Store, backup_id: str, **more: Any) -> Manifest:
    """A backup as the kind writes it: two files in clear, one that is encrypted."""
    contents = {
        "shop/configmaps.yaml": ("shop", config_maps("shop", "a", "b")),
        "tools/configmaps.yaml": ("tools", config_maps("tools", "c")),
        "s.age": ("shop", b"age-encryption.org/v1\n-> X25519 ..."),
    }
    files = []
    for path, (space, data) in contents.items():
        stored = await store.create(f"backups/{backup_id}/{path}", data)
        sealed = path == "s.age"
        file = StoredFile(
            path=path,
            resource="secrets" if sealed else "configmaps",
            kind="Secret" if sealed else "ConfigMap",
            namespace=space,
            count=data.count(b"---\n") or 1,
            size=stored.size,
            sha256=stored.sha256,
            stored_size=stored.stored_size,
            stored_sha256=stored.stored_sha256,
            recipients=("age1recipient",) if sealed else (),
        )
        files.append(file)
    at = archive.began(backup_id)
    fields = {
        "id": backup_id,
        "run_id": f"{backup_id[:16]}-nightly-abc123",
        "cluster": "c",
        "kube_system_uid": "u",
        "server_version": "v1.35.4",
        "maintd_version": "0",
        "started": at,
        "ended": at,
        "files": tuple(files),
        "lists": (
            ListRead(resource="configmaps", api_version="v1", kind="ConfigMap", objects=3),
            ListRead(resource="secrets", api_version="v1", kind="Secret", objects=1),
        ),
    }
    manifest = Manifest.model_validate(fields | more)
    await store.create(f"backups/{backup_id}/manifest.json", manifest.sealed())
    return manifest


async def test_what_is_as_it_was_written_is_ok_and_counted(shelf: Shelf) -> None:
    manifest = await written(shelf.store, ID)

    found = await shelf.verified()

    assert (found.ok, found.complete, found.files, found.objects) == (True, True, 3, 4)
    assert (found.size, found.encrypted) == (manifest.size, ("s.age",))


def flips(data: bytes, step: int) -> Iterator[bytes]:
    """The data with each byte changed in one of its bits, in turn."""
    for place in range(0, len(data), step):
        changed = bytearray(data)
        changed[place] ^= 1 << (place % 8)
        yield bytes(changed)


@pytest.mark.parametrize("path", [SHOP, SEALED, MANIFEST], ids=["yaml", "age", "manifest"])
async def test_every_stored_byte_that_flips_is_found_and_its_object_named(shelf: Shelf, path: str) -> None:
    await written(shelf.store, ID)
    data, about = shelf.raw(path)

    found = set()
    for changed in flips(data, step=1 if shelf.folder else 41):  # all: test_every_byte_in_bucket.py
        shelf.put(path, changed, about)
        found.add(tuple(await shelf.damaged()))

    assert found == {(path,)}
    shelf.put(path, data, about)
    assert await shelf.damaged() == []


async def test_what_unpacks_to_the_same_from_other_bytes_is_found(tmp_path: Path, request: Any) -> None:
    """A byte of gzip's own head changes nothing of what is in it; and the bucket's checksum is of the new bytes."""
    url, bucket = request.getfixturevalue("fake_gcs"), request.getfixturevalue("gcs_bucket")
    shelf = Shelf(open_store(bucket, "c"), bucket=f"{url}/storage/v1/b/{bucket.removeprefix('gs://')}")
    await written(shelf.store, ID)
    data, about = shelf.raw(SHOP)
    del about["metadata"]

    shelf.put(SHOP, data[:4] + b"\x01" + data[5:], about)

    assert await shelf.damaged() == [SHOP]


@pytest.mark.parametrize("path", [SHOP, SEALED, MANIFEST], ids=["yaml", "age", "manifest"])
async def test_every_end_that_is_cut_off_is_found(shelf: Shelf, path: str) -> None:
    await written(shelf.store, ID)
    data, about = shelf.raw(path)

    found = set()
    for length in range(0, len(data), 1 if shelf.folder else 7):
        shelf.put(path, data[:length], about)
        found.add(tuple(await shelf.damaged()))

    assert found == {(path,)}


async def test_swapped_missing_renamed_and_extra_objects_are_each_named(shelf: Shelf) -> None:
    await written(shelf.store, ID)
    (shop, shop_about), (tools, tools_about) = shelf.raw(SHOP), shelf.raw(TOOLS)

    shelf.put(SHOP, tools, tools_about)
    shelf.put(TOOLS, shop, shop_about)
    swapped = await shelf.damaged()
    shelf.put(SHOP, shop, shop_about)
    shelf.remove(TOOLS)
    missing = await shelf.damaged()
    renamed_to = f"backups/{ID}/tools/configmaps.0002.yaml"
    shelf.put(renamed_to, tools, tools_about)
    renamed = await shelf.damaged()
    shelf.put(TOOLS, tools, tools_about)
    extra = await shelf.damaged()

    assert swapped == [SHOP, TOOLS]
    assert missing == [TOOLS]
    assert renamed == sorted([renamed_to, TOOLS])
    assert extra == [renamed_to]


async def test_an_older_manifest_put_back_is_found(shelf: Shelf) -> None:
    await written(shelf.store, OTHER)
    await written(shelf.store, ID)

    shelf.put(MANIFEST, *shelf.raw(f"backups/{OTHER}/manifest.json"))

    assert await shelf.damaged() == [MANIFEST]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (config_maps("shop", "a"), "it holds 1 object, and its manifest counts 2"),
        (config_maps("shop", "a") + config_maps("tools", "b"), "object 2 in it is no ConfigMap of namespace shop"),
        (config_maps("shop", "a", "b").replace(b"name: b", b"nam: b"), "object 2 in it is no ConfigMap"),
        (config_maps("shop", "a", "b") + b"  k: ]\n", "it is not YAML"),
        (config_maps("shop", "a") + b"---\n- a\n", "it holds a document that is no object"),
        (config_maps("shop", "a", "b").replace(b"k: v", b"k: &a v", 1) + b"  l: *a\n", "refers from one place"),
        (config_maps("shop", "a", "b") + b"  l: " + b"[" * 5000, "nested more than 1,000 deep"),
        (b"", "it holds 0 objects"),
    ],
    ids=["fewer", "another namespace", "nameless", "garbled", "a list", "an alias", "a bomb", "nothing"],
)
async def test_bytes_that_are_those_of_the_manifest_are_read_as_yaml_too(tmp_path: Path, data: bytes, why: str) -> None:
    """A defect of whoever wrote it: hashes cannot know."""
    store = FolderStore(tmp_path, "c")
    manifest = await written(store, ID)
    stored = await FolderStore(tmp_path / "aside", "c").create("x.yaml", data)
    hashes = {key: getattr(stored, key) for key in ("size", "sha256", "stored_size", "stored_sha256")}
    file = manifest.files[0].model_copy(update=hashes)
    shelf = Shelf(store, folder=tmp_path / "c")
    shelf.put(SHOP, data, {})
    shelf.put(MANIFEST, manifest.model_copy(update={"files": (file, *manifest.files[1:])}).sealed(), {})

    [damage] = (await shelf.verified()).damaged

    assert damage.path == SHOP
    assert why in damage.why


async def test_lists_and_files_that_do_not_come_to_the_same_are_found(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, "c")
    await written(store, ID, lists=(ListRead(resource="configmaps", api_version="v1", kind="ConfigMap", objects=3),))

    [damage] = (await Shelf(store, folder=tmp_path / "c").verified()).damaged

    assert (damage.path, damage.why) == (MANIFEST, "it counts 0 objects of secrets, and its files 1")


async def test_a_backup_that_is_removed_while_it_is_read_is_not_called_damaged(tmp_path: Path) -> None:
    store = FolderStore(tmp_path, "c")
    await written(store, ID)
    known, shelf = await archive.backup(store, ID), Shelf(store, folder=tmp_path / "c")
    shelf.remove(MANIFEST)
    shelf.remove(SHOP)

    with pytest.raises(Missing, match="was removed while it was read"):
        await read_back(store, known, "r", lambda: datetime.now(UTC))
