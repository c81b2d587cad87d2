"""However many jobs there are and whatever they remember, the state fits into a ConfigMap and loses no claim."""

import json
from datetime import UTC, datetime

import pytest

from maintd.scheduling.entry import Claim, JobState, LastRun, Pause
from maintd.scheduling.size import LARGEST, fitted, size

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MOST = 1_048_576
"""Bytes that a ConfigMap takes, names and all: apimachinery's MaxSecretSize, which etcd's own limit is above."""


def entry(number, memory=0, summary=240):
    name = f"a-job-with-a-rather-long-name-{number:04}"
    at = {"started": NOON, "ended": NOON, "due": NOON}
    runs = (
        LastRun(run_id=f"20261122T120000Z-{name}-{back}", status="ok", mode="act", summary="s" * summary, **at)
        for back in range(5)
    )
    claim = Claim(
        run_id=f"20261122T120000Z-{name}-x",
        due=NOON,
        holder="h" * 60,
        epoch=3,
        at=NOON,
        until=NOON,
        kind="k",
        mode="act",
    )
    pause = Pause(until=NOON, by="ann@laptop", reason="a reason")
    remembered = {"seen": "m" * memory} if memory else {}
    known = {"since": NOON, "last_due": NOON, "memory": remembered, "changes": {"day": "2026-11-22", "count": 7}}
    return name, JobState(last_runs=tuple(runs), open_claim=claim, paused=pause, when="0 * * * *", **known)


def texts(entries):
    return {name: one.text() for name, one in entries}


def kept(one):
    return (one.open_claim, one.paused, one.changes, one.since, one.last_due)


def test_what_fits_stays_as_it_is():
    few = texts(entry(number, memory=8000) for number in range(50))

    assert fitted(few) is few


@pytest.mark.parametrize(("jobs", "memory"), [(1000, 0), (250, 8000)])
def test_what_does_not_fit_loses_runs_summaries_and_memories_and_never_a_claim_a_pause_or_a_tally(jobs, memory):
    many = dict(entry(number, memory) for number in range(jobs))
    small = fitted(texts(many.items()))
    read = {name: JobState.model_validate_json(text) for name, text in small.items()}

    assert size(small) <= LARGEST < MOST
    assert {name: kept(one) for name, one in read.items()} == {name: kept(one) for name, one in many.items()}
    assert {len(one.last_runs) for one in read.values()} <= {1, 3}


def test_a_few_large_memories_go_before_the_many_small_ones():
    large = [entry(number, memory=8000) for number in range(120)]
    small = [entry(number + 200, memory=100) for number in range(100)]
    read = {name: JobState.model_validate_json(text) for name, text in fitted(texts([*large, *small])).items()}

    assert {bool(read[name].memory) for name, _ in large} == {False}
    assert {bool(read[name].memory) for name, _ in small} == {True}


def test_what_a_newer_maintd_wrote_or_nobody_can_read_is_left_as_it_is():
    newer, damaged = json.dumps({"format": 2, "memory": {"new": "n" * 5000}}), '{"memory": 5}'
    many = texts(entry(number, memory=8000) for number in range(150)) | {"newer": newer, "damaged": damaged}

    assert {name: fitted(many)[name] for name in ("newer", "damaged")} == {"newer": newer, "damaged": damaged}


def test_once_runs_were_dropped_there_is_room_for_many_writes_before_it_is_done_again():
    small = fitted(texts(entry(number, summary=60) for number in range(600)))

    assert size(small) <= LARGEST * 3 // 4


async def test_it_is_said_that_something_was_dropped(realm, caplog):
    one = realm.replica()

    def fill(entries):
        entries.update(dict(entry(number, memory=8000) for number in range(150)))

    await one.state.change(fill)
    [said] = [record.msg for record in caplog.records if record.msg["event"] == "state trimmed"]

    assert said["error"] == "1.6 MiB is more than fits: older runs went, and memories if that was not enough"
    assert (realm.folder / "state/state.json").stat().st_size < 2 * MOST
