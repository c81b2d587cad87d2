"""Somebody reads the log slowly, not at all, or goes away: the work goes on."""

import json
import subprocess
import sys
import textwrap
from typing import Any, TextIO

import pytest

LINES = 6_000
LOG_AND_SAY_SO = f"""
    import sys
    from maintd.telemetry import logs

    logs.configure("json", "info")
    log = logs.get("maintd.x")
    for n in range({LINES}):
        log.info("event", n=n, filling="x" * 1000)
    print("logged", logs.dropped(), file=sys.stderr, flush=True)
    sys.stdin.readline()
    log.info("at last")
"""


@pytest.fixture
def talker():
    """A process that logs more than any pipe and the queue hold, says so on stderr, and waits for a line on stdin."""
    command = [sys.executable, "-c", textwrap.dedent(LOG_AND_SAY_SO)]
    with subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        yield process
        process.kill()


def until(message: str, stream: TextIO) -> list[dict[str, Any]]:
    """The lines up to the one that holds these words."""
    found = []
    for line in stream:
        found.append(json.loads(line))
        if message in found[-1]["message"]:
            return found
    raise AssertionError(f"{message} was never said")


def test_a_reader_that_sleeps_holds_nobody_up_and_is_told_what_it_missed(talker):
    word, dropped = talker.stderr.readline().split()  # and nobody has read a line of the log so far
    *kept, told = until("log lines dropped", talker.stdout)
    talker.stdin.write("go on\n")
    talker.stdin.close()
    (last,) = until("at last", talker.stdout)

    assert word == "logged"
    assert [line["n"] for line in kept] == list(range(LINES - int(dropped)))
    assert int(dropped) > 0
    assert told["message"] == f"{dropped} log lines dropped: the reader of the log was too slow"
    assert (told["severity"], last["severity"]) == ("WARNING", "INFO")
    assert talker.wait(timeout=20) == 0


def test_a_reader_that_never_wakes_up_does_not_keep_the_process_from_ending(talker):
    assert talker.stderr.readline().startswith("logged")

    talker.stdin.close()

    assert talker.wait(timeout=20) == 0


def test_a_reader_that_goes_away_takes_nothing_with_it(talker):
    talker.stdout.close()

    assert talker.stderr.readline().startswith("logged")
    talker.stdin.close()
    assert talker.wait(timeout=20) == 0
    assert talker.stderr.read() == ""
