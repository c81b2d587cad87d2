"""The two lines that every run leaves in the log."""

from datetime import UTC, datetime

import pytest

from maintd.core.outcome import Change, Considered, Finding, Status
from maintd.core.resource import ObjectRef
from maintd.sinks.log import LogSink

NEXT = datetime(2026, 11, 29, 3, 17, tzinfo=UTC)
FOLDED = {
    "logging.googleapis.com/labels": {"job": "tidy", "kind": "cleanup-pods"},
    "logging.googleapis.com/operation": {"id": "20261122T120000Z-tidy-3f9a1c", "producer": "maintd"},
}
POD = ObjectRef(resource="pods", namespace="a", name="b")


def folded(**end: bool) -> dict[str, object]:
    operation = {**FOLDED["logging.googleapis.com/operation"], **end}
    return {**FOLDED, "logging.googleapis.com/operation": operation}


async def test_a_run_is_two_lines_the_first_and_the_last_of_its_operation(run_of, ring, log_lines):
    sink = LogSink(lambda job: NEXT if job == "tidy" else None)

    sink.started(ring)
    await sink.emit(run_of(mode="act"))

    assert log_lines() == [
        {
            "severity": "INFO",
            "message": "run started",
            **folded(first=True),
            "mode": "act",
            "due": "2026-11-22T12:00:00Z",
        },
        {
            "severity": "INFO",
            "message": "run finished",
            **folded(last=True),
            "event_kind": "run",
            "status": "ok",
            "summary": "deleted 5 pods",
            "mode": "act",
            "seconds": 2.0,
            "next_run": "2026-11-29T03:17:00Z",
        },
    ]


async def test_the_line_has_the_figures_that_a_person_wants(run_of, log_lines):
    changes = tuple(Change(object=POD, verb="delete", result=result) for result in ("done", "done", "left"))
    run = run_of(
        status=Status.PARTIAL,
        error="two went, one is left",
        changes=changes,
        considered=(Considered(object=POD, decision="keep", rule="young"),) * 4,
        findings=(Finding(subject="a/b", message="over the limit"),),
        metrics={"listed_pods": 9},
        attempts=2,
        waited_seconds=1.5,
        late_seconds=61,
    )

    await LogSink(lambda _: None).emit(run)

    (line,) = log_lines()
    assert {key: value for key, value in line.items() if key not in FOLDED} == {
        "severity": "WARNING",
        "message": "run finished",
        "event_kind": "run",
        "status": "partial",
        "summary": "deleted 5 pods",
        "mode": "run",
        "seconds": 2.0,
        "error": "two went, one is left",
        "attempts": 2,
        "waited_seconds": 1.5,
        "late_seconds": 61,
        "changes": {"done": 2, "left": 1},
        "considered": 4,
        "findings": ["a/b: over the limit"],
        "figures": {"listed_pods": 9},
    }


@pytest.mark.parametrize(
    ("status", "severity"),
    [
        (Status.OK, "INFO"),
        (Status.ATTENTION, "WARNING"),
        (Status.PARTIAL, "WARNING"),
        (Status.REFUSED, "WARNING"),
        (Status.SKIPPED, "WARNING"),
        (Status.INTERRUPTED, "WARNING"),
        (Status.MISSED, "WARNING"),
        (Status.FAILED, "ERROR"),
        (Status.CRASHED, "ERROR"),
        (Status.TIMED_OUT, "ERROR"),
    ],
)
async def test_the_severity_says_how_soon_somebody_should_look(run_of, log_lines, status, severity):
    await LogSink(lambda _: None).emit(run_of(status=status))

    (line,) = log_lines()
    assert (line["severity"], line["status"]) == (severity, status)


async def test_a_crash_carries_its_traceback_to_error_reporting(run_of, log_lines):
    await LogSink(lambda _: None).emit(run_of(status=Status.CRASHED, traceback="Traceback:\nKeyError: 'a'\n"))

    (line,) = log_lines()
    assert line["message"] == "run finished\nTraceback:\nKeyError: 'a'"
    assert line["@type"].endswith("ReportedErrorEvent")


async def test_a_skipped_run_names_what_was_in_the_way_and_a_missed_one_how_many(run_of, log_lines):
    sink = LogSink(lambda _: None)

    await sink.emit(run_of(status=Status.SKIPPED, in_the_way="20261122T115900Z-tidy-000000"))
    await sink.emit(run_of(status=Status.MISSED, count=12))

    skipped, missed = log_lines()
    assert (skipped["in_the_way"], missed["missed"]) == ("20261122T115900Z-tidy-000000", 12)
