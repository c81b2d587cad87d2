"""One blip is no alarm, and a recovery is said once."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintd.core.outcome import Finding
from maintd.objects.streaks import Patience, Streak, Streaks, Turn

START = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(run: int) -> datetime:
    return START + timedelta(minutes=run)


def turns(history: list[bool], patience: Patience) -> list[Turn]:
    streak, seen = Streak(), []
    for run, ok in enumerate(history):
        streak, turn = streak.after(ok, patience, at(run))
        seen.append(turn)
    return seen


def down_by_definition(history: list[bool], patience: Patience) -> bool:
    """Down is whoever's row of results was last long enough: fail_after bad ones, or ok_after good ones."""
    for end in range(len(history), 0, -1):
        row = 1
        while row < end and history[end - row - 1] == history[end - 1]:
            row += 1
        if row >= (patience.ok_after if history[end - 1] else patience.fail_after):
            return not history[end - 1]
    return False


patiences = st.builds(Patience, fail_after=st.integers(1, 5), ok_after=st.integers(1, 5))


@given(st.lists(st.booleans(), max_size=40), patiences)
def test_down_means_a_long_enough_row_of_bad_runs_with_none_of_good_ones_since(history, patience):
    for length in range(1, len(history) + 1):
        turn = turns(history[:length], patience)[-1]

        assert (turn in (Turn.DOWN, Turn.MENDING)) is down_by_definition(history[:length], patience)


@given(st.lists(st.booleans(), max_size=60), patiences)
def test_each_time_down_is_followed_by_one_recovery_at_most(history, patience):
    seen = turns(history, patience)
    was_down = False
    for turn, ok in zip(seen, history, strict=True):
        assert (turn is Turn.RECOVERED) <= (was_down and ok)
        was_down = turn in (Turn.DOWN, Turn.MENDING)


@given(st.lists(st.booleans(), max_size=40), patiences)
def test_what_is_remembered_survives_json_and_is_nothing_when_all_is_fine(history, patience):
    memory = {}
    for run, ok in enumerate(history):
        memory = json.loads(json.dumps(memory))
        finding = Streaks(memory, patience, at(run)).judge("web", "" if ok else "slow")
        turn = turns(history[: run + 1], patience)[-1]

        assert (finding is None) is (turn is Turn.FINE)
        assert (memory == {}) is (turn in (Turn.FINE, Turn.RECOVERED))


def test_a_trouble_is_told_from_its_first_run_to_its_recovery():
    memory = {}
    patience = Patience(fail_after=3, ok_after=2)
    history = ["slow", "", "slow", "slow", "slower", "slow", "", "slow", "", "", ""]

    told = [Streaks(memory, patience, at(run)).judge("web", trouble, "look") for run, trouble in enumerate(history)]

    def found(severity, message, remedy=""):
        return Finding(severity=severity, subject="web", message=message, remedy=remedy)

    assert told == [
        found("info", "slow (1 of 3 runs in a row before it asks for attention)", "look"),
        None,
        found("info", "slow (1 of 3 runs in a row before it asks for attention)", "look"),
        found("info", "slow (2 of 3 runs in a row before it asks for attention)", "look"),
        found("error", "slower (since 2026-11-22T03:02:00Z)", "look"),
        found("error", "slow (since 2026-11-22T03:02:00Z)", "look"),
        found("warning", "good again, 1 of 2 runs in a row; was bad since 2026-11-22T03:02:00Z"),
        found("error", "slow (since 2026-11-22T03:02:00Z)", "look"),
        found("warning", "good again, 1 of 2 runs in a row; was bad since 2026-11-22T03:02:00Z"),
        found("info", "recovered; was bad since 2026-11-22T03:02:00Z"),
        None,
    ]


def test_names_count_for_themselves_and_are_forgotten_when_no_longer_watched():
    memory = {}
    streaks = Streaks(memory, Patience(fail_after=2), START)
    streaks.judge("a", "bad")
    streaks.judge("b", "bad")

    streaks.only(["b", "c"])

    assert list(memory["streaks"]) == ["b"]
    assert streaks.judge("a", "bad").severity == "info"
    assert streaks.judge("b", "bad").severity == "error"


def test_by_hand_trouble_is_told_at_once_and_nothing_is_counted():
    memory = {}
    Streaks(memory, Patience(fail_after=3), START).judge("web", "bad")
    before = dict(memory)
    by_hand = Streaks(memory, Patience(fail_after=3), START, by_hand=True)

    assert by_hand.judge("web", "very bad", "look") == Finding(
        severity="error", subject="web", message="very bad", remedy="look"
    )
    assert by_hand.judge("web", "") is None
    assert memory == before


@pytest.mark.parametrize(
    "bent",
    [
        None,
        [],
        "down",
        {"web": None},
        {"web": {"down": True}},
        {"web": {"down": "yes", "against": 1, "since": ""}},
        {"web": {"down": True, "against": -1, "since": ""}},
        {"web": {"down": True, "against": 0, "since": 5}},
    ],
)
def test_a_memory_bent_out_of_shape_is_as_good_as_none(bent):
    memory = {"streaks": bent, "other": 1}

    finding = Streaks(memory, Patience(fail_after=2), START).judge("web", "bad")

    assert finding.severity == "info"
    assert memory["other"] == 1
