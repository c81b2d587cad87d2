"""Places where a process can be made to die: what the variable may say, what it does, and that every place is real."""

import ast
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import maintd
from maintd.cli import cli
from maintd.config.settings import read_settings
from maintd.core.errors import ConfigError, JobError
from maintd.core.failpoints import KNOWN, Failpoint, arm, parse, reach

SOURCE = Path(maintd.__file__).parent
IMPORT = "from maintd.core.failpoints import reach\n"


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm(())


def places() -> list[str]:
    """The name in every call of `reach` in the whole program; a call that does not write it out is an error."""
    found = []
    for path in SOURCE.rglob("*.py"):
        text = path.read_text()
        for node in ast.walk(ast.parse(text)) if IMPORT in text else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "reach":
                (name,) = node.args
                assert isinstance(name, ast.Constant), f"{path}:{node.lineno} does not write the name out"
                found.append(name.value)
    return found


def test_every_known_place_is_reached_somewhere_and_no_unknown_one_is():
    assert set(places()) == set(KNOWN)


def test_places_are_listed_in_the_order_of_the_alphabet():
    assert list(KNOWN) == sorted(KNOWN)


def test_what_the_variable_may_say():
    said = "record-before:1:kill, gate-delete-after:12:raise,state-save-after:2:sleep=0.5,record-after:1:sleep"

    assert parse(said) == (
        Failpoint("record-before", 1, "kill"),
        Failpoint("gate-delete-after", 12, "raise"),
        Failpoint("state-save-after", 2, "sleep", 0.5),
        Failpoint("record-after", 1, "sleep", 60),
    )
    assert parse("") == parse("  ") == ()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("record-before", "'record-before' is no failpoint; write NAME:NTH:kill"),
        ("record-before:0:kill", "'record-before:0:kill' is no failpoint; write NAME:NTH:kill"),
        ("record-before:1:kill=3", "'record-before:1:kill=3' is no failpoint; write NAME:NTH:kill"),
        ("record-before:1:kill,", "'' is no failpoint; write NAME:NTH:kill"),
        ("record-befor:1:kill", "there is no failpoint record-befor; did you mean record-before?"),
        ("zzz:1:kill", "there is no failpoint zzz; `maintd debug failpoints` lists them"),
    ],
)
def test_a_bad_value_is_a_mistake_of_the_environment_and_says_what_to_write(monkeypatch, said, answer):
    monkeypatch.setenv("MAINTD_FAILPOINTS", said)

    with pytest.raises(ConfigError) as refused:
        read_settings()

    assert str(refused.value).startswith(f"MAINTD_FAILPOINTS: {answer}")


def test_an_armed_place_fails_the_nth_time_and_no_other():
    arm(parse("record-before:2:raise"))

    reach("record-before")
    reach("record-after")
    with pytest.raises(JobError, match="a run has ended, and its record is about to be written"):
        reach("record-before")
    reach("record-before")


def test_arming_begins_to_count_anew():
    arm(parse("record-before:2:raise"))
    reach("record-before")
    arm(parse("record-before:2:raise"))

    reach("record-before")


def test_a_place_stands_still_for_as_long_as_was_said():
    arm(parse("record-before:1:sleep=0.05"))
    before = time.monotonic()

    reach("record-before")

    assert time.monotonic() - before >= 0.05


def maintd_command(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "maintd", *words],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_command_arms_what_the_environment_names_and_dies_there_as_if_killed(tmp_path):
    jobs = tmp_path / "jobs.yaml"
    jobs.write_text(
        "version: 1\njobs:\n  - {name: look, kind: http-check, manual: true, params: {checks: [{url: 'http://127.0.0.1:9'}]}}\n"
    )
    armed = {"MAINTD_JOBS_FILE": str(jobs), "MAINTD_STORAGE": tmp_path.as_uri(), "KUBECONFIG": "/nowhere"}

    killed = maintd_command("run", "look", MAINTD_FAILPOINTS="record-before:1:kill", **armed)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert [*tmp_path.rglob("runs/**/*.json")] == []


def test_a_bad_value_ends_every_command_before_it_begins():
    refused = maintd_command("version", MAINTD_FAILPOINTS="record-before:1:explode")

    assert (refused.returncode, refused.stdout) == (2, "")
    assert "write NAME:NTH:kill" in refused.stderr


def test_they_are_listed_for_people_and_for_machines():
    listed, parsed = (CliRunner().invoke(cli, ["debug", "failpoints", *more]) for more in ([], ["-o", "json"]))

    assert [line.split()[0] for line in listed.output.splitlines()[1:]] == list(KNOWN)
    assert {each["failpoint"]: each["reached_when"] for each in json.loads(parsed.output)} == KNOWN
