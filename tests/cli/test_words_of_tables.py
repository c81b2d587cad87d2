"""Times and results as tables say them."""

from datetime import UTC, datetime, timedelta

import pytest

from maintd.cli.present import decisions
from maintd.cli.tables import age, took
from maintd.core.outcome import Change, Considered, ObjectRef, Run, Status

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-0.4, "now"),
        (0.4, "now"),
        (1, "in 1s"),
        (-1, "1s ago"),
        (75, "in 1m15s"),
        (-3 * 3600 - 7 * 60 - 1, "3h7m ago"),
    ],
)
def test_an_instant_that_is_this_second_is_now(seconds, words):
    assert age(NOON + timedelta(seconds=seconds), NOON) == words


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "<1ms"), (0.0004, "<1ms"), (0.004, "4ms"), (0.3996, "400ms"), (1, "1s"), (740, "12m")]
)
def test_what_took_less_than_a_second_is_told_in_milliseconds(seconds, words):
    assert took(seconds) == words


def test_what_stays_is_kept_whether_the_kind_or_a_rail_let_it_be():
    job, rail, goes = (ObjectRef(resource="pods", namespace="shop", name=name) for name in ("job", "rail", "goes"))
    run = Run(
        run_id="20261122T120000Z-tidy-abc",
        job="tidy",
        kind="cleanup-pods",
        started=NOON,
        ended=NOON,
        status=Status.OK,
        summary="",
        considered=(
            Considered(object=job, decision="keep", rule="left to its Job"),
            Considered(object=rail, decision="keep", rule="annotation"),
            Considered(object=goes, decision="delete", rule="old"),
        ),
        changes=(
            Change(object=rail, verb="delete", result="kept", reason="annotation"),
            Change(object=goes, verb="delete", result="planned"),
        ),
    )

    assert decisions(run) == [
        ("pods shop/job", "kept", "left to its Job"),
        ("pods shop/rail", "kept", "annotation"),
        ("pods shop/goes", "would delete", "old"),
    ]
