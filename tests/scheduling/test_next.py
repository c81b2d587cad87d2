"""`maintd next`, as it is typed."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from maintd.cli import cli

JOBS = """
version: 1
defaults: {timezone: Europe/Berlin}
jobs:
  - {name: versions, kind: version-check, schedule: "17 3 * * sun"}
  - {name: often, kind: version-check, every: 5m}
  - {name: by-hand, kind: version-check, manual: true}
  - {name: off, kind: version-check, schedule: "@daily", enabled: false}
"""
START = "2026-11-23T14:43:00Z"


@pytest.fixture(autouse=True)
def jobs_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jobs.yaml").write_text(JOBS)
    monkeypatch.setenv("MAINTD_JOBS_FILE", str(tmp_path / "jobs.yaml"))


def typed(*words: str) -> Result:
    return CliRunner().invoke(cli, ["next", *words])


def test_an_expression_is_shown_as_json_over_a_clock_change():
    shown = typed(
        "--cron",
        "0 0 * * 0",
        "--timezone",
        "America/New_York",
        "--from",
        "2026-03-07T00:00:00Z",
        "-n",
        "3",
        "-o",
        "json",
    )

    assert shown.exit_code == 0
    assert json.loads(shown.output) == [
        {"due": "2026-03-08T05:00:00Z", "local": "2026-03-08T00:00:00-05:00"},
        {"due": "2026-03-15T04:00:00Z", "local": "2026-03-15T00:00:00-04:00"},
        {"due": "2026-03-22T04:00:00Z", "local": "2026-03-22T00:00:00-04:00"},
    ]


def test_an_expression_is_shown_in_words_its_zone_and_utc():
    shown = typed("--cron", "30 2 * * *", "--timezone", "Europe/Berlin", "--from", "2026-03-28T12:00:00Z", "-n", "2")

    assert shown.stderr == "At 02:30 every day, Europe/Berlin\n"
    assert shown.stdout.splitlines() == [
        "DUE                            UTC                    WHEN",
        "Sun 2026-03-29 03:00:00 CEST   2026-03-29T01:00:00Z   in 13h",
        "Mon 2026-03-30 02:30:00 CEST   2026-03-30T00:30:00Z   in 1d12h",
    ]


def test_a_job_is_shown_in_its_own_zone():
    shown = typed("versions", "--from", START, "-n", "1", "-o", "json")

    assert json.loads(shown.output) == [
        {"job": "versions", "due": "2026-11-29T02:17:00Z", "local": "2026-11-29T03:17:00+01:00"}
    ]


def test_without_a_name_it_is_what_comes_next_of_all_jobs():
    shown = typed("--from", "2026-11-29T02:10:00Z", "-n", "4")

    assert shown.stdout.splitlines() == [
        "JOB        DUE                           UTC                    WHEN",
        "often      Sun 2026-11-29 03:10:29 CET   2026-11-29T02:10:29Z   in 29s",
        "often      Sun 2026-11-29 03:15:29 CET   2026-11-29T02:15:29Z   in 5m29s",
        "versions   Sun 2026-11-29 03:17:00 CET   2026-11-29T02:17:00Z   in 7m",
        "often      Sun 2026-11-29 03:20:29 CET   2026-11-29T02:20:29Z   in 10m",
    ]


@pytest.mark.parametrize(("job", "why"), [("by-hand", "is manual"), ("off", "is disabled")])
def test_a_job_that_is_never_due_says_why(job, why):
    shown = typed(job, "-o", "json")

    assert (shown.exit_code, json.loads(shown.stdout)) == (0, [])
    assert shown.stderr == f"{job} {why} and never due; `maintd run {job}` runs it\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--cron|60 * * * *", "Invalid value for --cron: 60 is not a minute; write 0-59"),
        ("--cron|@daily|--timezone|new_york", "'new_york' is not a time zone; did you mean America/New_York?"),
        ("--cron|@daily|--from|yesterday", "yesterday is not an instant; write it like 2026-03-07T00:00:00Z"),
        ("--cron|@daily|--from|2026-03-07", "2026-03-07 has no zone; write 2026-03-07T00:00:00Z if it is UTC"),
        ("--cron|@daily|-n|0", "0 is not in the range"),
        ("often|--cron|@daily", "name a job or give --cron, not both"),
        ("often|--timezone|Etc/UTC", "--timezone belongs to --cron; a job has its own in jobs.yaml"),
        ("oftn", "has no job oftn; did you mean often?"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_remedy(words, message):
    shown = typed(*words.split("|"))

    assert shown.exit_code == 2
    assert message in shown.stderr
