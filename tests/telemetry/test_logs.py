"""Every line is one line of strict JSON, whatever was logged; none of it carries a secret."""

import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintd import __version__
from maintd.core.outcome import Status
from maintd.telemetry import logs

TRACE = "Traceback (most recent call last):\nValueError: "
NOON = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
Read = Callable[[], list[dict[str, Any]]]


def strict(line: str) -> dict[str, Any]:
    """One JSON object, as the strictest reader has it: no NaN, no key twice, no lone surrogate, nothing unprintable."""
    assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", line)

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), f"a key twice in {line}"
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(line, object_pairs_hook=once, parse_constant=refuse)
    json.dumps(found, ensure_ascii=False).encode()
    return found


@pytest.fixture
def read(tmp_path) -> Read:
    """Logs to a file as JSON, from DEBUG up; calling it stops that and returns the lines."""
    path = tmp_path / "log"
    with path.open("w", encoding="utf-8") as stream:
        logs.configure("json", "debug", stream)

        def lines() -> list[dict[str, Any]]:
            logs.shutdown()
            return [strict(line) for line in path.read_bytes().decode().removesuffix("\n").split("\n")]

        yield lines
        logs.shutdown()


def run_python(code: str, **how: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **how)


@time_machine.travel(NOON, tick=False)
def test_a_line_has_the_fields_of_cloud_logging(read):
    log = logs.get("maintd.scheduling.runner").bind(job="nightly", kind="backup", run_id="r1")

    log.info("run finished", status=Status.OK, seconds=1.5, last=True)

    assert read() == [
        {
            "severity": "INFO",
            "message": "run finished",
            "time": "2026-11-22T12:00:00.250000Z",
            "logger": "maintd.scheduling.runner",
            "logging.googleapis.com/labels": {"job": "nightly", "kind": "backup"},
            "logging.googleapis.com/operation": {"id": "r1", "producer": "maintd", "last": True},
            "status": "ok",
            "seconds": 1.5,
        }
    ]


def test_all_lines_of_a_run_fold_together_from_the_first_to_the_last(read):
    log = logs.get("maintd.x").bind(run_id="r1")

    log.info("run started", first=True)
    log.debug("page read")
    log.warning("pod kept")
    log.error("run finished", last=True)

    ends = [line["logging.googleapis.com/operation"] for line in read()]
    assert ends == [
        {"id": "r1", "producer": "maintd", "first": True},
        {"id": "r1", "producer": "maintd"},
        {"id": "r1", "producer": "maintd"},
        {"id": "r1", "producer": "maintd", "last": True},
    ]


def test_severities_are_those_that_cloud_logging_knows(read):
    log = logs.get("maintd.x")

    for say in (log.debug, log.info, log.warning, log.error):
        say("event")
    logging.getLogger("library").critical("event")
    logging.getLogger("library").log(25, "event")

    assert [line["severity"] for line in read()] == ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "INFO"]


def test_binding_leaves_the_logger_it_began_with_alone(read):
    log = logs.get("maintd.x").bind(a=1)
    log.bind(b=2).info("both")
    log.info("one")

    assert [{key: line.get(key) for key in ("a", "b")} for line in read()] == [{"a": 1, "b": 2}, {"a": 1, "b": None}]


class Stubborn:
    """Cannot be shown in any way."""

    def __repr__(self) -> str:
        raise ValueError("no")

    __str__ = __repr__


class Loud(str):
    """A text that says something else when asked."""

    __slots__ = ()

    def __str__(self) -> str:
        return "\x00something else\n"


def cyclic() -> dict[str, Any]:
    found: dict[str, Any] = {"name": "a"}
    found["self"] = found
    return found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (1.5, 1.5),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (10**30, "<a number of more than 64 bits>"),
        (10**5000, "<a number of more than 64 bits>"),
        ("two\nlines\x1b[31m\u202e", "two\nlines\x1b[31m\u202e"),
        ("lone \ud800", "lone \ufffd"),
        (Loud("plain"), "plain"),
        (b"\xff\x00body", "<6 bytes>"),
        (Path("/a"), "/a"),
        (datetime(2026, 11, 22, tzinfo=UTC), "2026-11-22T00:00:00Z"),
        (timedelta(minutes=90), "1h30m"),
        (Status.TIMED_OUT, "timed-out"),
        (ValueError("why"), "ValueError: why"),
        (Stubborn(), "<a value that cannot be shown>"),
        ([1, (2, {3})], [1, [2, [3]]]),
        ({("a", 1): 2, None: 3}, {"['a', 1]": 2, "None": 3}),
        ({Stubborn(): 1}, {"<a value that cannot be shown>": 1}),
        (cyclic(), {"name": "a", "self": "<the same again>"}),
        (list(range(102)), [*range(100), "… 2 more"]),
    ],
    ids=lambda value: f"{type(value).__name__}",
)
def test_any_value_can_be_shown(read, value, shown):
    logs.get("maintd.x").info("event", value=value)

    (line,) = read()
    assert line["value"] == shown


def test_a_field_named_like_one_of_the_lines_own_keeps_its_value_beside_it(read):
    taken = ["severity", "message", "time", "logger", "event", "exception", "@type", "_record", "_from_structlog"]
    free = ["self", "name", "level", "args", "msg", "method_name", "kw", "timestamp", "fields", "positional_args"]

    logs.get("maintd.x").bind(event="bound").info("event", **dict.fromkeys(taken + free, "mine"))

    (line,) = read()
    assert line["message"] == "event"
    assert {key for key, value in line.items() if value == "mine"} == {f"{key}_" for key in taken} | set(free)


def test_what_is_bound_as_job_and_run_may_be_anything_too(read):
    logs.get("maintd.x").bind(job=Stubborn(), kind=1, run_id=cyclic()).info("event", first="no end")

    (line,) = read()
    assert line["logging.googleapis.com/labels"] == {"job": "<a value that cannot be shown>", "kind": "1"}
    assert line["first"] == "no end"


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(st.characters()) | st.tuples(st.integers()), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(event=st.text(st.characters()), fields=st.dictionaries(st.text(st.characters()), ANYTHING, max_size=5))
def test_whatever_the_fields_are_it_is_one_line_of_strict_json(tmp_path_factory, event, fields):
    path = tmp_path_factory.getbasetemp() / "any.log"
    with path.open("w", encoding="utf-8") as stream:
        logs.configure("json", "debug", stream)
        logs.get("maintd.x").bind(**fields).warning(event, **fields)
        logs.shutdown()

    (line,) = path.read_bytes().decode().removesuffix("\n").split("\n")
    assert strict(line)["severity"] == "WARNING"


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


LARGE = {  # made by the test: pytest shows what it is given, and some of these cannot be shown in a day
    "long": lambda: "x" * 10_000_000,
    "many": lambda: ["x" * 9_000] * 50,
    "wide": lambda: {str(n): "x" * 9_000 for n in range(90)},
    "bushy": lambda: [[[[[0.1] * 100] * 100] * 100] * 100] * 100,
    "deep": lambda: nested(500),
    "empty": lambda: [[[[[]] * 100] * 100] * 100] * 100,
}


@pytest.mark.parametrize("shape", LARGE)
def test_a_line_is_bounded_however_much_is_logged(read, shape):
    logs.get("maintd.x").info("event", value=LARGE[shape](), other=LARGE[shape]())

    (line,) = read()
    assert len(json.dumps(line)) < 256 * 1024  # what one entry of Cloud Logging may hold


def test_of_a_text_that_is_too_long_both_ends_are_kept(read):
    logs.get("maintd.x").info("event", value="begin" + "x" * 100_000 + "end")

    (line,) = read()
    assert re.fullmatch(r"beginx+… 91,\d{3} characters left out …x+end", line["value"])


@pytest.mark.parametrize(
    "key",
    ["Authorization", "proxy-authorization", "password", "db_passwd", "SECRET", "client_secret", "id_token", "apiKey"],
)
def test_what_is_called_a_secret_is_not_shown(read, key):
    logs.get("maintd.x").info("event", **{key: "canary"}, headers={key: ["canary"], "n": 1})

    (line,) = read()
    assert "canary" not in json.dumps(line)
    assert line["headers"] == {key: "[redacted]", "n": 1}


@pytest.mark.parametrize(
    "key", ["cookie", "Set-Cookie", "private_key", "credentials", "passphrase", "x-goog-api-key", "access key"]
)
def test_nor_what_is_called_a_credential(read, key):
    logs.get("maintd.x").bind(**{key: "canary"}).info("event")

    (line,) = read()
    assert line[key] == "[redacted]"


def test_figures_about_secrets_are_shown(read):
    logs.get("maintd.x").info("event", secrets_left_out=12, tokens=None)

    (line,) = read()
    assert (line["secrets_left_out"], line["tokens"]) == (12, None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "GET failed: Authorization: Bearer ya29.canary-canary-canary sent",
            "GET failed: Authorization: Bearer [redacted] sent",
        ),
        ("basic Y2FuYXJ5OmNhbmFyeWNhbmFyeQ==", "basic [redacted]"),
        ("could not reach https://me:canary@host/path", "could not reach https://[redacted]@host/path"),
        ("could not reach https://host:443/path@2", "could not reach https://host:443/path@2"),
    ],
)
def test_credentials_inside_a_text_are_not_shown(read, text, shown):
    log = logs.get("maintd.x")
    log.info(text)
    log.info("event", why=text, error=ValueError(text))
    log.error("event", exc_info=ValueError(text))

    first, second, third = read()
    assert (first["message"], second["why"], second["error"]) == (shown, shown, f"ValueError: {shown}")
    assert third["message"] == f"event\nValueError: {shown}"


def raised() -> ValueError:
    try:
        raise ValueError("why")
    except ValueError as error:
        return error


def test_a_crash_goes_to_error_reporting_with_its_traceback(read):
    error = raised()

    logs.get("maintd.x").error("run crashed", exc_info=error)

    (line,) = read()
    assert line["@type"] == "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
    assert line["serviceContext"] == {"service": "maintd", "version": __version__}
    assert re.fullmatch(
        r"run crashed\nTraceback \(most recent call last\):\n  File .*, in raised\n.*\nValueError: why",
        line["message"],
        re.DOTALL,
    )


def test_a_traceback_that_was_kept_as_text_goes_the_same_way(read):
    logs.get("maintd.x").error("run crashed", exc_info=TRACE + "why\n")

    (line,) = read()
    assert line["message"] == "run crashed\nTraceback (most recent call last):\nValueError: why"
    assert "@type" in line


def test_what_is_only_a_warning_is_not_reported_as_a_crash(read):
    logs.get("maintd.x").warning("page read again", exc_info=raised())

    (line,) = read()
    assert ("@type" in line, line["message"]) == (False, "page read again")
    assert line["exception"].endswith("ValueError: why")


@pytest.mark.parametrize("given", [True, None, False, 3, (None, None, None)])
def test_no_exception_is_no_traceback(read, given):
    logs.get("maintd.x").error("event", exc_info=given)

    (line,) = read()
    assert ("@type" in line, line["message"]) == (False, "event")


def test_lines_of_libraries_go_the_same_way(read):
    logging.getLogger("apscheduler.scheduler").warning("Run time of job %s was missed", "a")
    logging.getLogger("aiohttp.server").error("Error handling request", exc_info=raised())
    structlog.get_logger("stamina").warning("stamina.retry_scheduled", attempt=2)

    first, second, third = read()
    assert (first["logger"], first["message"]) == ("apscheduler.scheduler", "Run time of job a was missed")
    assert second["message"].startswith("Error handling request\nTraceback")
    assert (third["logger"], third["message"], third["attempt"]) == ("stamina", "stamina.retry_scheduled", 2)


def test_libraries_are_never_heard_at_debug_where_some_show_bodies(read):
    logging.getLogger("kubernetes.client.rest").debug("response body: canary")
    logging.getLogger("apscheduler").info("Added job")
    logs.get("maintd.x").debug("ours")

    assert [line["message"] for line in read()] == ["Added job", "ours"]


def test_at_info_libraries_are_heard_from_warning_up(tmp_path):
    with (tmp_path / "log").open("w") as stream:
        logs.configure("json", "info", stream)
        logs.get("maintd.x").debug("not wanted")
        logging.getLogger("apscheduler").info("not wanted either")
        logs.get("x").info("ours")
        logging.getLogger("apscheduler").warning("theirs")
        logs.shutdown()

    lines = [strict(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [(line["logger"], line["message"]) for line in lines] == [("maintd.x", "ours"), ("apscheduler", "theirs")]


def test_a_library_that_formats_wrongly_still_leaves_its_words():
    ran = run_python(
        """
        import logging
        from maintd.telemetry import logs

        class Stubborn:
            def __str__(self):
                raise ValueError("no")

        logs.configure("json", "info")
        logging.getLogger("library").warning("%d pods", "three")
        logging.getLogger("library").warning(Stubborn())
        """
    )

    assert [strict(line)["message"] for line in ran.stdout.splitlines()] == [
        "%d pods (the rest cannot be shown: TypeError)",
        "an event (the rest cannot be shown: ValueError)",
    ]
    assert ran.stderr == ""


def test_an_event_that_cannot_be_shown_is_still_a_line(read):
    logs.get("maintd.x").info(Stubborn(), a=1)

    (line,) = read()
    assert (line["message"], line["a"]) == ("<a value that cannot be shown>", 1)


def test_lines_of_many_threads_are_whole(read):
    log = logs.get("maintd.x")
    threads = [threading.Thread(target=lambda n=n: [log.info("event", n=n, i=i) for i in range(100)]) for n in range(8)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted((line["n"], line["i"]) for line in read()) == [(n, i) for n in range(8) for i in range(100)]


def test_warnings_are_lines_too():
    ran = run_python(
        """
        import warnings
        from maintd.telemetry import logs
        logs.configure("json", "info")
        warnings.warn("deprecated", DeprecationWarning)
        """
    )

    (line,) = map(strict, ran.stdout.splitlines())
    assert (line["logger"], line["severity"]) == ("py.warnings", "WARNING")
    assert "DeprecationWarning: deprecated" in line["message"]
    assert ran.stderr == ""


def test_the_last_words_of_a_process_that_ends_are_written():
    ran = run_python(
        """
        from maintd.telemetry import logs
        logs.configure("json", "info")
        for n in range(1000):
            logs.get("maintd.x").info("event", n=n)
        raise SystemExit(3)
        """
    )

    assert ran.returncode == 3
    assert [strict(line)["n"] for line in ran.stdout.splitlines()] == list(range(1000))


@time_machine.travel(NOON, tick=False)
def test_on_a_terminal_a_line_is_for_people(tmp_path):
    with (tmp_path / "log").open("w") as stream:
        logs.configure("console", "info", stream)
        log = logs.get("maintd.x").bind(job="nightly", run_id="r1")
        log.info("run finished", last=True, event="mine", hostile="\x1b[2J\u202e\nx")
        log.error("run crashed", exc_info=TRACE + "\x1b[2J")
        logs.shutdown()

    assert (tmp_path / "log").read_text().splitlines() == [
        "12:00:00Z [info] nightly: run finished                event_=mine hostile=\\u001b[2J\\u202e\\u000ax",
        "12:00:00Z [error] nightly: run crashed",
        "Traceback (most recent call last):",
        r"ValueError: \u001b[2J",
    ]


@pytest.mark.parametrize(
    ("environment", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_auto_is_console_on_a_terminal_coloured_where_that_is_wanted(monkeypatch, environment, colored):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()

    with os.fdopen(theirs, "w") as terminal:
        logs.configure("auto", "info", terminal)
        logs.get("maintd.x").info("event", a=1)
        logs.shutdown()
        seen = os.read(ours, 10_000).decode()
    os.close(ours)

    assert ("\x1b[" in seen) is colored
    assert re.sub("\x1b\\[[0-9;]*m", "", seen).split()[1:] == ["[info]", "event", "a=1"]


def test_a_stream_that_is_no_file_is_written_to_as_well():
    stream = io.StringIO()

    logs.configure("json", "info", stream)
    logs.get("maintd.x").info("event")
    logs.shutdown()

    assert strict(stream.getvalue().removesuffix("\n"))["message"] == "event"


def test_starting_over_leaves_no_descriptor_open(tmp_path):
    descriptors = Path("/proc/self/fd")
    with (tmp_path / "log").open("w") as stream:
        before = len(list(descriptors.iterdir()))
        for _ in range(5):
            logs.configure("json", "info", stream)
        logs.shutdown()

        assert len(list(descriptors.iterdir())) == before


def test_a_plain_line_is_a_sentence_for_whoever_typed_a_command():
    stream = io.StringIO()
    logs.configure("plain", "warning", stream)
    log = logs.get("maintd")
    log.info("nobody asked")
    log.warning("state could not be read", error="no answer\nwithin \x1b[1m10 s", unsent=0)
    log.bind(job="tidy", kind="cleanup-pods", run_id="r").error("kind crashed", exc_info=raised())
    logging.getLogger("kubernetes.aio.config").warning("Config not found: %s", "/nope")
    logging.getLogger("kubernetes.aio.config").error("exec: missing token")
    logs.shutdown()

    assert stream.getvalue().splitlines() == [
        "warning: state could not be read (error: no answer\\u000awithin \\u001b[1m10 s)",
        "error: tidy: kind crashed (ValueError: why)",
        "error: kubernetes: exec: missing token",
    ]


def test_auto_is_json_where_there_is_no_terminal():
    ran = run_python(
        """
        from maintd.telemetry import logs
        logs.configure()
        logs.get("maintd.x").info("event")
        """
    )

    assert strict(ran.stdout.removesuffix("\n"))["message"] == "event"
