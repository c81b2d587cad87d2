"""What is wrong with a jobs.yaml, where, and what to write instead."""

from dataclasses import dataclass
from unicodedata import east_asian_width

from maintd.core.errors import ConfigError
from maintd.core.text import counted

_WIDTH = 100
_BEFORE = 60


@dataclass(frozen=True, slots=True)
class Place:
    """A character of a file; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to mend."""

    place: Place
    path: str
    """Which value: `jobs[0].params.older_than`; empty for the file itself."""
    message: str
    remedy: str = ""
    line_text: str = ""

    @property
    def sentence(self) -> str:
        """The mistake and its remedy: `unknown key; did you mean older_than?`."""
        return f"{self.message}; {self.remedy}" if self.remedy else self.message

    @property
    def headline(self) -> str:
        """One line: `jobs.yaml:6:16: jobs[0].params.older_then: unknown key; did you mean older_than?`."""
        return ": ".join(part for part in (str(self.place), self.path, self.sentence) if part)

    def report(self) -> str:
        """The headline, the line, cut to the width of a terminal, and a caret under the place."""
        if not self.line_text:
            return self.headline
        column = self.place.column - 1
        start = max(0, column - _BEFORE) if len(self.line_text) > _WIDTH else 0
        seen = "".join(char if char.isprintable() or char == "\t" else "�" for char in self.line_text)
        indent = "".join(map(_blank, seen[start:column]))
        return f"{self.headline}\n  {seen[start : start + _WIDTH]}\n  {indent}^"


def _blank(char: str) -> str:
    """As much room as the character takes."""
    if char == "\t":
        return char
    return "  " if east_asian_width(char) in "WF" else " "


class BadJobs(ConfigError):
    """A jobs.yaml with mistakes in it; as text it is their headlines, in the order of the file.

    The lines of the file itself are only in `report`, for the person who wrote them: logs go further.
    """

    def __init__(self, file: str, mistakes: list[Mistake], *, more: bool = False) -> None:
        self.file = file
        self.mistakes = tuple(sorted(mistakes, key=lambda one: (one.place.line, one.place.column, one.path)))
        self.more = more
        """Reading stopped at so many mistakes that there may be others."""
        super().__init__("\n".join([*(mistake.headline for mistake in self.mistakes), self.summary]))

    def report(self) -> str:
        """Every mistake with its line and a caret, and the closing line."""
        return "\n".join([*(mistake.report() for mistake in self.mistakes), self.summary])

    @property
    def summary(self) -> str:
        """The closing line: `3 mistakes in jobs.yaml`."""
        rest = ", and there may be more" if self.more else ""
        return f"{counted(len(self.mistakes), 'mistake')} in {self.file}{rest}"
