"""Every record to every sink, whatever becomes of the others."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from maintd.core.errors import Transient
from maintd.core.outcome import Run
from maintd.sinks.fanout import Fanout, Start
from maintd.sinks.history import History
from maintd.sinks.log import LogSink
from maintd.sinks.metrics import MetricsSink
from maintd.storage.folder import FolderStore
from maintd.telemetry import logs
from maintd.telemetry.metrics import Metrics

LOG = logs.get("maintd.sinks")


class Listed:
    """Keeps what it is given, and does what it is told to on the way."""

    def __init__(self, name: str, first: Callable[[], Awaitable[Any]] | None = None) -> None:
        self.name = name
        self.first = first
        self.runs: list[Run] = []
        self.starts: list[str] = []

    def started(self, start: Start) -> None:
        if self.first:
            raise ValueError("no starts")
        self.starts.append(start.run_id)

    async def emit(self, run: Run) -> None:
        if self.first:
            await self.first()
        self.runs.append(run)


def failing_with(error: BaseException) -> Callable[[], Awaitable[None]]:
    async def fail() -> None:
        raise error

    return fail


async def test_every_sink_gets_every_record(run_of):
    sinks = [Listed("a"), Listed("b")]
    fanout = Fanout(sinks, LOG)
    first, second = run_of(), run_of(run_id="20261122T120001Z-tidy-000000")

    failed = [await fanout.emit(first), await fanout.emit(second)]

    assert failed == [{}, {}]
    assert [sink.runs for sink in sinks] == [[first, second], [first, second]]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (Transient("the disk is full; make room"), "the disk is full; make room"),
        (ValueError("why"), "ValueError('why')"),
        (asyncio.CancelledError(), "was cancelled"),
    ],
)
async def test_a_sink_that_fails_hides_nothing_from_the_others_and_is_named(run_of, log_lines, error, why):
    counted: list[str] = []
    sinks = [Listed("bad", failing_with(error)), Listed("good")]
    fanout = Fanout(sinks, LOG, on_failure=counted.append)

    assert await fanout.emit(run_of()) == {"bad": why}

    assert (sinks[1].runs, fanout.failing, counted) == ([run_of()], {"bad": why}, ["bad"])
    assert log_lines() == [
        {
            "severity": "ERROR",
            "message": "record not kept",
            "logging.googleapis.com/labels": {"job": "tidy", "kind": "cleanup-pods"},
            "logging.googleapis.com/operation": {"id": "20261122T120000Z-tidy-3f9a1c", "producer": "maintd"},
            "sink": "bad",
            "why": why,
        }
    ]


async def test_a_sink_that_works_again_is_no_longer_named(run_of):
    sink = Listed("store", failing_with(Transient("away")))
    fanout = Fanout([sink], LOG)
    await fanout.emit(run_of())
    assert fanout.failing == {"store": "away"}

    sink.first = None
    await fanout.emit(run_of())

    assert fanout.failing == {}


async def test_a_sink_that_hangs_is_left_behind_at_the_deadline(run_of):
    cancelled = []

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(True)

    good = Listed("good")
    fanout = Fanout([Listed("hangs", hang), good], LOG, deadline=timedelta(seconds=0.05))

    assert await fanout.emit(run_of()) == {"hangs": "did not answer within 50ms"}

    await asyncio.sleep(0)
    assert (good.runs, cancelled) == ([run_of()], [True])


async def test_even_one_that_will_not_be_cancelled_holds_nobody_up(run_of):
    release = asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    fanout = Fanout([Listed("stubborn", stubborn)], LOG, deadline=timedelta(seconds=0.05))

    assert await fanout.emit(run_of()) == {"stubborn": "did not answer within 50ms"}

    release.set()


async def test_a_daemon_that_is_cancelled_while_it_records_still_keeps_the_record(run_of):
    go_on = asyncio.Event()
    sink = Listed("slow", go_on.wait)
    emitting = asyncio.create_task(Fanout([sink], LOG).emit(run_of()))
    await asyncio.sleep(0)

    emitting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await emitting
    go_on.set()
    for _ in range(3):
        await asyncio.sleep(0)

    assert sink.runs == [run_of()]


async def test_with_no_sink_there_is_nothing_to_fail(run_of):
    assert await Fanout([], LOG).emit(run_of()) == {}


async def test_a_sink_that_cannot_note_a_start_stops_nobody(ring, log_lines):
    good = Listed("good")

    Fanout([Listed("bad", failing_with(ValueError())), good], LOG).started(ring)

    assert good.starts == ["20261122T120000Z-tidy-3f9a1c"]
    (line,) = log_lines()
    assert (line["message"], line["sink"], line["why"]) == ("start not noted", "bad", "ValueError('no starts')")


async def test_when_the_store_refuses_the_record_log_and_metrics_have_it_and_say_so(run_of, ring, log_lines):
    metrics = Metrics()
    metrics.know_job("tidy", "cleanup-pods", last_success=None, consecutive_failures=0)
    sinks = [
        LogSink(lambda _: None),
        MetricsSink(metrics, lambda _: 0),
        History(FolderStore(Path("/sys"), "demo"), LOG),
    ]
    fanout = Fanout(sinks, LOG, on_failure=metrics.sink_failed)

    fanout.started(ring)
    failed = await fanout.emit(run_of())

    text = (await metrics.exposition()).decode()
    assert list(failed) == ["history"]
    assert [line["message"] for line in log_lines()] == ["run started", "run finished", "record not kept"]
    assert 'maintd_job_runs_total{job="tidy",kind="cleanup-pods",status="ok"} 1.0' in text
    assert 'maintd_job_running{job="tidy"} 0.0' in text
    assert 'maintd_store_failures_total{sink="history"} 1.0' in text
