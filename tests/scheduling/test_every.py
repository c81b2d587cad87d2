"""Periods and jitter: steady, spread, and the same on every machine."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintd.scheduling.cron import Cron
from maintd.scheduling.every import Every
from maintd.scheduling.jitter import Jittered, stable_offset
from maintd.scheduling.schedule import upcoming

START = datetime(2026, 11, 23, 14, 43, 0, 250_000, tzinfo=UTC)
INSTANT = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
PERIOD = st.integers(1000, 10**9).map(lambda number: timedelta(milliseconds=number))
NAME = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=63)


def test_a_period_is_counted_from_the_epoch_and_moved_by_the_name():
    """The offsets are part of the promise: another release must not move anybody's jobs."""
    found = {name: upcoming(Every(timedelta(minutes=5), name), START, 2) for name in ("tidy-pods", "sample")}

    assert found == {
        "tidy-pods": [datetime(2026, 11, 23, 14, 46, 20, tzinfo=UTC), datetime(2026, 11, 23, 14, 51, 20, tzinfo=UTC)],
        "sample": [datetime(2026, 11, 23, 14, 46, 45, tzinfo=UTC), datetime(2026, 11, 23, 14, 51, 45, tzinfo=UTC)],
    }


def test_a_jittered_cron_moves_by_its_offset_and_says_so():
    nightly = Jittered(Cron("30 23 * * *"), timedelta(hours=1), "tidy-pods")

    assert upcoming(nightly, START, 2) == [
        datetime(2026, 11, 24, 0, 1, 20, tzinfo=UTC),
        datetime(2026, 11, 25, 0, 1, 20, tzinfo=UTC),
    ]
    assert nightly.words() == "At 23:30 every day, 31m20s later"


def test_a_jitter_of_nothing_changes_nothing():
    plain = Cron("30 23 * * *")

    assert upcoming(Jittered(plain, timedelta(0), "job"), START, 3) == upcoming(plain, START, 3)
    assert Jittered(plain, timedelta(milliseconds=900), "job").words() == "At 23:30 every day"


def test_every_second_is_every_second():
    assert upcoming(Every(timedelta(seconds=1), "job"), START, 2) == [
        datetime(2026, 11, 23, 14, 43, 1, tzinfo=UTC),
        datetime(2026, 11, 23, 14, 43, 2, tzinfo=UTC),
    ]


def test_less_than_a_second_is_refused():
    with pytest.raises(ValueError, match="every: 500ms is too often; the least is 1s"):
        Every(timedelta(milliseconds=500), "job")


def test_a_period_says_itself_in_words():
    assert Every(timedelta(minutes=90), "job").words() == "Every 1h30m"


@pytest.mark.parametrize(
    "schedule",
    [Every(timedelta(days=1), "job"), Jittered(Cron("@daily"), timedelta(hours=5), "job")],
)
def test_no_more_is_due_where_time_ends(schedule):
    assert schedule.after(datetime.max.replace(tzinfo=UTC)) is None


@pytest.mark.parametrize(
    "schedule",
    [Every(timedelta(days=1), "job"), Jittered(Cron("@daily"), timedelta(hours=5), "job")],
)
def test_an_instant_without_a_zone_is_refused_by_every_schedule(schedule):
    with pytest.raises(ValueError, match="has no zone"):
        schedule.after(datetime(2026, 11, 23))


def test_names_spread_over_the_whole_span():
    offsets = [stable_offset(f"job-{number}", timedelta(minutes=1)).seconds for number in range(2000)]

    assert set(offsets) == set(range(60))
    assert max(offsets.count(second) for second in range(60)) < 70


@given(PERIOD, NAME, INSTANT)
def test_a_period_never_drifts_whatever_instant_one_asks_from(period, name, start):
    first, second, third = upcoming(Every(period, name), start, 3)

    assert start < first <= start + period
    assert (second - first, third - second) == (period, period)
    assert Every(period, name).after(first - timedelta(microseconds=1)) == first


@given(st.sampled_from(["* * * * *", "17 3 * * sun", "0 */6 * * *", "@monthly"]), PERIOD, NAME, INSTANT)
def test_jitter_keeps_order_and_count(expression, jitter, name, start):
    plain = Cron(expression, "America/New_York")
    offset = stable_offset(name, jitter)

    found = upcoming(Jittered(plain, jitter, name), start, 3)

    assert timedelta(0) <= offset < jitter
    assert [due - offset for due in found] == upcoming(plain, start - offset, 3)
    assert start < found[0] < found[1] < found[2]
