"""The dead man's switch: it is sent while every duty is done, and not at all while one is not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from maintd.app import daemon as daemon_module
from maintd.app.daemon import Daemon
from maintd.app.heartbeat import AGAIN_SECONDS, Heart
from maintd.app.house import House, open_house
from maintd.config.heartbeat import Heartbeat
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.core.errors import ConfigError
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome
from maintd.probe.curl import Curl
from maintd.probe.guard import Guard
from maintd.sandbox.faults import Fault, unavailable
from maintd.sandbox.server import Sandbox
from maintd.scheduling.every import Every

STATE = "*/configmaps/maintd-state"


@dataclass
class Receiver:
    """Whoever expects heartbeats: counts them, and answers as it is told."""

    status: int = 200
    beats: list[str] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        self.beats.append(f"{request.method} {request.path} {request.headers['User-Agent']}")
        return web.Response(status=self.status)

    async def beats_again(self) -> None:
        """Two more: the first may have been under way already."""
        before = len(self.beats)
        async with asyncio.timeout(10):
            while len(self.beats) < before + 2:
                await asyncio.sleep(0.01)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(application, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/ping/9f3c"
    yield receiver
    await runner.cleanup()


class LogBook:
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.lines.append((level, event, fields))


@dataclass
class Alone:
    """A heart without a daemon around it; `undone` is what its one duty says."""

    undone: str = ""
    sent: int = 0
    log: LogBook = field(default_factory=LogBook)

    def heart(self, *, loopback: bool = True) -> Heart:
        def count() -> None:
            self.sent += 1

        http = Curl(Guard(allow_loopback=loopback), user_agent="maintd/1")
        return Heart(http, {"ring": lambda: self.undone}, count, self.log)


async def test_while_all_is_well_it_is_one_get_each_period_and_one_line_in_the_log(receiver):
    alone, wish = Alone(), Heartbeat(url=receiver.url, every=timedelta(hours=1))
    heart = alone.heart()

    pauses = [await heart.beat(wish) for _ in range(3)]

    assert (receiver.beats, alone.sent) == (["GET /ping/9f3c maintd/1"] * 3, 3)
    assert pauses == [3600.0] * 3
    assert alone.log.lines == [("info", "heartbeat sent", {"host": "127.0.0.1"})]


async def test_what_is_undone_withholds_it_is_said_once_and_looked_at_again_soon(receiver):
    alone, wish = Alone(undone="has stood still"), Heartbeat(url=receiver.url, every=timedelta(hours=1))
    heart = alone.heart()

    pauses = [await heart.beat(wish), await heart.beat(wish)]
    alone.undone = ""
    pauses.append(await heart.beat(wish))

    assert pauses == [AGAIN_SECONDS, AGAIN_SECONDS, 3600.0]
    assert (len(receiver.beats), alone.sent) == (1, 1)
    assert alone.log.lines == [
        ("warning", "heartbeat withheld", {"host": "127.0.0.1", "undone": {"ring": "has stood still"}}),
        ("info", "heartbeat sent", {"host": "127.0.0.1"}),
    ]


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_receiver_that_does_not_take_it_is_told_of_once_and_tried_again_soon(receiver, status):
    alone, wish = Alone(), Heartbeat(url=receiver.url, every=timedelta(hours=1))
    heart = alone.heart()
    receiver.status = status

    pauses = [await heart.beat(wish), await heart.beat(wish)]

    assert (pauses, alone.sent) == ([AGAIN_SECONDS] * 2, 0)
    why = f"the receiver answered {status}; look at `heartbeat.url`"
    assert alone.log.lines == [("warning", "heartbeat not taken", {"host": "127.0.0.1", "why": why})]


async def test_it_goes_nowhere_where_probes_may_not_go_and_no_line_holds_more_of_its_url_than_the_host(receiver):
    alone = Alone()

    await alone.heart(loopback=False).beat(Heartbeat(url=receiver.url))

    ((level, event, fields),) = alone.log.lines
    assert (receiver.beats, level, event) == ([], "warning", "heartbeat not taken")
    assert "a loopback address" in fields["why"]
    assert "9f3c" not in str(alone.log.lines)


async def test_a_duty_that_cannot_be_asked_about_ends_nothing(receiver):
    """A defect is no reason to be silent for ever, nor to call all well."""

    def broken() -> str:
        raise ZeroDivisionError

    alone, well = Alone(), False
    http = Curl(Guard(allow_loopback=True), user_agent="maintd/1")
    heart = Heart(http, {"ring": lambda: "" if well else broken()}, lambda: None, alone.log)
    wish = Heartbeat(url=receiver.url)

    await heart.beat(wish)
    before = list(receiver.beats)
    well = True
    await heart.beat(wish)

    assert (before, len(receiver.beats)) == ([], 1)
    assert [event for _, event, _ in alone.log.lines] == ["heartbeat withheld", "heartbeat sent"]


class Nothing(Params):
    """A kind without parameters."""


async def nothing(_ctx: Context, _params: Nothing) -> Outcome:
    return Outcome("nothing")


def jobs(receiver: Receiver, **more: Any) -> JobsFile:
    kind = Kind(Nothing, nothing, level=0, protects=more.pop("protects", False))
    often = Heartbeat.model_construct(url=receiver.url, every=timedelta(seconds=0.03))
    job = Job(name="it", kind=kind, params=Nothing(), schedule=Every(timedelta(seconds=1), "it"))
    return JobsFile(Path("jobs.yaml"), "0" * 64, (job,), **{"heartbeat": often, **more})


@dataclass
class Serving:
    """A daemon under way in the embedded cluster, and what of it a test breaks."""

    house: House
    sandbox: Sandbox
    folder: Path
    receiver: Receiver
    edits: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)

    async def falls_silent(self) -> None:
        """For a while not one more comes."""
        async with asyncio.timeout(15):
            while True:
                before = len(self.receiver.beats)
                await asyncio.sleep(0.3)
                if len(self.receiver.beats) == before:
                    return

    def refuse_state(self) -> Fault:
        fault = Fault("*", STATE, times=10_000, answer=unavailable(403))
        self.sandbox.faults.append(fault)
        return fault


@asynccontextmanager
async def serving(sandbox: Sandbox, folder: Path, receiver: Receiver, **more: Any) -> AsyncIterator[Serving]:
    replicas = more.pop("replicas", 1)
    settings = Settings(storage=f"file://{folder}/store", http_address="127.0.0.1:0", replicas=replicas)
    sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "maintd"}})
    kubeconfig = sandbox.kubeconfig(folder / "kubeconfig")
    async with open_house(settings, spooling=True, embedded=kubeconfig) as house:
        served = Serving(house, sandbox, folder, receiver)

        async def edited() -> AsyncIterator[Any]:
            while True:
                yield await served.edits.get()

        daemon = Daemon(house, jobs(receiver, **more))
        running = asyncio.create_task(daemon.run(edited()))
        try:
            yield served
        finally:
            sandbox.faults.clear()
            daemon.stop()
            await running


@pytest.fixture(autouse=True)
def _soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for 30 s in earnest waits for a moment here."""
    monkeypatch.setattr("maintd.app.heartbeat.AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(daemon_module, "LONGEST_SILENCE_SECONDS", 0.5)


@pytest.mark.usefixtures("_impatient")
async def test_a_daemon_that_does_all_its_duties_beats(sandbox, tmp_path, receiver):
    async with serving(sandbox, tmp_path, receiver) as served:
        await receiver.beats_again()
        text = (await served.house.metrics.exposition()).decode()

    sent = next(line for line in text.splitlines() if line.startswith("maintd_heartbeat_last_sent_timestamp_seconds "))
    assert abs(float(sent.split()[1]) - datetime.now(UTC).timestamp()) < 60


@pytest.mark.usefixtures("_impatient")
async def test_a_bad_file_silences_it_until_it_is_mended(sandbox, tmp_path, receiver):
    async with serving(sandbox, tmp_path, receiver) as served:
        await receiver.beats_again()
        await served.edits.put(ConfigError("jobs.yaml:1:1: a mistake"))
        await served.falls_silent()
        await served.edits.put(jobs(receiver))
        await receiver.beats_again()


@pytest.mark.usefixtures("_impatient")
async def test_a_state_that_cannot_be_kept_silences_it_until_it_can(sandbox, tmp_path, receiver):
    async with serving(sandbox, tmp_path, receiver) as served:
        await receiver.beats_again()
        fault = served.refuse_state()
        await served.house.state.look()
        await served.falls_silent()
        sandbox.faults.remove(fault)
        async with asyncio.timeout(10):
            while served.house.state.problem:  # a run may end between the two, and what it notes waits for its write
                await served.house.state.flush()
                await served.house.state.look()
        await receiver.beats_again()


@pytest.mark.usefixtures("_impatient")
async def test_records_that_wait_for_the_store_silence_it(sandbox, tmp_path, receiver):
    async with serving(sandbox, tmp_path, receiver) as served:
        await receiver.beats_again()
        runs = tmp_path / "store/default/runs"
        async with asyncio.timeout(15):
            while not runs.exists():
                await asyncio.sleep(0.05)
        runs.rename(tmp_path / "aside")
        runs.touch()
        async with asyncio.timeout(15):
            while not served.house.unsaved:
                await asyncio.sleep(0.05)
        await served.falls_silent()


@pytest.mark.usefixtures("_impatient")
async def test_a_start_that_waits_to_be_written_down_silences_it(sandbox, tmp_path, receiver):
    """The state is asked and does not answer; so far nothing has failed."""
    async with serving(sandbox, tmp_path, receiver, protects=True) as served:
        await receiver.beats_again()
        sandbox.faults.append(Fault("update", STATE, times=10_000, delay_seconds=2))
        await served.falls_silent()
        problem = served.house.state.problem

    assert problem == ""


async def test_who_does_not_lead_is_silent(sandbox, tmp_path, receiver, monkeypatch):
    monkeypatch.setattr("maintd.app.heartbeat.AGAIN_SECONDS", 0.05)
    async with serving(sandbox, tmp_path, receiver, replicas=2) as leader:
        await receiver.beats_again()
        other = Receiver(url=receiver.url.replace("/ping/", "/follower/"))
        (tmp_path / "other").mkdir()
        async with serving(sandbox, tmp_path / "other", other, replicas=2):
            await receiver.beats_again()
            await asyncio.sleep(0.5)

    assert leader.house.leadership.identity
    assert [beat for beat in receiver.beats if "follower" in beat] == []


@pytest.mark.usefixtures("_impatient")
async def test_an_edit_starts_it_and_ends_it(sandbox, tmp_path, receiver):
    async with serving(sandbox, tmp_path, receiver, heartbeat=None) as served:
        await asyncio.sleep(0.2)
        assert receiver.beats == []
        await served.edits.put(jobs(receiver))
        await receiver.beats_again()
        await served.edits.put(jobs(receiver, heartbeat=None))
        await served.falls_silent()
