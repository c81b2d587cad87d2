"""The file being read: its text, and the mistakes found so far."""

import re
from dataclasses import dataclass
from typing import NoReturn, Protocol

from maintd.config.mistakes import BadJobs, Mistake, Place
from maintd.config.veil import veiled
from maintd.core.text import sized

MAX_BYTES = 256 * 1024
MAX_MISTAKES = 100
LONGEST_MESSAGE = 400
"""So that a file which is wrong throughout costs neither the reader nor the machine much."""

_LINE_BREAK = re.compile("\r\n|[\n\r]")
_MARKS = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"), (b"\xef\xbb\xbf", "UTF-8 with a byte order mark"))


class Mark(Protocol):
    """Where something begins, counted from 0, as libyaml does."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


@dataclass(frozen=True, slots=True)
class At:
    """A mark of our own making."""

    line: int = 0
    column: int = 0


class Sheet:
    """A named text, on which mistakes are noted. Raises BadJobs for bytes that are not plain UTF-8 text."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.mistakes: list[Mistake] = []
        self._noted: set[tuple[Place, str]] = set()
        self._lines = _LINE_BREAK.split(data[:MAX_BYTES].decode("utf-8", "replace"))
        if len(data) > MAX_BYTES:
            self.stop(At(), f"the file is {sized(len(data))}, and at most {sized(MAX_BYTES)} are read", "split it up")
        for mark, encoding in _MARKS:
            if data.startswith(mark):
                self.stop(At(), f"the file is {encoding}", "save it as plain UTF-8")
        self.text = self._decoded(data)
        self._refuse_strange()

    def note(self, mark: Mark, path: str, message: str, remedy: str = "") -> None:
        """Write a mistake down, the first about a value; raises BadJobs when there are more than anybody would read."""
        place = Place(self.name, mark.line + 1, mark.column + 1)
        path, message, remedy = veiled(path), veiled(message)[:LONGEST_MESSAGE], veiled(remedy)[:LONGEST_MESSAGE]
        if (place, path) in self._noted:
            return
        self._noted.add((place, path))
        self.mistakes.append(Mistake(place, path, message, remedy, veiled(self.line(mark.line))))
        if len(self.mistakes) >= MAX_MISTAKES:
            raise BadJobs(self.name, self.mistakes, more=True)

    def stop(self, mark: Mark, message: str, remedy: str = "") -> NoReturn:
        """Raises BadJobs: what follows cannot be read."""
        self.note(mark, "", message, remedy)
        self.fail()

    def check(self) -> None:
        """Raises BadJobs if anything was noted."""
        if self.mistakes:
            self.fail()

    def fail(self) -> NoReturn:
        """Raises BadJobs with what was noted."""
        if not self.mistakes:
            self.note(
                At(), "", "the file cannot be used, and nothing says why", "that is a defect of maintd; report it"
            )
        raise BadJobs(self.name, self.mistakes)

    def line(self, number: int) -> str:
        """The text of a line, counted from 0; empty beyond the end."""
        return self._lines[number] if number < len(self._lines) else ""

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            before = _LINE_BREAK.split(data[: error.start].decode("utf-8"))
            mark = At(len(before) - 1, len(before[-1]))
            self.stop(mark, f"byte 0x{data[error.start]:02x} is not UTF-8", "save the file as plain UTF-8")

    def _refuse_strange(self) -> None:
        for number, line in enumerate(self._lines):
            if line.isprintable():
                continue
            for column, char in enumerate(line):
                if _is_strange(char):
                    remedy = "the file may be UTF-16; save it as plain UTF-8" if char == "\0" else "remove it"
                    self.stop(At(number, column), f"the character U+{ord(char):04X} cannot be used here", remedy)


def _is_strange(char: str) -> bool:
    """What YAML forbids, and the line breaks of YAML 1.1 that no editor shows."""
    return (char < " " and char != "\t") or "\x7f" <= char <= "\x9f" or char in "\u2028\u2029\ufeff\ufffe\uffff"
