"""What a folder does besides: crashes, full and slow disks, hundreds of thousands of files."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import textwrap
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from maintd.core.errors import Denied, Missing, Transient, Unreadable
from maintd.storage.disk import UNFINISHED, disk_error
from maintd.storage.folder import FolderStore
from maintd.storage.offload import Offload
from maintd.storage.paths import MAX_OBJECT

WRITE_2_MIB = """
    import asyncio, resource, signal, sys
    from pathlib import Path
    from maintd.storage.folder import FolderStore

    signal.signal(signal.SIGXFSZ, getattr(signal, sys.argv[2]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
    asyncio.run(FolderStore(Path(sys.argv[1]), "demo").create("a/b", bytes(2**21)))
"""


def write_2_mib_where_1_is_allowed(root: Path, at_the_limit: str) -> subprocess.CompletedProcess[str]:
    """The kernel stops the file at 1 MiB, in the middle of the write: with an error, or by killing the process."""
    command = [sys.executable, "-c", textwrap.dedent(WRITE_2_MIB), str(root), at_the_limit]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


async def names(store: FolderStore, prefix: str = "", **how: bool) -> list[str]:
    return [name async for name in store.names(prefix, **how)]


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(tmp_path, "demo")


async def test_a_process_killed_while_it_writes_leaves_nothing_under_the_name(store, tmp_path):
    killed = write_2_mib_where_1_is_allowed(tmp_path, "SIG_DFL")

    assert killed.returncode == -signal.SIGXFSZ
    (left,) = (tmp_path / "demo" / "a").iterdir()
    assert left.name.startswith(UNFINISHED)
    assert left.stat().st_size == 2**20
    assert await names(store) == []
    await store.create("a/b", b"whole")
    assert (await names(store), await store.read("a/b")) == (["a/b"], b"whole")


async def test_a_disk_that_takes_half_leaves_nothing_at_all(store, tmp_path):
    failed = write_2_mib_where_1_is_allowed(tmp_path, "SIG_IGN")

    assert f"Transient: {tmp_path}/demo/a/b could not be written: File too large; look at the disk" in failed.stderr
    assert list((tmp_path / "demo" / "a").iterdir()) == []


async def test_a_finished_write_leaves_one_file_with_one_name(store, tmp_path):
    await store.create("a/b", b"")

    (file,) = (tmp_path / "demo" / "a").iterdir()
    assert (file.name, file.stat().st_nlink) == ("b", 1)


async def test_a_folder_that_may_not_be_written_is_denied_with_what_to_do():
    with pytest.raises(
        Denied, match=r"could not be written: .*; give maintd's user the right to, or set MAINTD_STORAGE"
    ):
        await FolderStore(Path("/sys"), "demo").create("a", b"")


async def test_a_file_where_a_folder_is_needed_is_named(store):
    await store.create("a", b"")

    with pytest.raises(Transient, match="a file stands where a folder is needed, move it away"):
        await store.create("a/b/c", b"")


@pytest.mark.parametrize(
    ("number", "done", "meaning", "remedy"),
    [
        (errno.ENOSPC, "written", Transient, "make room on the disk"),
        (errno.EDQUOT, "written", Transient, "make room on the disk"),
        (errno.EIO, "written", Transient, "look at the disk"),
        (errno.ESTALE, "read", Transient, "look at the disk"),
        (errno.EROFS, "written", Denied, "give maintd's user the right to"),
        (errno.EACCES, "read", Denied, "give maintd's user the right to"),
        (errno.EPERM, "written", Denied, "give maintd's user the right to"),
        (errno.ENOENT, "read", Missing, "it was never written, or somebody removed it"),
        (errno.ENOTDIR, "read", Missing, "it was never written, or somebody removed it"),
        (errno.ENOTDIR, "written", Transient, "move it away"),
    ],
)
def test_an_error_of_the_system_says_what_follows_from_it(number, done, meaning, remedy):
    error = disk_error(done, Path("/store/a"), OSError(number, os.strerror(number)))

    assert type(error) is meaning
    assert remedy in str(error)
    assert "/store/a" in str(error)


async def test_a_file_larger_than_any_object_is_not_read_into_memory(store, tmp_path):
    (tmp_path / "demo").mkdir()
    with (tmp_path / "demo" / "foreign").open("wb") as file:
        file.truncate(MAX_OBJECT + 1)

    with pytest.raises(Unreadable, match=r"foreign is larger than 8\.0 MiB, so maintd did not write it; move it away"):
        await store.read("foreign")


async def test_a_disk_that_does_not_answer_holds_up_neither_the_loop_nor_others(store, tmp_path):
    (tmp_path / "demo").mkdir()
    os.mkfifo(tmp_path / "demo" / "hangs")  # opening it waits for a writer

    hanging = asyncio.create_task(store.read("hangs"))
    await store.create("a", b"meanwhile")

    assert await store.read("a") == b"meanwhile"
    assert not hanging.done()
    (tmp_path / "demo" / "hangs").write_bytes(b"at last")
    assert await hanging == b"at last"


async def test_a_call_that_takes_too_long_is_transient_and_the_other_threads_go_on():
    offload = Offload("the folder /store", threads=2, deadline=timedelta(seconds=0.05))
    release = threading.Event()

    with pytest.raises(Transient, match=r"the folder /store did not answer within 0\.05 s; look at the disk"):
        await offload.run(release.wait)
    assert await offload.run(lambda: "answers") == "answers"

    release.set()


async def test_a_timeout_of_the_system_itself_stays_what_it_is():
    def times_out() -> None:
        raise TimeoutError(errno.ETIMEDOUT, "Connection timed out")

    with pytest.raises(TimeoutError, match="Connection timed out"):
        await Offload("the folder /store").run(times_out)


@pytest.fixture(scope="module")
def looked_into():
    """The folders that this process lists, as the interpreter itself reports them."""
    seen: list[str] = []
    sys.addaudithook(lambda event, args: seen.append(str(args[0])) if event == "os.scandir" else None)
    return seen


@pytest.fixture
def years(tmp_path) -> Path:
    """Three years of runs, 28 days a month, three a day."""
    for n in range(3 * 12 * 28):
        folder = tmp_path / "demo/runs" / f"{2024 + n // 336}/{n // 28 % 12 + 1:02}/{n % 28 + 1:02}"
        folder.mkdir(parents=True)
        for run in "abc":
            (folder / f"{run}.json").touch()
    return tmp_path


async def test_only_the_folder_of_the_prefix_is_walked(store, years, looked_into):
    looked_into.clear()

    found = await names(store, "runs/2025/03/1")

    assert found == [f"runs/2025/03/{day}/{run}.json" for day in range(10, 20) for run in "abc"]
    assert len(looked_into) == 11


async def test_the_newest_are_found_without_walking_the_years(store, years, looked_into):
    looked_into.clear()

    newest = []
    async for name in store.names("runs/", reverse=True):
        newest.append(name)
        if len(newest) == 4:
            break

    assert newest == [f"runs/2026/12/{tail}.json" for tail in ("28/c", "28/b", "28/a", "27/c")]
    assert len(looked_into) == 5


async def test_a_folder_of_many_thousand_files_is_listed_whole_and_in_order(store, tmp_path):
    folder = tmp_path / "demo/samples/api/2026-11-22"
    folder.mkdir(parents=True)
    expected = [f"samples/api/2026-11-22/{n:06}.ndjson" for n in range(20_000)]
    for path in expected:
        (tmp_path / "demo" / path).touch()

    assert await names(store, "samples/api/") == expected
