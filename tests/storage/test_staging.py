"""Files that wait for their list, where memory ends and the disk begins."""

import tempfile

import pytest

from maintd.core.errors import Transient
from maintd.core.ports import Stored
from maintd.storage.folder import FolderStore
from maintd.storage.staging import SpooledStaging


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder that temporary files go to."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


async def test_what_outgrows_memory_is_written_all_the_same(tmp_path, temporary):
    store = FolderStore(tmp_path, "demo")
    files = {f"b/{n:03}.yaml": bytes([n]) * 1000 for n in range(100)}

    async with SpooledStaging(store.create, in_memory=4096) as staging:
        for path, data in files.items():
            await staging.add(path, data)
        stored = await staging.commit()

    assert {each.path: await store.read(each.path) for each in stored} == files


async def test_staged_files_cannot_be_found_in_the_temporary_folder(temporary, tmp_path):
    async with SpooledStaging(FolderStore(tmp_path, "demo").create, in_memory=10) as staging:
        await staging.add("b/secret.yaml", b"more than ten bytes")

        assert list(temporary.iterdir()) == []


async def test_clearing_gives_the_room_back(temporary, tmp_path):
    store = FolderStore(tmp_path, "demo")
    async with SpooledStaging(store.create, in_memory=10) as staging:
        await staging.add("b/old.yaml", b"more than ten bytes")
        await staging.clear()
        await staging.add("b/new.yaml", b"few")
        assert [each.path for each in await staging.commit()] == ["b/new.yaml"]

    assert await store.read("b/new.yaml") == b"few"


async def test_without_room_for_temporary_files_the_error_says_where_to_make_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))

    async with SpooledStaging(FolderStore(tmp_path, "demo").create, in_memory=10) as staging:
        with pytest.raises(Transient, match="No such file or directory; make room there, or set TMPDIR"):
            await staging.add("b", b"more than ten bytes")


async def test_a_store_that_fails_in_the_middle_of_a_commit_is_heard():
    written = []

    async def create(path: str, data: bytes) -> Stored:
        if written:
            raise Transient("the bucket did not answer")
        written.append(path)
        return Stored(path, len(data), "", len(data), "")

    async with SpooledStaging(create) as staging:
        await staging.add("b/1", b"1")
        await staging.add("b/2", b"2")
        with pytest.raises(Transient, match="the bucket did not answer"):
            await staging.commit()

    assert written == ["b/1"]
