"""Records in the store, and back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maintd.core.errors import Missing, Unreadable
from maintd.core.outcome import Change, Considered, Finding, Run, Status, new_run_id, run_path
from maintd.core.resource import ObjectRef
from maintd.sinks.history import History
from maintd.storage.folder import FolderStore
from maintd.storage.paths import MAX_OBJECT
from maintd.telemetry import logs

LOG = logs.get("maintd.sinks")
POD = ObjectRef(resource="pods", namespace="a", name="b", uid="u")
Make = Callable[..., Run]


@pytest.fixture
def store(tmp_path) -> FolderStore:
    return FolderStore(tmp_path, "demo")


@pytest.fixture
def history(store) -> History:
    return History(store, LOG)


def strict(data: bytes) -> dict[str, Any]:
    """The record as the strictest reader has it."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    return json.loads(data.decode(), parse_constant=refuse)


def considered(number: int, rule: str = "young") -> tuple[Considered, ...]:
    return tuple(Considered(object=POD, decision="keep", rule=f"{rule} {n}") for n in range(number))


async def emitted(history: History, run: Run) -> Run:
    await history.emit(run)
    return await history.read(run.run_id)


async def test_a_record_is_read_back_as_it_was(history, run_of):
    run = run_of(
        due=run_of().started,
        changes=(Change(object=POD, verb="delete", result="done", evidence="evidence/r1/b.yaml"),),
        considered=considered(3),
        findings=(Finding(subject="a/b", message="why", remedy="do"),),
        metrics={"deleted_pods": 1},
        config={"params": {"older_than": "1d"}},
    )

    assert await emitted(history, run) == run


async def test_the_record_lies_where_the_run_id_says(history, store, run_of):
    await history.emit(run_of())

    path = "runs/2026/11/22/20261122T120000Z-tidy-3f9a1c.json"
    assert [name async for name in store.names("")] == [path]
    assert strict(await store.read(path))["format"] == 1


def test_a_run_id_is_made_of_the_time_in_utc_the_job_and_a_nonce(run_of):
    assert new_run_id("tidy-pods", run_of().started, "3f9a1c") == "20261122T120000Z-tidy-pods-3f9a1c"


@pytest.mark.parametrize(
    "run_id",
    [
        "",
        "latest",
        "../../etc/passwd",
        "20261122T120000Z-../x-3f9a1c",
        "20261122T120000Z-tidy-3f9a1c/..",
        "20261122T120000Z",
    ],
)
async def test_what_is_no_run_id_is_missing_and_never_a_path(history, run_id):
    with pytest.raises(Missing, match=r"ids look like 20261122T030000Z-my-job-3f9a1c; `maintd runs` lists them"):
        await history.read(run_id)


async def test_a_run_that_was_never_recorded_is_missing(history):
    with pytest.raises(
        Missing, match=r"there is no record of 20261122T120000Z-tidy-000000 in file://.*; `maintd runs`"
    ):
        await history.read("20261122T120000Z-tidy-000000")


async def test_a_record_is_never_written_twice(history, run_of):
    """A run that was cut off with its process has its record from the next leader; if it lived, it comes second."""
    await history.emit(run_of())

    await history.emit(run_of(summary="another"))

    assert await history.read(run_of().run_id) == run_of()


async def test_a_record_of_a_newer_maintd_is_read_as_far_as_it_is_understood(history, store, run_of):
    newer = {**json.loads(run_of().model_dump_json()), "format": 2, "mood": "good"}
    await store.create(run_path(run_of().run_id), json.dumps(newer).encode())

    assert await history.read(run_of().run_id) == run_of(format=2)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"run_id": "r"}', b"\xff\xfe"])
async def test_what_is_no_record_is_unreadable_by_name(history, store, run_of, data):
    await store.create(run_path(run_of().run_id), data)

    with pytest.raises(Unreadable, match=r"^file://.*/20261122T120000Z-tidy-3f9a1c\.json is not the record of a run"):
        await history.read(run_of().run_id)


@pytest.fixture
async def five_days(history, run_of) -> list[Run]:
    """Two jobs, each once a day, oldest first; one job's name begins with the other's."""
    runs = [
        run_of(run_id=f"202611{day:02}T{hour}Z-{job}-00000{day % 10}", job=job)
        for day in range(28, 33)
        for hour, job in (("030000", "tidy"), ("040000", "tidy-more"))
        if day <= 30
    ]
    runs += [
        run_of(run_id=f"20261201T{hour}0000Z-{job}-000000", job=job)
        for hour, job in (("03", "tidy"), ("04", "tidy-more"))
    ]
    for run in runs:
        await history.emit(run)
    return runs


async def test_the_newest_runs_come_first(history, five_days):
    assert await history.recent(100) == five_days[::-1]
    assert await history.recent(3) == five_days[:-4:-1]
    assert await history.recent(0) == []


async def test_the_runs_of_a_job_are_its_own(history, five_days):
    assert [run.job for run in await history.recent(100, "tidy")] == ["tidy"] * 4
    assert await history.recent(2, "tidy-more") == [five_days[-1], five_days[-3]]
    assert await history.recent(2, "more") == []


async def test_a_rotten_record_hides_no_other_and_is_said(history, store, five_days, log_lines):
    rotten = "runs/2026/12/02/20261202T030000Z-tidy-000000.json"
    await store.create(rotten, b"{")
    await store.create("runs/2026/12/02/notes.txt", b"somebody's")
    await store.create("runs/2026/12/02/20261201T030000Z-tidy-000000.json", b"{}")  # not its day

    assert await history.recent(100) == five_days[::-1]

    (line,) = log_lines()
    assert (line["message"], line["path"]) == ("record not read", rotten)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"metrics": {"p95": float("nan")}}, {"metrics": {"p95": "NaN"}}),
        ({"summary": "lone \ud800"}, {"summary": "lone ?"}),
        ({"config": {"params": object}}, {"config": {"params": "<class 'object'>"}}),
        (
            {"summary": "lone \ud800", "metrics": {"p95": float("inf")}},
            {"summary": "lone ?", "metrics": {"p95": "Infinity"}},
        ),
    ],
)
async def test_a_record_is_strict_json_whatever_is_in_it(history, store, run_of, given, found):
    await history.emit(run_of(**given))

    record = strict(await store.read(run_path(run_of().run_id)))
    assert {name: record[name] for name in found} == found
    assert (await history.read(run_of().run_id)).status is Status.OK


async def test_a_hostile_message_loses_nothing_but_the_character(history, run_of):
    run = run_of(findings=(Finding(subject="a/b", message="from the API: \udcff"),), considered=considered(2))

    assert await emitted(history, run) == run.model_copy(
        update={"findings": (Finding(subject="a/b", message="from the API: ?"),)}
    )


async def test_what_json_cannot_hold_is_left_out_and_the_record_says_so(history, run_of):
    cyclic: dict[str, Any] = {}
    cyclic["self"] = cyclic
    run = run_of(config=cyclic, considered=considered(2), error="it failed")

    found = await emitted(history, run)

    note = "it failed [left out of this record, since JSON cannot hold it: config (ValueError)]"
    assert found == run.model_copy(update={"config": {}, "error": note})


async def test_lists_that_would_make_it_too_large_lie_beside_it(history, store, run_of):
    run = run_of(
        considered=considered(9_000, rule="x" * 1000), changes=(Change(object=POD, verb="delete", result="done"),)
    )

    found = await emitted(history, run)

    paths = [f"runs/2026/11/22/20261122T120000Z-tidy-3f9a1c.considered.{n:04}.ndjson" for n in (1, 2)]
    note = "all 9,000 (keep 9,000) lie beside this record, which would have been too large with them"
    moved = {"findings": (Finding(severity="info", subject="considered", message=note),), "artifacts": tuple(paths)}
    assert found == run.model_copy(update={**moved, "considered": ()})
    pieces = [await store.read(path) for path in paths]
    assert all(len(piece) <= MAX_OBJECT for piece in pieces)
    lines = b"".join(pieces).splitlines()
    assert [Considered.model_validate_json(line) for line in lines] == list(run.considered)
    assert await history.recent(10) == [found]


async def test_all_lists_are_moved_where_each_is_too_large(history, run_of):
    long = "x" * 1000
    run = run_of(
        changes=tuple(Change(object=POD, verb="delete", result="left", reason=long) for _ in range(9_000)),
        findings=(Finding(subject="a", message="\ud800" + long),) * 9_000,
    )

    found = await emitted(history, run)

    assert (found.changes, [finding.subject for finding in found.findings]) == ((), ["changes", "findings"])
    assert [path.split(".")[1:] for path in found.artifacts] == [
        [name, number, "ndjson"] for name in ("changes", "findings") for number in ("0001", "0002")
    ]


async def test_what_is_too_large_without_its_lists_keeps_how_it_ended(history, run_of):
    run = run_of(
        status=Status.CRASHED,
        summary="s" * 9_000_000,
        traceback="t" * 9_000_000 + "KeyError",
        error="why",
        config={"params": "p" * 9_000_000},
        considered=considered(9_000, rule="x" * 1000),
        artifacts=tuple(f"samples/{n}" for n in range(2_000)),
    )

    found = await emitted(history, run)

    assert found.status is Status.CRASHED
    assert found.error == "why [cut, since this record was larger than 8.0 MiB; params and figures are left out]"
    assert (len(found.summary), found.traceback[-10:], found.config) == (4096, "ttKeyError", {})
    assert [finding.subject for finding in found.findings] == ["considered"]
    assert found.artifacts[-1].endswith(".considered.0002.ndjson")


async def test_a_store_that_refuses_is_heard(run_of):
    with pytest.raises(Exception, match="could not be written"):
        await History(FolderStore(Path("/sys"), "demo"), LOG).emit(run_of())
