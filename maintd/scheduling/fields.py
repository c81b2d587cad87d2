"""The five fields of a crontab line, read strictly: what is not wholly understood is refused with a remedy.

The rules are those of crontab(5) in Debian's cron. What other crons add (`L`, `W`, `#`, `?`, seconds, `5/15`) means
something else in each of them, so it is named and refused rather than guessed.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from maintd.core.text import did_you_mean

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_LONGEST = 1000
_LAST_DAY = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TERM = re.compile(r"(?:(?P<star>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)
_FOREIGN = (
    (re.compile(r".*#.*"), "the nth weekday of a month cannot be said in cron; write the weekday, or days like 1-7"),
    (re.compile(r"\?"), "that is Quartz; write * instead"),
    (re.compile(r"h\b.*"), "that is Jenkins; write a number, and spread jobs with jitter:"),
    (re.compile(r".*~.*"), "random times are not supported; write a number, and spread jobs with jitter:"),
    (
        re.compile(r"l(ast)?w?(-.*)?|.*\dl|\w{3}l"),
        "`last` cannot be said in cron; write a day every month has, like 28",
    ),
    (re.compile(r"\d*w"), "the nearest working day cannot be said in cron; write weekdays, like mon-fri"),
)


class Fields(NamedTuple):
    """What the five fields match."""

    text: str
    """Five fields, in lower case, one space apart; macros are written out."""
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    """Sunday is 0."""
    wild: bool
    """Minute or hour begins with a literal `*`, which decides what a clock change means."""
    both_days: bool
    """A day must match both day fields, since one of them begins with a `*`; else either is enough."""


def parse(expression: str) -> Fields:
    """Read a crontab expression. ValueError says what is wrong and what to write instead."""
    words = _words(expression)
    sets = [_values(field, word) for field, word in zip(_FIELDS, words, strict=True)]
    minutes, hours, days, months, weekdays = sets
    wild = words[0].startswith("*") or words[1].startswith("*")
    both_days = words[2].startswith("*") or words[4].startswith("*")
    if both_days and min(days) > max(_LAST_DAY[month - 1] for month in months):
        named = ", ".join(_MONTH.names[month - 1] for month in sorted(months))
        raise ValueError(f"{' '.join(words)} never comes: there is no day {min(days)} in {named}; write an earlier day")
    return Fields(" ".join(words), minutes, hours, days, months, frozenset(d % 7 for d in weekdays), wild, both_days)


@lru_cache(maxsize=1024)
def _values(field: "_Field", word: str) -> frozenset[int]:
    """The jobs of a file say the same few words over and over."""
    return field.values(word)


def _words(expression: str) -> list[str]:
    text = expression.strip(" \t\r\n").lower()
    if not text:
        raise ValueError("the schedule is empty; write five fields, like 17 3 * * sun")
    if len(text) > _LONGEST:
        raise ValueError(f"the schedule is longer than {_LONGEST} characters; write five fields, like 17 3 * * sun")
    strange = next((char for char in text if not " " <= char <= "~" and char != "\t"), None)
    if strange is not None:
        named = f"{strange!r} (U+{ord(strange):04X})"
        raise ValueError(f"{named} does not belong in a schedule; type 0-9, names like mon, and * , - / only")
    words = text.split()
    if words[0].startswith("@"):
        words = _macro(text).split()
    if len(words) != len(_FIELDS):
        raise ValueError(_miscounted(words))
    return words


def _macro(text: str) -> str:
    if text in MACROS:
        return MACROS[text]
    if text == "@reboot":
        raise ValueError("@reboot is no time: a restart of maintd is not one of the cluster; use every: or @daily")
    if text.startswith("@every"):
        raise ValueError(f"{text} is not cron; write the period under every: instead of schedule:")
    raise ValueError(f"{text} is not a schedule{did_you_mean(text, MACROS) or '; write one of ' + ' '.join(MACROS)}")


def _miscounted(words: list[str]) -> str:
    shape = "minute, hour, day of the month, month, day of the week"
    if "tz=" in words[0]:
        return f"{words[0]} does not belong in a schedule; write the zone under timezone:"
    if len(words) < len(_FIELDS):
        return f"{len(words)} of 5 fields ({shape}); write * for what does not matter"
    remedy = "leave out seconds, years and commands, or use every: 30s"
    return f"{len(words)} fields where cron has 5 ({shape}); {remedy}"


class _Field(NamedTuple):
    title: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    """The first one means `low`."""

    def values(self, text: str) -> frozenset[int]:
        """Every value that the field's text matches."""
        return frozenset(value for term in text.split(",") for value in self._term(term))

    def _term(self, term: str) -> range:
        if not term:
            raise ValueError(
                f"a comma in the {self.title} field has nothing on one side; write it like 1,2 or leave it out"
            )
        for pattern, remedy in _FOREIGN:
            if pattern.fullmatch(term):
                raise ValueError(f"{term} is not {self._one}: {remedy}")
        found = _TERM.fullmatch(term)
        if found is None:
            example = f"*, {self.low}, {self.low}-{self.low + 4} or */2"
            raise ValueError(f"{term!r} is not {self._one}; write {example}")
        first, last, step = found["first"], found["last"], found["step"]
        if step and first and not last:
            raise ValueError(f"{term}: a step needs a range; write {first}-{self._top(first)}/{step} or */{step}")
        values = self._range(first, last or first) if first else range(self.low, self.high + 1)
        return self._stepped(values, term, int(step)) if step else values

    def _range(self, first: str, last: str) -> range:
        start, end = self._number(first), self._number(last)
        if start > end:
            wrapped = f"{_span(first, self._top(first))},{_span(self._bottom(last), last)}"
            raise ValueError(f"{first}-{last} runs backwards; write {wrapped}")
        return range(start, end + 1)

    def _number(self, word: str) -> int:
        if word in self.names:
            return self.low + self.names.index(word)
        if not word.isdecimal() or not self.low <= int(word) <= self.high:
            named = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
            near = did_you_mean(word, self.names)
            raise ValueError(f"{word} is not {self._one}; write {self.low}-{self.high}{named}{near}")
        return int(word)

    def _stepped(self, values: range, term: str, step: int) -> range:
        if step == 0:
            raise ValueError(f"{term} never moves on; write a step of 1 or more")
        if step > self.high:
            raise ValueError(f"{term} would match {self.title} {values[0]} alone; write {values[0]} if that is meant")
        return values[::step]

    @property
    def _one(self) -> str:
        return f"an {self.title}" if self.title == "hour" else f"a {self.title}"

    def _top(self, like: str) -> str:
        return self.names[-1] if like in self.names else str(self.high)

    def _bottom(self, like: str) -> str:
        return self.names[0] if like in self.names else str(self.low)


def _span(first: str, last: str) -> str:
    return first if first == last else f"{first}-{last}"


_MONTH = _Field("month", 1, 12, ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))
_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _MONTH,
    _Field("day of the week", 0, 7, ("sun", "mon", "tue", "wed", "thu", "fri", "sat")),
)
