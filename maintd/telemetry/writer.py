"""Lines to a stream, from a thread of their own: a reader that sleeps holds up nobody who logs."""

import os
import select
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final, TextIO

MOST_WAITING: Final = 4 * 1024 * 1024
"""Bytes that wait for a slow reader; lines beyond are dropped, counted, and spoken of when it reads again."""


class LineWriter:
    """Takes lines at once, writes them when the reader lets it."""

    def __init__(self, stream: TextIO, report: Callable[[int], bytes]) -> None:
        """`report(count)` is the line that says how many were dropped since the last such line."""
        self._put, self._end = _opened(stream)
        self._report = report
        self._lines: SimpleQueue[bytes | None] = SimpleQueue()
        # Each figure is changed by one side only, so that no lock is held while a line is written.
        self._taken = 0
        self._done = 0
        self._refused = 0
        self._lost = 0
        self._reported = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines that nobody will read."""
        return self._refused + self._lost

    def write(self, line: bytes) -> None:
        """Take one line, with its newline; never blocks. Called by one thread at a time."""
        if self._taken - self._done + len(line) > MOST_WAITING:
            self._refused += 1
            return
        self._taken += len(line)
        self._lines.put(line)

    def close(self, seconds: float) -> None:
        """Write what waits, for at most so long."""
        self._lines.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            if not self._written(line):
                self._lost += 1
            elif self._lines.empty():
                self._own_up()
            self._done += len(line)
        self._own_up()
        self._end()

    def _own_up(self) -> None:
        dropped = self.dropped
        if dropped > self._reported and self._written(self._report(dropped - self._reported)):
            self._reported = dropped

    def _written(self, line: bytes) -> bool:
        try:
            self._put(line)
        except (OSError, ValueError):  # the reader is gone, or the stream was closed
            return False
        return True


def _opened(stream: TextIO) -> tuple[Callable[[bytes], object], Callable[[], None]]:
    """How to write a line to the stream, and what to do after the last one."""
    try:
        # Our own descriptor: whoever closes the stream cannot make us write into a file that comes after it.
        descriptor = os.dup(stream.fileno())
    except OSError:
        return lambda line: stream.write(line.decode()), stream.flush
    return lambda line: _write_all(descriptor, line), lambda: os.close(descriptor)


def _write_all(descriptor: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        try:
            rest = rest[os.write(descriptor, rest) :]
        except BlockingIOError:
            writable = select.poll()
            writable.register(descriptor, select.POLLOUT)
            writable.poll()
