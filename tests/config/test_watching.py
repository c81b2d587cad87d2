"""An edited jobs.yaml is taken without a restart; a bad one, or none, changes nothing and is said."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from maintd.config.jobs import JobsFile
from maintd.config.load import Loader
from maintd.config.watch import EVERY_SECONDS, Watch

PATIENCE = 5.0
"""Seconds until an edit must have been taken."""
OFTEN = 0.05


def text(*names: str) -> str:
    return "version: 1\njobs:\n" + "".join(f"- {{name: {name}, kind: look-around, every: 1h}}\n" for name in names)


def write(path: Path, content: str) -> None:
    """In place, as `cat >` does."""
    path.write_text(content)


def replace(path: Path, content: str, *, same_time: bool = False) -> None:
    """As an editor saves: a new file, renamed over the old one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(content)
    if same_time:
        os.utime(fresh, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    fresh.replace(path)


def remove(path: Path) -> None:
    path.unlink()


def circle(path: Path) -> None:
    """A link to itself."""
    path.unlink()
    path.symlink_to(path.name)


class Followed:
    """What the watch of a file has said so far."""

    def __init__(self) -> None:
        self.news: asyncio.Queue[str] = asyncio.Queue()

    async def next(self) -> str:
        """The names of the jobs in the next good file, or the first line of an error."""
        async with asyncio.timeout(PATIENCE):
            return await self.news.get()

    async def quiet(self, seconds: float = 0.6) -> bool:
        """Whether nothing is said for that long."""
        await asyncio.sleep(seconds)
        return self.news.empty()


@asynccontextmanager
async def following(path: Path, loader: Loader, every_seconds: float = OFTEN) -> AsyncIterator[Followed]:
    """Watch the file, from its content as it is now on."""
    followed = Followed()
    watch = Watch(path, lambda data: loader.parse(data, path), every_seconds)
    known = loader.load(path).sha256

    async def listen() -> None:
        async for said in watch.changes(known):
            names = "+".join(job.name for job in said.jobs) if isinstance(said, JobsFile) else ""
            followed.news.put_nowait(names or str(said).splitlines()[0])

    task = asyncio.create_task(listen())
    try:
        yield followed
    finally:
        task.cancel()
        await asyncio.wait({task})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "jobs.yaml"
    file.write_text(text("a"))
    return file


async def test_an_edit_in_place_is_taken(path: Path, bare: Loader) -> None:
    async with following(path, bare) as followed:
        write(path, text("a", "b"))

        assert await followed.next() == "a+b"


async def test_at_the_daemons_own_pace_an_edit_is_taken_within_five_seconds(path: Path, bare: Loader) -> None:
    async with following(path, bare, EVERY_SECONDS) as followed:
        await asyncio.sleep(0.3)  # so that the first look is over
        write(path, text("b"))

        assert await followed.next() == "b"


async def test_files_renamed_over_it_are_taken_one_after_the_other(path: Path, bare: Loader) -> None:
    said = []
    async with following(path, bare) as followed:
        for name in ("b", "c", "d"):
            replace(path, text(name))
            said.append(await followed.next())

    assert said == ["b", "c", "d"]


async def test_a_file_of_the_same_size_and_time_is_taken_by_its_inode(path: Path, bare: Loader) -> None:
    async with following(path, bare) as followed:
        assert await followed.quiet()
        replace(path, text("b"), same_time=True)

        assert await followed.next() == "b"


async def test_each_swap_of_a_configmap_is_taken(tmp_path: Path, bare: Loader) -> None:
    """As kubelet does it: jobs.yaml → ..data/jobs.yaml, and ..data is renamed from one folder to the next."""

    def swap(number: int, content: str) -> None:
        folder = tmp_path / f"..2026_{number}"
        folder.mkdir()
        (folder / "jobs.yaml").write_text(content)
        (tmp_path / "..data_tmp").symlink_to(folder.name)
        (tmp_path / "..data_tmp").replace(tmp_path / "..data")

    swap(0, text("a"))
    path = tmp_path / "jobs.yaml"
    path.symlink_to("..data/jobs.yaml")
    said = []
    async with following(path, bare) as followed:
        for number, name in enumerate("bcd", start=1):
            swap(number, text(name))
            said.append(await followed.next())

    assert said == ["b", "c", "d"]


async def test_a_bad_file_is_said_once_and_the_good_one_after_it_is_taken(path: Path, bare: Loader) -> None:
    async with following(path, bare) as followed:
        replace(path, text("a").replace("every", "evry"))
        bad = await followed.next()
        assert await followed.quiet()
        replace(path, text("b"))
        good = await followed.next()

    assert bad == f'{path}:3:3: jobs[0].schedule: is missing; add schedule: "17 3 * * sun", every: 5m, or manual: true'
    assert good == "b"


async def test_after_a_bad_file_the_one_before_it_is_said_again(path: Path, bare: Loader) -> None:
    """Whoever shows that the file is bad must hear that it no longer is."""
    async with following(path, bare) as followed:
        replace(path, "version: 1\n")
        bad = await followed.next()
        replace(path, text("a"))

        assert "jobs: is missing" in bad
        assert await followed.next() == "a"


async def test_a_file_that_goes_is_said_and_so_is_its_return(path: Path, bare: Loader) -> None:
    async with following(path, bare) as followed:
        remove(path)
        gone = await followed.next()
        assert await followed.quiet()
        write(path, text("a"))
        back = await followed.next()

    assert gone == f"{path}: there is no such file; name another, or set MAINTD_JOBS_FILE"
    assert back == "a"


@pytest.mark.parametrize(
    "touch",
    [
        pytest.param(lambda path: path.touch(), id="touched"),
        pytest.param(lambda path: path.write_text(path.read_text()), id="written-again"),
        pytest.param(lambda path: replace(path, path.read_text()), id="renamed-over"),
    ],
)
async def test_the_same_content_is_no_news(path: Path, bare: Loader, touch: Callable[[Path], object]) -> None:
    async with following(path, bare) as followed:
        assert await followed.quiet(0.3)
        touch(path)

        assert await followed.quiet()


async def test_an_edit_between_the_load_and_the_first_look_is_not_lost(path: Path, bare: Loader) -> None:
    known = bare.load(path).sha256
    write(path, text("b"))

    async with asyncio.timeout(PATIENCE):
        async for said in Watch(path, lambda data: bare.parse(data, path), OFTEN).changes(known):
            assert isinstance(said, JobsFile)
            assert [job.name for job in said.jobs] == ["b"]
            break


async def test_a_file_that_is_being_written_is_left_until_it_is_whole(path: Path, bare: Loader) -> None:
    """Half of a file can be a good file that lacks jobs."""
    async with following(path, bare) as followed:
        with path.open("w") as file:
            file.write("version: 1\njobs:\n")
            for name in "bcdefghijklm":
                file.write(f"- {{name: {name}, kind: look-around, every: 1h}}\n")
                file.flush()
                await asyncio.sleep(0.03)

        assert await followed.next() == "b+c+d+e+f+g+h+i+j+k+l+m"


async def test_links_in_a_circle_are_said_as_any_file_that_cannot_be_read(path: Path, bare: Loader) -> None:
    async with following(path, bare) as followed:
        circle(path)

        assert "cannot be read" in await followed.next()
