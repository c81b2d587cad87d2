"""Cron expressions: what they mean, what is refused, and that two other libraries agree where they are right.

`golden.tsv` holds expression, zone, start, and the next three due instants; tabs between, `#` for what a block is
about. `nonsense.jsonl` holds expression, zone, and the whole message.
"""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from croniter import croniter
from cronsim import CronSim
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from maintd.scheduling.cron import Cron
from maintd.scheduling.fields import MACROS
from maintd.scheduling.schedule import upcoming
from maintd.scheduling.zones import check_zone, zone, zone_names

HERE = Path(__file__).parent
ROWS = [line.split("\t") for line in (HERE / "golden.tsv").read_text().splitlines() if not line.startswith("#")]
GOLDEN = [
    (row[0], row[1], datetime.fromisoformat(row[2]), [datetime.fromisoformat(due) for due in row[3:]]) for row in ROWS
]
NONSENSE = [json.loads(line) for line in (HERE / "nonsense.jsonl").read_text().splitlines()]

TWICE = "due twice where a fixed time comes twice"
JUMPED = "due where clocks jumped over the time of a schedule with a star"
CRONITER_IS_WRONG = {
    ("0 */2 * * *", "America/New_York", "2026-03-08T04:00:00Z"): JUMPED,
    ("* 2 * * *", "America/New_York", "2026-03-08T04:00:00Z"): JUMPED,
    ("0 */2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z"): JUMPED,
    ("30 1 * * *", "America/New_York", "2026-10-31T12:00:00Z"): TWICE,
    ("0 1 * * *", "America/New_York", "2026-11-01T04:00:00Z"): TWICE,
    ("30 1,2 * * *", "America/New_York", "2026-11-01T04:00:00Z"): TWICE,
    ("30 1 * * *", "America/New_York", "2026-11-01T06:00:00Z"): TWICE,
    ("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"): TWICE,
    ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z"): TWICE,
    ("30 23 * * *", "Africa/Cairo", "2026-10-28T22:00:00Z"): TWICE,
    ("30 23 * * sat", "America/Santiago", "2026-04-04T00:00:00Z"): TWICE,
    ("30 0 * * *", "Atlantic/Azores", "2026-10-24T12:00:00Z"): TWICE,
    ("0 3 * * *", "Pacific/Chatham", "2026-04-04T00:00:00Z"): TWICE,
    ("30 1 * * *", "Antarctica/Troll", "2026-10-24T12:00:00Z"): TWICE,
    ("30 2 * * *", "Africa/Casablanca", "2026-02-14T00:00:00Z"): TWICE,
    ("30 1 * * *", "Europe/Dublin", "2026-10-24T12:00:00Z"): TWICE,
}
CRONSIM_IS_WRONG = {
    ("30 * * * *", "Australia/Lord_Howe", "2026-04-04T14:00:00Z"): "lost: it steps by whole hours",
    ("30 * * * *", "Australia/Lord_Howe", "2026-10-03T14:00:00Z"): "lost: it steps by whole hours",
    ("30 1 * * *", "America/New_York", "2026-11-01T06:00:00Z"): "names an instant before the one it was given",
}


def key(expression: str, name: str, start: datetime) -> tuple[str, str, str]:
    return expression, name, f"{start.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def test_the_corpus_is_as_large_as_it_claims():
    assert (len(GOLDEN) >= 150, len(NONSENSE) >= 60) == (True, True)


def test_an_expression_is_due_when_cron_would_run_it():
    found = {key(*row[:3]): upcoming(Cron(row[0], row[1]), row[2], 3) for row in GOLDEN}

    assert found == {key(*row[:3]): row[3] for row in GOLDEN}


def test_croniter_agrees_wherever_it_is_right():
    def found(expression: str, name: str, start: datetime) -> list[datetime]:
        other = croniter(expression, start.astimezone(zone(name)), implement_cron_bug=True)
        return [other.get_next(datetime).astimezone(UTC) for _ in range(3)]

    assert {key(*row[:3]) for row in GOLDEN if found(*row[:3]) != row[3]} == set(CRONITER_IS_WRONG)


def test_cronsim_agrees_wherever_it_is_right():
    def found(expression: str, name: str, start: datetime) -> list[datetime]:
        other = CronSim(MACROS.get(expression.lower(), expression), start.astimezone(zone(name)))
        return [next(other).astimezone(UTC) for _ in range(3)]

    assert {key(*row[:3]) for row in GOLDEN if found(*row[:3]) != row[3]} == set(CRONSIM_IS_WRONG)


def test_nonsense_is_refused_with_a_remedy():
    def message(expression: str, name: str) -> str:
        try:
            return f"taken as {Cron(expression, name)}"
        except ValueError as refused:
            return str(refused)

    assert [[*row[:2], message(*row[:2])] for row in NONSENSE] == NONSENSE


def test_an_endless_expression_is_refused_before_it_is_read():
    with pytest.raises(ValueError, match="longer than 1000 characters"):
        Cron("1," * 100_000 + "1 * * * *")


def test_every_zone_of_tzdata_is_known():
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)

    late = [name for name in zone_names() if not noon < Cron("0 0 * * *", name).after(noon) <= noon + timedelta(days=1)]

    assert late == []
    assert len(zone_names()) > 590


def test_an_abbreviation_is_no_place_and_the_place_that_is_named_instead_has_the_same_clocks():
    days = [datetime(2026, 1, 1, 12, tzinfo=UTC) + day * timedelta(days=1) for day in range(365)]

    def clocks(name: str) -> list[timedelta | None]:
        return [day.astimezone(zone(name)).utcoffset() for day in days]

    named = {}
    for name in ("CET", "CST6CDT", "EET", "EST", "EST5EDT", "HST", "MET", "MST", "MST7MDT", "PST8PDT", "WET"):
        with pytest.raises(ValueError, match="is an old abbreviation and not a place") as refused:
            check_zone(name)
        named[name] = str(refused.value).partition("write ")[2].partition(" ")[0]

    assert named["EST5EDT"] == "America/New_York"
    assert {name for name, place in named.items() if clocks(name) != clocks(place)} == set()
    assert [check_zone(place) for place in [*named.values(), "Etc/UTC", "UTC"]] == [None] * (len(named) + 2)


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="2026-11-23T14:43:00 has no zone; write 2026-11-23T14:43:00Z if it is UTC"):
        Cron("0 0 * * *").after(datetime(2026, 11, 23, 14, 43))


def test_no_more_is_due_where_the_calendar_ends():
    assert Cron("0 0 29 2 *").after(datetime(9999, 6, 1, tzinfo=UTC)) is None
    assert Cron("0 0 * * *", "Pacific/Kiritimati").after(datetime.max.replace(tzinfo=UTC)) is None


def test_the_rarest_date_is_found_across_a_century_without_a_leap_year():
    sundays = Cron("0 0 29 2 */7")

    assert upcoming(sundays, datetime(2088, 3, 1, tzinfo=UTC), 1) == [datetime(2128, 2, 29, tzinfo=UTC)]


def test_schedules_are_values():
    assert Cron("0  3 * * *", "Europe/Berlin") == Cron(" 0 3 * * * ", "Europe/Berlin")
    assert hash(Cron("0  3 * * *")) == hash(Cron("0 3 * * *"))
    assert Cron("0 3 * * *", "Europe/Berlin") != Cron("0 3 * * *")
    assert Cron("0 3 * * *") != Cron("0 4 * * *")
    assert Cron("0 3 * * *") != "0 3 * * *"
    assert (Cron("0  3 * * *").expression, Cron("0 3 * * *").timezone) == ("0 3 * * *", "Etc/UTC")
    assert repr(Cron("0 3 * * *")) == "Cron('0 3 * * *', 'Etc/UTC')"


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("* * * * *", "Every minute"),
        ("*/5 * * * *", "Every fifth minute of every hour"),
        ("@hourly", "At the start of every hour"),
        ("@daily", "At 00:00 every day"),
        ("17 3 * * sun", "At 03:17 on Sunday"),
        ("17 3 * * 7", "At 03:17 on Sunday"),
        ("0 9 * * mon-fri", "At 09:00 on Monday through Friday"),
        ("0 0 22 * *", "At 00:00 on the 22nd day of every month"),
        (
            "0 0 11,12,13,21,23,31 * *",
            "At 00:00 on the 11th, the 12th, the 13th, the 21st, the 23rd, and the 31st day of month",
        ),
        ("0 0 13 * 5", "At 00:00 on the 13th day of month or on Friday"),
        ("0 0 */2 * mon", "At 00:00 on every second day of month if it's on Monday"),
        ("0 0 29 feb *", "At 00:00 on February 29"),
    ],
)
def test_a_schedule_can_say_itself_in_words(expression, words):
    assert Cron(expression).words() == words


def test_every_schedule_of_the_corpus_has_words():
    assert [expression for expression, *_ in GOLDEN if len(Cron(expression).words()) < 10] == []


def field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    span = st.tuples(number, number).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.integers(1, 4).map(lambda by: f"*/{by}" if by <= high - low else "*")
    item = st.one_of(number.map(str), span)
    return st.one_of(st.just("*"), step, st.lists(item, min_size=1, max_size=3).map(",".join))


EXPRESSION = st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)).map(" ".join)
INSTANT = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC))


@settings(max_examples=200)
@given(EXPRESSION, st.sampled_from(sorted(zone_names())), INSTANT)
def test_due_instants_follow_each_other_and_do_not_depend_on_where_one_starts(expression, name, start):
    try:
        cron = Cron(expression, name)
    except ValueError:  # 30 February
        reject()
    first, second, third = upcoming(cron, start, 3)
    halfway = first + (second - first) / 2

    assert start < first < second < third
    assert cron.after(first - timedelta(microseconds=1)) == first
    assert cron.after(halfway) == second
    assert cron.after(second - timedelta(microseconds=1)) == second
    assert (first.second, first.microsecond, first.tzinfo) == (0, 0, UTC)
