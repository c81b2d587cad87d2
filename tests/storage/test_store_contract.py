"""What every store does, whatever is behind it."""

import asyncio
import hashlib

import pytest

from maintd.core.errors import Conflict, Missing, Refused
from maintd.core.ports import Fetched, Store, Stored
from maintd.storage.open import open_store
from maintd.storage.paths import MAX_OBJECT

PATHS = ["a-b/x", "a.b", "a/b/c", "a/x", "runs/2026/11/21/r1.json", "runs/2026/11/22/r2.json", "z"]
BAD_PATHS = [
    "",
    "/a",
    "a/",
    "a//b",
    ".",
    "..",
    "../a",
    "a/../b",
    "a/.b",
    ".a",
    "a\nb",
    "a\0b",
    "a\x1b[31m",
    "\ud800",
    "a" * 256,
]
FOREVER = "/".join(["a" * 200] * 6)


@pytest.fixture(params=["folder", "bucket", "prefix in a bucket"])
def store(request, tmp_path) -> Store:
    """A store with nothing in it."""
    if request.param == "folder":
        return open_store(f"file://{tmp_path}/store", "demo")
    bucket = request.getfixturevalue("gcs_bucket")
    return open_store(bucket if request.param == "bucket" else f"{bucket}/pre/fix", "demo")


@pytest.fixture
async def filled(store) -> Store:
    for path in PATHS:
        await store.create(path, path.encode())
    return store


async def names(store: Store, prefix: str, **how: bool) -> list[str]:
    return [name async for name in store.names(prefix, **how)]


async def test_what_was_written_is_read_back_and_described_by_size_and_hash(store):
    data = bytes(range(256)) * 100

    stored = await store.create("backups/b1/default/configmaps.yaml", data)

    digest = hashlib.sha256(data).hexdigest()
    assert (stored.path, stored.size, stored.sha256) == ("backups/b1/default/configmaps.yaml", len(data), digest)
    assert await store.read("backups/b1/default/configmaps.yaml") == data


@pytest.mark.parametrize("name", ["a.yaml", "a.age"])
async def test_what_is_fetched_can_be_held_against_what_was_written(store, name):
    written = await store.create(name, b"kind: ConfigMap\n" * 1000)

    fetched = await store.fetch(name)

    assert fetched == Fetched(b"kind: ConfigMap\n" * 1000, written)


async def test_the_folders_of_a_folder_are_named_without_what_is_in_them(store):
    for path in ("backups/b2/a/x", "backups/b10/y", "backups/b2/manifest.json", "backups/stray", "runs/2026/z"):
        await store.create(path, b"1")

    assert await store.folders("backups") == ["b10", "b2"]
    assert await store.folders("nothing") == []


async def test_nothing_is_ever_overwritten(store):
    await store.create("a", b"first")

    with pytest.raises(Conflict, match="is there already"):
        await store.create("a", b"second")

    assert await store.read("a") == b"first"


async def test_of_many_writers_of_one_path_exactly_one_wins(store):
    written = await asyncio.gather(*(store.create("a", b"%d" % n) for n in range(20)), return_exceptions=True)

    winners = [n for n, result in enumerate(written) if isinstance(result, Stored)]
    losers = [result for result in written if isinstance(result, Conflict)]
    assert (len(winners), len(losers)) == (1, 19)
    assert await store.read("a") == b"%d" % winners[0]


async def test_what_was_never_written_is_missing(filled):
    for path in ("b", "a/b", "z/a"):
        with pytest.raises(Missing, match="is not there"):
            await filled.read(path)


async def test_an_empty_object_is_an_object(store):
    await store.create("empty", b"")

    assert await store.read("empty") == b""


async def test_names_come_in_the_order_of_their_characters(filled):
    assert await names(filled, "") == PATHS == sorted(PATHS)


async def test_names_come_backwards_when_asked(filled):
    assert await names(filled, "", reverse=True) == PATHS[::-1]


@pytest.mark.parametrize(
    ("prefix", "found"),
    [
        ("a", ["a-b/x", "a.b", "a/b/c", "a/x"]),
        ("a/", ["a/b/c", "a/x"]),
        ("a/x", ["a/x"]),
        ("runs/2026/11/2", ["runs/2026/11/21/r1.json", "runs/2026/11/22/r2.json"]),
        ("runs/2026/11/22/", ["runs/2026/11/22/r2.json"]),
        ("runs/2027/", []),
        ("z/", []),
        ("nothing/at/all", []),
    ],
)
async def test_names_are_those_that_begin_with_the_prefix(filled, prefix, found):
    assert await names(filled, prefix) == found
    assert await names(filled, prefix, reverse=True) == found[::-1]


@pytest.mark.parametrize("path", [*BAD_PATHS, FOREVER])
async def test_a_path_that_some_store_could_not_hold_is_refused(store, path):
    with pytest.raises(Refused, match="the store takes no path like"):
        await store.create(path, b"")
    with pytest.raises(Refused, match="the store takes no path like"):
        await store.read(path)
    assert await names(store, "") == []


@pytest.mark.parametrize("prefix", ["../", "../demo/", "/etc/", "a/../"])
async def test_names_are_never_those_of_another_folder(filled, prefix):
    with pytest.raises(Refused, match="the store takes no path like"):
        await names(filled, prefix)


async def test_an_object_of_8_mib_is_taken_and_one_byte_more_is_refused(store):
    await store.create("largest", bytes(MAX_OBJECT))

    with pytest.raises(
        Refused, match=r"too-large would be 8\.0 MiB; an object holds at most 8\.0 MiB, write it in parts"
    ):
        await store.create("too-large", bytes(MAX_OBJECT + 1))
    assert await names(store, "") == ["largest"]


async def test_the_url_says_where_an_object_is(store):
    assert store.url("runs/2026/a.json").startswith(("file:///", "gs://bucket-"))
    assert store.url("runs/2026/a.json").endswith("/demo/runs/2026/a.json")


async def test_what_is_staged_is_written_on_commit_in_the_order_it_came(store):
    async with store.staging() as staging:
        await staging.add("b/2.yaml", b"two")
        await staging.add("b/1.yaml", b"one")
        assert await names(store, "") == []

        stored = await staging.commit()

    assert [each.path for each in stored] == ["b/2.yaml", "b/1.yaml"]
    assert [await store.read(each.path) for each in stored] == [b"two", b"one"]


async def test_a_list_that_was_started_over_leaves_nothing_of_its_first_try(store):
    async with store.staging() as staging:
        await staging.add("b/old.yaml", b"from the list that was forgotten")
        await staging.clear()
        await staging.add("b/new.yaml", b"whole")

        await staging.commit()

    assert await names(store, "") == ["b/new.yaml"]
    assert await store.read("b/new.yaml") == b"whole"


async def test_what_was_staged_and_not_committed_is_never_written(store):
    with pytest.raises(RuntimeError, match="the list broke off"):
        async with store.staging() as staging:
            await staging.add("b/half.yaml", b"half")
            raise RuntimeError("the list broke off")

    assert await names(store, "") == []


async def test_a_commit_is_not_repeated_by_the_next_one(store):
    async with store.staging() as staging:
        await staging.add("b/1.yaml", b"one")
        await staging.commit()
        await staging.add("b/2.yaml", b"two")

        stored = await staging.commit()

    assert [each.path for each in stored] == ["b/2.yaml"]
    assert await names(store, "") == ["b/1.yaml", "b/2.yaml"]


async def test_staging_refuses_what_the_store_would_refuse(store):
    async with store.staging() as staging:
        with pytest.raises(Refused, match="the store takes no path like"):
            await staging.add("../b", b"")
        with pytest.raises(Refused, match="write it in parts"):
            await staging.add("b", bytes(MAX_OBJECT + 1))
