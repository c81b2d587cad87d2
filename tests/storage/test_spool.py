"""What a store does not take waits: in order, within bounds, and over the end of the process."""

import asyncio
import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from maintd.core.errors import Conflict, Denied, Missing, Refused, Transient, Unreadable
from maintd.core.ports import Stored
from maintd.storage.disk import UNFINISHED
from maintd.storage.folder import FolderStore
from maintd.storage.spool import SpooledStore

AWAY = Transient("the bucket does not answer")
RUNS = [f"runs/2026/11/22/{name}.json" for name in "abcde"]


class Fickle(FolderStore):
    """A folder that can be told to take nothing, and that remembers in which order it took what it took."""

    away: BaseException | None = None
    hangs = False
    commits_first = False
    asked = 0
    then_busy: asyncio.Semaphore | None = None
    """All turns of a disk, which are taken once it has taken an object."""

    def __init__(self, root: Path) -> None:
        super().__init__(root, "demo")
        self.taken: list[str] = []

    async def create(self, path: str, data: bytes) -> Stored:
        self.asked += 1
        if self.hangs:
            await asyncio.sleep(60)
        if self.commits_first or not self.away:
            stored = await super().create(path, data)
            self.taken.append(path)
            while self.then_busy and not self.then_busy.locked():
                await self.then_busy.acquire()
        if self.away:
            raise self.away
        return stored

    def idle(self) -> None:
        """Give back the turns of a disk that has four."""
        for _ in range(4):
            self.then_busy.release()


class Told:
    """A log that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.lines.append((level, event))


@pytest.fixture
def fickle(tmp_path) -> Fickle:
    return Fickle(tmp_path / "store")


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def make(tmp_path, fickle, told) -> Callable[..., SpooledStore]:
    """Another process on the same folder, each time."""

    def make(limit: int = 10_000) -> SpooledStore:
        folder, soon = tmp_path / "spool", timedelta(seconds=0.01)
        return SpooledStore(fickle, folder, limit, told, patience=10 * soon, pause=soon)

    return make


async def until(happened: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not happened():
            await asyncio.sleep(0.01)


async def emptied(store: SpooledStore) -> None:
    await until(lambda: not store.problem)


async def test_a_store_that_is_well_has_everything_at_once_and_no_folder_is_made(make, fickle, tmp_path):
    async with make().running() as store:
        await store.create(RUNS[0], b"a")

    assert (fickle.taken, (tmp_path / "spool").exists()) == (RUNS[:1], False)


@pytest.mark.parametrize("away", [AWAY, Denied("no right"), Missing("no bucket"), Unreadable("a proxy")])
async def test_what_the_store_does_not_take_is_there_once_it_is_well_and_in_the_order_it_came(make, fickle, away):
    fickle.away = away
    async with make().running() as store:
        for path in RUNS[:3]:
            await store.create(path, path.encode())
        assert fickle.taken == []

        fickle.away = None
        await emptied(store)

        assert fickle.taken == RUNS[:3]
        assert [await store.read(path) for path in RUNS[:3]] == [path.encode() for path in RUNS[:3]]


async def test_a_store_that_hangs_holds_an_object_up_for_no_longer_than_its_patience(make, fickle):
    fickle.hangs = True
    async with asyncio.timeout(5):
        store = make()
        await store.create(RUNS[0], b"a")

    assert "wait in" in store.problem
    assert store.problem.endswith(": the store took nothing within 0.1 s")


async def test_while_some_wait_the_next_ones_do_not_ask_the_store(make, fickle):
    fickle.away = AWAY
    store = make()
    await store.create(RUNS[0], b"a")
    fickle.away = None

    await store.create(RUNS[1], b"b")

    assert (fickle.asked, fickle.taken) == (1, [])


async def test_samples_wait_too_and_backups_and_evidence_do_not(make, fickle):
    fickle.away = AWAY
    store = make()
    await store.create("samples/api/2026-11-22/a.ndjson", b"{}")

    for path in ("backups/b/manifest.json", "evidence/r/a.yaml", "state/state.json"):
        with pytest.raises(Transient, match="the bucket does not answer"):
            await store.create(path, b"")
    assert store.waiting_bytes == 2


async def test_the_next_process_goes_on_where_one_ended(make, fickle):
    fickle.away = AWAY
    async with make().running() as first:
        for path in RUNS[:3]:
            await first.create(path, b"x")
    fickle.away = None

    async with make().running() as second:
        assert second.problem.startswith("3 objects (3 B) wait in ")
        await second.create(RUNS[3], b"x")
        await emptied(second)

    assert fickle.taken == RUNS[:4]


async def test_a_write_whose_reply_was_lost_is_neither_doubled_nor_given_up(make, fickle, told):
    fickle.away, fickle.commits_first = AWAY, True
    async with make().running() as store:
        await store.create(RUNS[0], b"a")
        fickle.away, fickle.commits_first = None, False
        await emptied(store)

        assert (fickle.taken, store.lost) == (RUNS[:1], 0)


async def test_what_is_in_the_store_under_the_same_name_stays_and_the_loss_is_said(make, fickle, told):
    await FolderStore.create(fickle, RUNS[0], b"another's")
    fickle.away = AWAY
    async with make().running() as store:
        for path in RUNS[:2]:
            await store.create(path, b"ours")
        fickle.away = None
        await emptied(store)

        assert await store.read(RUNS[0]) == b"another's"
        assert (fickle.taken, store.lost) == (RUNS[1:2], 1)
    assert ("error", "spooled object lost") in told.lines


async def test_more_than_the_spool_holds_is_lost_and_said_and_what_waits_stays(make, fickle, told):
    fickle.away = AWAY
    async with make(limit=10).running() as store:
        await store.create(RUNS[0], b"12345678")
        for path in RUNS[1:3]:
            with pytest.raises(Transient, match=f"{path} is LOST: the spool .* is full, it holds 10 B; MAINTD_S"):
                await store.create(path, b"345")
        assert (store.lost, store.waiting_bytes) == (2, 8)
        assert "it cannot keep more and 2 objects were LOST" in store.problem

        fickle.away = None
        await until(lambda: ("info", "spool handed over") in told.lines)

    assert fickle.taken == RUNS[:1]
    assert told.lines == [
        ("warning", "records kept aside"),
        ("error", "spool overflowed"),
        ("info", "spool handed over"),
    ]


async def test_an_outage_is_said_when_it_begins_and_when_it_is_over_and_not_in_between(make, fickle, told):
    fickle.away = AWAY
    async with make().running() as store:
        for path in RUNS:
            await store.create(path, b"x")
        await until(lambda: fickle.asked > 3)
        assert told.lines == [("warning", "records kept aside")]

        fickle.away = None
        await until(lambda: ("info", "spool handed over") in told.lines)

    assert told.lines == [("warning", "records kept aside"), ("info", "spool handed over")]


async def test_what_cannot_be_kept_at_all_is_lost_with_both_reasons(fickle, told):
    fickle.away = AWAY
    store = SpooledStore(fickle, Path("/sys/spool"), 1000, told)

    with pytest.raises(Transient, match=r"is LOST: /sys/spool/.* could not be written: .*; and the store: the bu"):
        await store.create(RUNS[0], b"a")


@pytest.mark.parametrize("error", [Conflict("is there already"), Refused("no such path")])
async def test_what_the_store_will_never_take_does_not_wait(make, fickle, error):
    fickle.away = error

    with pytest.raises(type(error)):
        await make().create(RUNS[0], b"a")


async def test_a_surprise_while_handing_over_ends_nothing(make, fickle):
    fickle.away = AWAY
    async with make().running() as store:
        await store.create(RUNS[0], b"a")
        fickle.away = ZeroDivisionError("a defect")
        await until(lambda: "ZeroDivisionError" in store.problem)

        fickle.away = None
        await emptied(store)

    assert fickle.taken == RUNS[:1]


async def test_a_file_that_somebody_removed_holds_up_no_other(make, fickle, tmp_path):
    fickle.away = AWAY
    store = make()
    for path in RUNS[:2]:
        await store.create(path, b"x")
    min((tmp_path / "spool").iterdir()).unlink()  # before anybody could have read it
    fickle.away = None

    await store.close()

    assert (fickle.taken, store.lost, store.problem) == (RUNS[1:2], 1, "")


async def test_at_the_end_it_is_tried_once_more(make, fickle):
    fickle.away = AWAY
    store = make()
    await store.create(RUNS[0], b"a")
    fickle.away = None

    await store.close()

    assert fickle.taken == RUNS[:1]


async def test_the_end_waits_for_a_file_that_is_being_removed(make, fickle, tmp_path):
    async with make().running() as store:
        turns = store._backlog._disk._turn
        fickle.away, fickle.then_busy = AWAY, turns
        await store.create(RUNS[0], b"a")
        fickle.away = None
        await until(turns.locked)
        asyncio.get_running_loop().call_later(0.05, fickle.idle)

    assert (fickle.taken, list((tmp_path / "spool").iterdir())) == (RUNS[:1], [])


async def test_leftovers_of_a_crash_are_swept_once_they_are_old(make, fickle, tmp_path):
    (tmp_path / "spool").mkdir()
    old, new = (tmp_path / "spool" / f"{UNFINISHED}{name}" for name in ("old", "new"))
    old.touch()
    new.touch()
    os.utime(old, (time.time() - 7200, time.time() - 7200))

    await make().open()

    assert list((tmp_path / "spool").iterdir()) == [new]


async def test_a_spool_that_cannot_be_read_stops_nothing(fickle, told, tmp_path):
    (tmp_path / "spool").touch()
    store = SpooledStore(fickle, tmp_path / "spool", 1000, told)

    await store.open()
    await store.create(RUNS[0], b"a")

    assert fickle.taken == RUNS[:1]


async def test_two_processes_on_one_folder_lose_nothing(make, fickle):
    fickle.away = AWAY
    first, second = make(), make()
    for number, path in enumerate(RUNS[:4]):
        await (first, second)[number % 2].create(path, path.encode())
    fickle.away = None

    await asyncio.gather(first.close(), second.close())

    assert sorted(fickle.taken) == RUNS[:4]
