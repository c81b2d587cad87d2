"""Where every line goes: ours and those of the libraries, through one formatter, off the caller's thread.

A line that is bound to `job`, `kind` and `run_id` is folded with the others of its run in the Logs Explorer; the
first and the last of them say so with `first=True` and `last=True`.
"""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.stdlib import BoundLogger, LoggerFactory, ProcessorFormatter
from structlog.typing import EventDict, Processor, WrappedLogger

from maintd.telemetry.fields import Fields
from maintd.telemetry.lines import ConsoleLine, cloud_line, plain_line
from maintd.telemetry.writer import LineWriter

_OURS = "maintd"
_TAKEN = frozenset({"event", "_record", "_from_structlog"})
_FLUSH_SECONDS = 2.0


Format = Literal["auto", "json", "console", "plain"]
"""json for machines, console for eyes, plain for whoever typed a command; auto: console on a terminal, else json."""


class EventLog:
    """A logger of events and their fields, as core.ports.Log. No call raises, whatever the fields are.

    What would otherwise hear of it is most often an `except` that keeps a loop alive by saying what went wrong.
    """

    def __init__(self, logger: logging.Logger, fields: Mapping[str, Any]) -> None:
        self._logger = logger
        self._fields = fields

    def bind(self, /, **fields: Any) -> "EventLog":
        """A logger whose every event has these fields too."""
        return EventLog(self._logger, {**self._fields, **fields})

    def debug(self, event: str, /, **fields: Any) -> None:
        """What only a developer wants to know."""
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: Any) -> None:
        """What happened, as it should."""
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: Any) -> None:
        """What a person should see this week."""
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: Any) -> None:
        """What a person should see today; with `exc_info=error` its traceback goes to Error Reporting."""
        self._log(logging.ERROR, event, fields)

    def _log(self, level: int, event: str, fields: Mapping[str, Any]) -> None:
        if not self._logger.isEnabledFor(level):
            return
        try:
            self._logger.handle(self._record(level, event, fields))
        except Exception:  # noqa: BLE001 - a handler or a filter of somebody else's
            _count_unsaid()

    def _record(self, level: int, event: str, fields: Mapping[str, Any]) -> logging.LogRecord:
        said = {**self._fields, **fields}
        if not _TAKEN.isdisjoint(said):
            said = {key + "_" * (key in _TAKEN): value for key, value in said.items()}
        event_dict = _plain(self._logger, "", {"event": event, **said})
        (marked,), extra = ProcessorFormatter.wrap_for_formatter(self._logger, "", event_dict)
        # Not Logger.log: it looks up the call's file and line, which costs as much as all the rest and is not shown.
        record = logging.LogRecord(self._logger.name, level, "", 0, marked, None, None)
        record.__dict__ |= extra["extra"]
        return record


def _plain(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Made plain before any handler sees it: others may have attached one that chokes on less."""
    fields = Fields()
    return {key: value if key == "exc_info" else fields.plain(value, key) for key, value in event.items()}


def get(name: str) -> EventLog:
    """The logger of a module: `get(__name__)`."""
    full = name if name.partition(".")[0] == _OURS else f"{_OURS}.{name}"
    return EventLog(logging.getLogger(full), {})


class _Handler(logging.Handler):
    """Renders a line where it was logged, and leaves the writing to the writer."""

    def __init__(self, formatter: logging.Formatter, stream: TextIO) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self.writer = LineWriter(stream, self._dropped)

    def emit(self, record: logging.LogRecord) -> None:
        self.writer.write(self._line(record))

    def close(self) -> None:
        """Called by logging when the process ends."""
        self.writer.close(_FLUSH_SECONDS)
        super().close()

    def _line(self, record: logging.LogRecord) -> bytes:
        try:
            text = self.format(record)
        except Exception as error:  # noqa: BLE001 - a line that cannot be shown must not stop what was logging it
            text = self.format(_instead_of(record, error))
        return f"{text}\n".encode(errors="replace")

    def _dropped(self, count: int) -> bytes:
        event = f"{count} log lines dropped: the reader of the log was too slow"
        return self._line(_record(f"{_OURS}.telemetry", logging.WARNING, event))


def _instead_of(record: logging.LogRecord, error: Exception) -> logging.LogRecord:
    said = record.msg if isinstance(record.msg, str) else "an event"
    return _record(record.name, record.levelno, f"{said} (the rest cannot be shown: {type(error).__name__})")


def _record(name: str, level: int, event: str) -> logging.LogRecord:
    return logging.LogRecord(name, level, "", 0, event, None, None)


class _Formatter(ProcessorFormatter):
    """Spares our own records the copy that structlog makes for formatters that change them."""

    def __init__(self, line: Processor) -> None:
        super().__init__(processors=[line])
        self._render = line

    def format(self, record: logging.LogRecord) -> str:
        if not hasattr(record, "_logger"):
            return super().format(record)
        fields: Any = record.msg  # what structlog calls the event dict
        return str(self._render(None, "", {**fields, "_record": record, "_from_structlog": True}))


_handler: _Handler | None = None
_unsaid = 0


def _count_unsaid() -> None:
    global _unsaid  # noqa: PLW0603 - as below
    _unsaid += 1


def configure(log_format: Format = "auto", level: str = "info", stream: TextIO | None = None) -> None:
    """Send all lines from `level` up to `stream` (stdout), as JSON where that is not a terminal.

    Libraries are heard from WARNING up, and from INFO up when the level is DEBUG: below that some of them show
    headers and bodies. In plain lines they are heard of errors alone: what they warn of, maintd says in its own words.
    """
    global _handler  # noqa: PLW0603 - logging is one for the process, and so is its handler
    shutdown()
    stream = stream or sys.stdout
    terminal = stream.isatty()
    colors = terminal and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    console = log_format == "console" or (log_format == "auto" and terminal)
    line = plain_line if log_format == "plain" else ConsoleLine(colors=colors) if console else cloud_line
    _handler = _Handler(_Formatter(line), stream)
    least = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.addHandler(_handler)
    foreign = logging.ERROR if log_format == "plain" else logging.WARNING
    root.setLevel(logging.INFO if least <= logging.DEBUG else max(least, foreign))
    logging.getLogger(_OURS).setLevel(least)
    logging.captureWarnings(capture=True)
    # For libraries and kinds of third parties that speak structlog of their own accord.
    structlog.configure(
        processors=[_plain, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=BoundLogger,
        logger_factory=LoggerFactory(),
    )


def shutdown() -> None:
    """Write what waits, for at most two seconds, and stop; the process's end does the same."""
    global _handler  # noqa: PLW0603
    if _handler is not None:
        logging.captureWarnings(capture=False)
        logging.getLogger().removeHandler(_handler)
        _handler.close()
        _handler = None


def dropped() -> int:
    """Lines that were dropped since the start: nobody read them, or they could not be said."""
    return _unsaid + (_handler.writer.dropped if _handler else 0)
