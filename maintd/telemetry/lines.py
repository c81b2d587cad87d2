"""One event of plain fields, one line: as Cloud Logging wants it, or as a person at a terminal does.

Field names: https://cloud.google.com/logging/docs/structured-logging and, for errors,
https://cloud.google.com/error-reporting/docs/formatting-error-messages
"""

import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import orjson
from structlog.dev import ConsoleRenderer
from structlog.typing import EventDict, WrappedLogger

from maintd import __version__
from maintd.telemetry.fields import clean

_GOOGLE = "logging.googleapis.com"
_REPORTED = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
_SEVERITIES = {0: "DEFAULT", 1: "DEBUG", 2: "INFO", 3: "WARNING", 4: "ERROR"}
_RESERVED = frozenset({"severity", "message", "time", "logger", "@type", "serviceContext", "stack_trace", "exception"})
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff0-\uffff]")
"""Characters that JSON leaves as they are and a terminal obeys or hides."""

_CONTROL = re.compile(f"[\x00-\x1f{_UNSEEN.pattern[1:]}")
_to_json = orjson.dumps


def cloud_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """Strict JSON on one line."""
    record, text, trace = _unwrapped(event)
    line: dict[str, Any] = {
        "severity": _SEVERITIES.get(record.levelno // 10, "CRITICAL"),
        "message": clean(text),
        "time": _rfc3339(record.created),
        "logger": clean(record.name),
    }
    line |= _operation(event)
    line |= {_free(key): value for key, value in event.items()}
    line |= _reported(record.levelno, text, trace)
    return _escaped(_UNSEEN, _to_json(line).decode())


def _unwrapped(event: EventDict) -> tuple[logging.LogRecord, str, str]:
    """The record, what happened, and the traceback; what is left in the event are its fields."""
    del event["_from_structlog"]
    return event.pop("_record"), str(event.pop("event")).rstrip(), _traceback(event.pop("exc_info", None))


def _operation(event: EventDict) -> dict[str, Any]:
    """What folds all lines of one run together in the Logs Explorer; taken out of the event."""
    found: dict[str, Any] = {}
    ends = _ends(event)
    labels = {key: str(event.pop(key)) for key in ("job", "kind") if key in event}
    if labels:
        found[f"{_GOOGLE}/labels"] = labels
    if "run_id" in event:
        operation = {"id": str(event.pop("run_id")), "producer": "maintd"}
        found[f"{_GOOGLE}/operation"] = operation | ends
    return found


def _ends(event: EventDict) -> dict[str, bool]:
    """Whether this is the first or the last line of its run; taken out of the event."""
    return {key: event.pop(key) for key in ("first", "last") if "run_id" in event and event.get(key) is True}


def _reported(level: int, text: str, trace: str) -> dict[str, Any]:
    """The traceback: where Error Reporting looks for it, when it is an error."""
    if not trace:
        return {}
    if level < logging.ERROR:
        return {"exception": clean(trace)}
    context = {"service": "maintd", "version": __version__}
    return {"message": clean(f"{text}\n{trace}"), "@type": _REPORTED, "serviceContext": context}


def _free(key: str) -> str:
    """A field that is named like one of ours keeps its value under a name beside it."""
    return f"{clean(key)}_" if key in _RESERVED or key.startswith(_GOOGLE) else clean(key)


_IN_THE_RECORD = frozenset({"kind", "run_id", "event_kind"})
"""What fills a terminal and helps nobody who looks at one: `maintd runs` has it."""


class ConsoleLine:
    """A coloured or plain line for a terminal, the job first, tracebacks below it."""

    def __init__(self, *, colors: bool) -> None:
        self._render = ConsoleRenderer(
            colors=colors, sort_keys=False, pad_event_to=36, pad_level=False, timestamp_key="time"
        )

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> str:
        record, text, trace = _unwrapped(event)
        _ends(event)
        job = event.pop("job", "")
        for key in _IN_THE_RECORD & event.keys():
            del event[key]
        line: EventDict = {
            "time": datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%SZ"),
            "level": record.levelname.lower(),
            "event": _escaped(_CONTROL, clean(f"{job}: {text}" if job else text)),
        }
        for key, value in event.items():
            free = _escaped(_CONTROL, clean(key)) + "_" * (key in line)
            line[free] = _escaped(_CONTROL, value) if isinstance(value, str) else value
        if trace:
            line["exception"] = "\n".join(_escaped(_CONTROL, part) for part in clean(trace).splitlines())
        return str(self._render(logger, name, line))


def plain_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """`warning: state could not be read (error: no answer within 10 s)`: one line for whoever typed a command."""
    record, text, trace = _unwrapped(event)
    _ends(event)
    ours = record.name.partition(".")[0] == "maintd"
    speaker = event.pop("job", "") if ours else record.name.partition(".")[0]
    said = [f"{key}: {value}" for key, value in event.items() if value and key not in _IN_THE_RECORD]
    said += trace.splitlines()[-1:]
    details = f" ({'; '.join(said)})" if said else ""
    line = ": ".join(filter(None, (record.levelname.lower(), str(speaker), text)))
    return _escaped(_CONTROL, clean(line + details))


def _traceback(error: Any) -> str:
    """The traceback behind `exc_info`: an exception, its triple, its text, or True for the current one."""
    if isinstance(error, str):
        return error.rstrip()
    if isinstance(error, tuple) and len(error) == 3:
        error = error[1]
    elif error is True:
        error = sys.exc_info()[1]
    return "".join(traceback.format_exception(error)).rstrip() if isinstance(error, BaseException) else ""


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _escaped(characters: re.Pattern[str], text: str) -> str:
    if text.isprintable():
        return text
    return characters.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
