"""`maintd validate`, as it is typed."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
import yaml
from click.testing import CliRunner, Result

from maintd.cli import cli, jobsfile
from maintd.cli.validate import annotation
from maintd.config.mistakes import Mistake, Place

GOOD = """\
version: 1
defaults: {timezone: Europe/Berlin}
jobs:
  - {name: nodes, kind: version-check, schedule: "30 2 * * *"}
  - {name: often, kind: version-check, schedule: "*/20 * * * *", timezone: Etc/UTC}
  - {name: by-hand, kind: version-check, manual: true}
  - {name: asleep, kind: version-check, schedule: "@daily", enabled: false}
"""
BAD = """\
version: 1
jobs:
  - name: nodes
    kind: version-chek
    schedule: "61 * * * *"
    params: {max_minor_behind: 1}
"""
NIGHT_BEFORE_THE_CLOCKS_CHANGE = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)


def validate(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["validate", *arguments])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@time_machine.travel(NIGHT_BEFORE_THE_CLOCKS_CHANGE, tick=False)
def test_good_jobs_are_shown_with_their_next_three_runs_in_their_zone_and_in_utc() -> None:
    Path("jobs.yaml").write_text(GOOD)

    shown = validate()

    assert shown.exit_code == 0
    assert shown.stderr == "4 jobs in jobs.yaml, no mistakes\n"
    assert [" ".join(line.split()) for line in shown.stdout.splitlines()] == [
        "JOB KIND MODE SCHEDULE NEXT NEXT IN UTC",
        "nodes version-check run At 02:30 every day Sun 2026-03-29 03:00:00 CEST 2026-03-29T01:00:00Z",
        "Mon 2026-03-30 02:30:00 CEST 2026-03-30T00:30:00Z",
        "Tue 2026-03-31 02:30:00 CEST 2026-03-31T00:30:00Z",
        "often version-check run Every 20th minute of every hour Sat 2026-03-28 12:20:00 UTC 2026-03-28T12:20:00Z",
        "Sat 2026-03-28 12:40:00 UTC 2026-03-28T12:40:00Z",
        "Sat 2026-03-28 13:00:00 UTC 2026-03-28T13:00:00Z",
        "by-hand version-check run By hand only <none> <none>",
        "asleep version-check run Disabled: At 00:00 every day <none> <none>",
    ]


@time_machine.travel(NIGHT_BEFORE_THE_CLOCKS_CHANGE, tick=False)
@pytest.mark.parametrize(("output", "parse"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_good_jobs_are_printed_for_programs_too(output: str, parse: object) -> None:
    Path("some.yaml").write_text(GOOD)

    shown = validate("some.yaml", "-o", output)
    data = parse(shown.stdout)  # type: ignore[operator] - one of two functions

    assert shown.exit_code == 0
    assert data["file"] == "some.yaml"
    assert data["jobs"][0] == {
        "job": "nodes",
        "kind": "version-check",
        "mode": "run",
        "when": "30 2 * * *",
        "schedule": "At 02:30 every day",
        "timezone": "Europe/Berlin",
        "enabled": True,
        "next": [
            {"due": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00"},
            {"due": "2026-03-30T00:30:00Z", "local": "2026-03-30T02:30:00+02:00"},
            {"due": "2026-03-31T00:30:00Z", "local": "2026-03-31T02:30:00+02:00"},
        ],
    }
    assert [job["next"] for job in data["jobs"][2:]] == [[], []]


def test_a_good_file_gives_no_annotations() -> None:
    Path("jobs.yaml").write_text(GOOD)

    shown = validate("-o", "github")

    assert (shown.exit_code, shown.stdout) == (0, "")


def test_every_mistake_is_shown_on_stderr_and_the_exit_code_is_2() -> None:
    Path("jobs.yaml").write_text(BAD)

    shown = validate()

    assert shown.exit_code == 2
    assert shown.stdout == ""
    assert shown.stderr == (
        "jobs.yaml:4:11: jobs[0].kind: there is no kind 'version-chek'; did you mean version-check?\n"
        "      kind: version-chek\n"
        "            ^\n"
        "jobs.yaml:5:15: jobs[0].schedule: 61 is not a minute; write 0-59\n"
        '      schedule: "61 * * * *"\n'
        "                ^\n"
        "2 mistakes in jobs.yaml\n"
    )


def test_mistakes_are_annotations_for_github() -> None:
    Path("jobs.yaml").write_text(BAD)

    shown = validate("-o", "github")

    assert shown.exit_code == 2
    assert shown.stdout == (
        "::error file=jobs.yaml,line=4,col=11::"
        "jobs[0].kind: there is no kind 'version-chek'; did you mean version-check?\n"
        "::error file=jobs.yaml,line=5,col=15::jobs[0].schedule: 61 is not a minute; write 0-59\n"
    )
    assert shown.stderr == "2 mistakes in jobs.yaml\n"


def test_mistakes_are_printed_for_programs_too() -> None:
    Path("jobs.yaml").write_text(BAD)

    shown = validate("-o", "json")

    assert shown.exit_code == 2
    data = json.loads(shown.stdout)
    assert data["file"] == "jobs.yaml"
    assert data["mistakes"][1] == {
        "line": 5,
        "column": 15,
        "path": "jobs[0].schedule",
        "message": "61 is not a minute",
        "remedy": "write 0-59",
    }


def test_an_annotation_cannot_be_broken_out_of() -> None:
    place = Place("odd: 100%,\r\n::error::.yaml", 3, 4)

    text = annotation(Mistake(place, "a", "100% of\r\nit: bad, really", "mend it"))

    assert text == (
        "::error file=odd%3A 100%25%2C%0D%0A%3A%3Aerror%3A%3A.yaml,line=3,col=4::"
        "a: 100%25 of%0D%0Ait: bad, really; mend it"
    )


def test_the_file_is_the_argument_else_what_the_environment_names_else_jobs_yaml(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("jobs.yaml", "env.yaml", "argument.yaml"):
        Path(name).write_text("version: 1\njobs: []\n")

    said = [validate().stderr]
    monkeypatch.setenv("MAINTD_JOBS_FILE", "env.yaml")
    said += [validate().stderr, validate("argument.yaml").stderr]

    assert said == [f"0 jobs in {name}, no mistakes\n" for name in ("jobs.yaml", "env.yaml", "argument.yaml")]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.yaml", "maintd: none.yaml: there is no such file; name another, or set MAINTD_JOBS_FILE\n"),
        (".", "maintd: .: cannot be read: Is a directory\n"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_and_the_exit_code_is_2(name: str, said: str) -> None:
    shown = validate(name)

    assert (shown.exit_code, shown.stderr) == (2, said)


def test_a_bad_setting_is_said_before_any_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINTD_LOG_LVL", "debug")

    shown = validate("none.yaml")

    assert shown.exit_code == 2
    assert shown.stderr == "maintd: MAINTD_LOG_LVL: there is no such setting; did you mean MAINTD_LOG_LEVEL?\n"


def test_other_commands_print_the_mistakes_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    Path("jobs.yaml").write_text(BAD)

    with pytest.raises(SystemExit) as left:
        jobsfile.load()

    assert left.value.code == 2
    assert capsys.readouterr().err.endswith("2 mistakes in jobs.yaml\n")


def test_jobs_are_checked_without_importing_the_cluster_the_cloud_or_the_scheduler() -> None:
    Path("jobs.yaml").write_text(GOOD)
    heavy = {"kubernetes", "google", "aiohttp", "apscheduler", "structlog", "prometheus_client", "pycurl", "jinja2"}
    program = f"""
import sys
from maintd.cli import cli
try:
    cli(["validate"])
except SystemExit as left:
    assert left.code == 0, left.code
print(sorted({heavy!r} & set(sys.modules)))
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.stdout.splitlines()[-1], done.returncode) == ("[]", 0), done.stderr
