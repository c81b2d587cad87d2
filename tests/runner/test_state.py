"""What jobs remember survives restarts, second writers, homes that are away, and other versions of maintd."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maintd.core.errors import Conflict, Transient
from maintd.core.outcome import Status
from maintd.scheduling.entry import KEPT_RUNS, JobState, LastRun
from maintd.scheduling.homes import FolderHome
from maintd.scheduling.state import LONGEST_BACKLOG, State
from maintd.telemetry.logs import get

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def state_in(folder: Path, **more) -> State:
    return State(FolderHome(folder), get("test"), **more)


def ended(number: int, status: Status = Status.OK) -> LastRun:
    at = NOON + timedelta(minutes=number)
    return LastRun(run_id=f"r{number}", status=status, mode="run", due=at, started=at, ended=at, summary="")


def count(entry: JobState) -> JobState:
    return entry.model_copy(update={"changes": {"count": entry.changes.get("count", 0) + 1}})


async def test_an_update_is_in_the_home_when_it_returns(tmp_path):
    await state_in(tmp_path).update("tidy", count)
    fresh = state_in(tmp_path)

    assert await fresh.load()
    assert fresh.of("tidy").changes == {"count": 1}


async def test_a_note_is_seen_here_at_once_and_in_the_home_after_the_flush(tmp_path):
    state = state_in(tmp_path)
    state.note("looks", lambda entry: entry.after(ended(1), {"failed": 2}))

    assert state.of("looks").memory == {"failed": 2}
    assert not (tmp_path / "state.json").exists()
    await state.close()
    again = state_in(tmp_path)
    await again.load()
    assert again.of("looks") == JobState(
        last_due=NOON + timedelta(minutes=1),
        last_runs=(ended(1),),
        memory={"failed": 2},
        last_success=NOON + timedelta(minutes=1),
    )


async def test_notes_are_written_once_in_a_while_and_not_once_each(tmp_path):
    state = state_in(tmp_path, flush_every=timedelta(seconds=0.05))
    for number in range(100):
        state.note("looks", lambda entry, number=number: entry.after(ended(number), None))
    assert not (tmp_path / "state.json").exists()
    async with asyncio.timeout(5):
        while not (tmp_path / "state.json").exists():
            await asyncio.sleep(0.01)

    entry = json.loads((tmp_path / "state.json").read_text())["jobs"]["looks"]
    assert [run["run_id"] for run in entry["last_runs"]] == [f"r{99 - back}" for back in range(KEPT_RUNS)]
    await state.close()


async def test_two_writers_lose_nothing_of_each_other(tmp_path):
    writers = [state_in(tmp_path) for _ in range(4)]

    async def write(state):
        for _ in range(10):
            for _ in range(100):  # one update gives up after a few lost races; its caller may ask again
                with contextlib.suppress(Conflict):
                    await state.update("tidy", count)
                    break

    await asyncio.gather(*map(write, writers))
    assert (await writers[0].update("tidy", count)).changes == {"count": 41}


async def test_a_home_that_is_away_stops_no_observer_and_gets_everything_when_it_is_back(tmp_path):
    (tmp_path / "state.json").mkdir()
    state = state_in(tmp_path)
    state.note("looks", lambda entry: entry.after(ended(1, Status.FAILED), None))
    state.note("looks", lambda entry: entry.after(ended(2, Status.FAILED), None))

    assert not await state.load()
    await state.flush()
    assert "Is a directory" in state.problem
    with pytest.raises(Transient):
        await state.update("tidy", count)
    (tmp_path / "state.json").rmdir()
    await state.flush()

    assert state.problem == ""
    assert json.loads((tmp_path / "state.json").read_text())["jobs"]["looks"]["consecutive_failures"] == 2
    await state.close()


async def test_a_cause_is_said_once_while_it_lasts_and_so_is_its_end(tmp_path, caplog):
    blocked = tmp_path / "state"
    blocked.write_text("not a folder")
    state = state_in(blocked)
    caplog.set_level("INFO", "maintd")
    state.note("looks", count)
    for _ in range(5):
        await state.flush()
    blocked.unlink()
    blocked.mkdir()
    await state.flush()
    await state.close()

    said = [(record.levelname, record.msg["event"]) for record in caplog.records]
    assert said == [("WARNING", "state could not be written"), ("INFO", "state is back")]


async def test_what_stood_in_the_home_before_it_could_be_read_is_counted_on(tmp_path):
    before = state_in(tmp_path)
    await before.update("looks", lambda entry: entry.after(ended(1, Status.FAILED), {"kept": True}))
    after = state_in(tmp_path)
    after.note("looks", lambda entry: entry.after(ended(2, Status.FAILED), None))
    await after.close()

    assert (after.of("looks").consecutive_failures, after.of("looks").memory) == (2, {"kept": True})


async def test_an_update_that_fails_leaves_what_is_seen_as_it_was(tmp_path):
    (tmp_path / "state.json").mkdir()
    state = state_in(tmp_path)
    with pytest.raises(Transient):
        await state.update("tidy", count)

    assert state.of("tidy") == JobState()


async def test_keys_of_a_newer_maintd_survive_a_write_by_this_one(tmp_path):
    run = {"run_id": "r", "status": "ok", "mode": "act", "summary": "", "epoch": 7}
    run |= {"started": "2026-11-22T12:00:00Z", "ended": "2026-11-22T12:00:00Z"}
    tidy = {"format": 1, "hold": {"by": "ann"}, "last_runs": [run]}
    newer = {"format": 1, "jobs": {"tidy": tidy, "gone": {"format": 1, "x": 1}}}
    (tmp_path / "state.json").write_text(json.dumps(newer))
    await state_in(tmp_path).update("tidy", count)

    jobs = json.loads((tmp_path / "state.json").read_text())["jobs"]
    assert jobs["tidy"]["hold"] == {"by": "ann"}
    assert jobs["tidy"]["last_runs"][0]["epoch"] == 7
    assert jobs["gone"] == {"format": 1, "x": 1}


async def test_an_entry_that_cannot_be_read_starts_blank_and_harms_no_other(tmp_path):
    broken = {"format": 1, "jobs": {"tidy": {"consecutive_failures": "many"}, "fine": {"consecutive_failures": 3}}}
    (tmp_path / "state.json").write_text(json.dumps(broken))
    state = state_in(tmp_path)

    assert await state.load()
    assert (state.of("tidy"), state.of("fine").consecutive_failures) == (JobState(), 3)


async def test_a_file_that_is_no_state_is_left_as_it_is(tmp_path):
    (tmp_path / "state.json").write_text("[]")
    state = state_in(tmp_path)
    state.note("looks", count)
    await state.close()

    assert "move it away" in state.problem
    assert (tmp_path / "state.json").read_text() == "[]"


async def test_a_long_outage_keeps_a_bounded_backlog(tmp_path):
    (tmp_path / "state.json").mkdir()
    state = state_in(tmp_path)
    for _ in range(LONGEST_BACKLOG + 10):
        state.note("looks", count)

    assert len(state._unsent) == LONGEST_BACKLOG
    assert state.of("looks").changes == {"count": LONGEST_BACKLOG + 10}
    await state.close()


def test_only_what_says_something_about_the_work_ends_or_extends_a_row_of_failures():
    row = [Status.FAILED, Status.MISSED, Status.SKIPPED, Status.INTERRUPTED, Status.TIMED_OUT, Status.PARTIAL]
    entry, seen = JobState(), []
    for number, status in enumerate([*row, Status.ATTENTION]):
        entry = entry.after(ended(number, status), None)
        seen.append(entry.consecutive_failures)

    assert seen == [1, 1, 1, 1, 2, 3, 0]


def test_the_last_success_is_kept_however_many_runs_ago_it_was():
    entry = JobState().after(ended(1), None)
    for number in range(2, 12):
        entry = entry.after(ended(number, Status.FAILED), None)

    assert (entry.last_success, entry.consecutive_failures) == (NOON + timedelta(minutes=1), 10)


def test_the_newest_due_instant_is_kept_whatever_order_runs_end_in():
    entry = JobState().after(ended(5), None).after(ended(2), None)

    assert entry.last_due == NOON + timedelta(minutes=5)
