"""Every clock change from 2026 to 2031, in every zone that has one, against a count of real minutes.

The oracle is Debian's cron as its source walks it: minute by real minute, with the furthest wall time seen so far.
It shares no code with maintd: no field parser, no search, no arithmetic on offsets.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from maintd.scheduling.cron import Cron
from maintd.scheduling.zones import zone, zone_names

MINUTE = timedelta(minutes=1)
BEFORE, BEHIND = timedelta(minutes=130), timedelta(minutes=190)
EXPRESSIONS = (
    # fixed times: once a wall time
    "0 0 * * *",
    "30 0 * * *",
    "30 1 * * *",
    "45 1 * * *",
    "0 2 * * *",
    "15 2 * * *",
    "30 2 * * *",
    "0 3 * * *",
    "30 23 * * *",
    "15 2,3 * * *",
    "0,30 0-3 * * *",
    "5-55/10 0-4 * * *",
    "7 0-23 * * *",
    "30 0 * * 0,6",
    "0 0 29 3 5",
    # a star in minute or hour: each real minute that matches
    "*/4 * * * *",
    "*/15 * * * *",
    "30 * * * *",
    "@hourly",
    "*/20 1-3 * * *",
    "*/30 0 * * *",
    "0 */2 * * *",
    "17,47 */1 * * sat",
    "*/10 2 1-7 * */7",
)


class Change(NamedTuple):
    zone: ZoneInfo
    at: datetime
    shift: timedelta


class Oracle:
    """Which real minutes an expression is due at."""

    def __init__(self, expression: str) -> None:
        fields = expression.replace("@hourly", "0 * * * *").replace("sat", "6").split()
        ranges = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
        self.minutes, self.hours, self.days, self.months, self.weekdays = (
            {value for item in field.split(",") for value in self._values(item, low, high)}
            for field, (low, high) in zip(fields, ranges, strict=True)
        )
        self.wild = "*" in (fields[0][0], fields[1][0])
        self.both = "*" in (fields[2][0], fields[4][0])

    @staticmethod
    def _values(item: str, low: int, high: int) -> range:
        span, _, step = item.partition("/")
        start, _, end = span.replace("*", f"{low}-{high}").partition("-")
        return range(int(start), int(end or start) + 1, int(step or 1))

    def matches(self, wall: datetime) -> bool:
        if wall.minute not in self.minutes or wall.hour not in self.hours or wall.month not in self.months:
            return False
        days = (wall.day in self.days, wall.weekday() + 1 in self.weekdays or (wall.weekday() + 1) % 7 in self.weekdays)
        return all(days) if self.both else any(days)

    def due(self, minutes: list[tuple[datetime, datetime]]) -> list[datetime]:
        """`minutes` are (real, wall) pairs in order; the first one is only where we come from."""
        if self.wild:
            return [real for real, wall in minutes[1:] if self.matches(wall)]
        furthest, found = minutes[0][1], []
        for real, wall in minutes[1:]:
            if wall > furthest:
                if any(map(self.matches, _walk(furthest + MINUTE, wall))):
                    found.append(real)
                furthest = wall
        return found


def _walk(start: datetime, end: datetime) -> Iterator[datetime]:
    while start <= end:
        yield start
        start += MINUTE


def changes(names: frozenset[str], start: datetime, end: datetime) -> dict[tuple[Change, ...], list[str]]:
    """The clock changes in [start, end) of every zone that has one; zones that change alike share an entry."""
    found = defaultdict(list)
    for name in sorted(names):
        rules, here, changed = zone(name), start, []
        while here < end:
            there = here + timedelta(days=3)
            if offset(rules, here) != offset(rules, there):
                changed.append(narrowed(rules, here, there))
            here = there
        if changed:
            key = tuple((change.at, change.shift, offset(rules, change.at)) for change in changed)
            found[key].append((name, tuple(changed)))
    return {zones[0][1]: [name for name, _ in zones] for zones in found.values()}


def offset(rules: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(rules).utcoffset()


def narrowed(rules: ZoneInfo, before: datetime, after: datetime) -> Change:
    shift = offset(rules, after) - offset(rules, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if offset(rules, middle) == offset(rules, after):
            after = middle
        else:
            before = middle
    return Change(rules, after.replace(microsecond=0), shift)


def real_minutes(change: Change, before: timedelta = BEFORE, behind: timedelta = BEHIND) -> list:
    """The (real, wall) minutes around a change."""
    real = _walk(change.at - before, change.at + behind)
    return [(minute, minute.astimezone(change.zone).replace(tzinfo=None)) for minute in real]


def walked(after: Callable[[datetime], datetime | None], start: datetime, end: datetime) -> list[datetime]:
    found = []
    while (start := after(start)) is not None and start <= end:
        found.append(start)
    return found


@pytest.fixture(scope="module")
def six_years() -> dict[tuple[Change, ...], list[str]]:
    return changes(zone_names(), datetime(2026, 1, 1, tzinfo=UTC), datetime(2032, 1, 1, tzinfo=UTC))


def difference(after: Callable[[datetime], datetime | None], minutes: list, expected: list[datetime]) -> str:
    """What differs, walking from due instant to due instant and from instants between them; nothing if nothing."""
    first, last = minutes[0][0], minutes[-1][0]
    found = walked(after, first, last)
    if found != expected:
        lost, more = (
            [f"{at:%d %H:%M}" for at in expected if at not in found],
            [at for at in found if at not in expected],
        )
        return f"lost {lost}, more {[f'{at:%d %H:%M}' for at in more]}"
    starts = [first + timedelta(minutes=53 * n, seconds=n) for n in range((last - first) // timedelta(minutes=53))]
    for start in starts:
        following = next((at for at in expected if at > start), None)
        if following and after(start) != following:
            return f"from {start:%d %H:%M:%S} on: {after(start):%d %H:%M}, not {following:%d %H:%M}"
    return ""


def differences(groups: dict, after: Callable[[str, ZoneInfo], Callable]) -> tuple[dict[str, dict[str, str]], int]:
    """Zone → expression → what differs around a change; and how many comparisons were made."""
    wrong, compared = defaultdict(dict), 0
    oracles = {expression: Oracle(expression) for expression in EXPRESSIONS}
    for change in (change for group in groups for change in group):
        minutes = real_minutes(change)
        for expression, oracle in oracles.items():
            compared += 1
            if differs := difference(after(expression, change.zone), minutes, oracle.due(minutes)):
                wrong[change.zone.key][expression] = differs
    return dict(wrong), compared


@cache
def by_maintd(expression: str, rules: ZoneInfo) -> Callable[[datetime], datetime | None]:
    return Cron(expression, rules.key).after


def by_cronsim(expression: str, rules: ZoneInfo) -> Callable[[datetime], datetime]:
    """cronsim as it comes."""
    text = expression.replace("@hourly", "0 * * * *")
    return lambda start: next(CronSim(text, start.astimezone(rules))).astimezone(UTC)


def test_no_job_is_lost_or_doubled_by_any_clock_change_in_any_zone(six_years):
    wrong, compared = differences(six_years, by_maintd)

    zones, times = sum(map(len, six_years.values())), sum(map(len, six_years))
    alike = sum(len(group) * len(names) for group, names in six_years.items())
    print(f"{zones} zones, {alike} changes ({times} different), {len(EXPRESSIONS)} expressions: {compared} compared")
    assert wrong == {}
    assert (zones > 190, times > 300, compared > 7000) == (True, True, True)


def test_the_comparison_catches_a_library_that_is_wrong_for_half_hours(six_years):
    lord_howe = {group: names for group, names in six_years.items() if "Australia/Lord_Howe" in names}

    wrong, _ = differences(lord_howe, by_cronsim)

    (differs,) = wrong.values()
    assert {expression: differs[expression] for expression in ("30 * * * *", "0 */2 * * *")} == {
        "30 * * * *": "lost ['04 15:30'], more []",
        "0 */2 * * *": "lost ['05 15:30'], more []",
    }


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("Pacific/Apia", 2011),  # a whole day that never was
        ("America/Caracas", 2016),  # half an hour forward, for good
        ("Asia/Pyongyang", 2015),  # half an hour back, for good
        ("America/Goose_Bay", 2010),  # changes at a minute past midnight
        ("Africa/Casablanca", 2025),  # summer time all year, but for Ramadan
        ("Europe/Lisbon", 1992),  # joined another zone and its summer time at once
        ("Asia/Kathmandu", 1986),  # a quarter of an hour
        ("Antarctica/Casey", 2018),  # three hours back
    ],
)
def test_changes_that_nobody_expects_are_kept_too(name, year):
    found = changes(frozenset({name}), datetime(year - 1, 12, 20, tzinfo=UTC), datetime(year, 12, 31, tzinfo=UTC))

    wrong, compared = differences(found, by_maintd)

    assert wrong == {}
    assert compared >= len(EXPRESSIONS)
