"""`maintd config`: what the settings are, and where each came from."""

import json

import pytest
import yaml
from click.testing import CliRunner, Result

from maintd.cli import cli
from maintd.config.settings import PREFIX, Settings


@pytest.fixture
def config(monkeypatch):
    """Runs the command with these variables and no other MAINTD_ one."""
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)

    def run(*words: str, **variables: str) -> Result:
        return CliRunner().invoke(cli, ["config", *words], env=variables)

    return run


def test_every_setting_is_there_with_its_default(config):
    said = config("-o", "json")

    assert {row["setting"]: row["value"] for row in json.loads(said.stdout)} == {
        f"{PREFIX}{name.upper()}": value for name, value in Settings().model_dump(mode="json").items()
    }
    assert {row["from"] for row in json.loads(said.stdout)} == {"default"}
    assert all(row["meaning"] for row in json.loads(said.stdout))


def test_what_the_environment_says_is_told_apart_even_where_it_says_the_default(config):
    said = config("-o", "json", MAINTD_CLUSTER="default", MAINTD_GRACE="90s", maintd_log_level="WARNING")
    given = {row["setting"]: row["value"] for row in json.loads(said.stdout) if row["from"] == "environment"}

    assert given == {"MAINTD_CLUSTER": "default", "MAINTD_GRACE": "1m30s", "MAINTD_LOG_LEVEL": "warning"}


def test_an_empty_variable_says_nothing(config):
    [row] = [row for row in json.loads(config("-o", "json", MAINTD_CLUSTER="").stdout) if "CLUSTER" in row["setting"]]

    assert (row["value"], row["from"]) == ("default", "default")


def test_the_table_and_yaml_say_the_same(config):
    table, data = (
        config(MAINTD_CLUSTER="prod").stdout,
        yaml.safe_load(config("-o", "yaml", MAINTD_CLUSTER="prod").stdout),
    )
    lines = [line.split()[:3] for line in table.splitlines()]

    assert lines[0] == ["SETTING", "VALUE", "FROM"]
    assert lines[1:] == [[row["setting"], str(row["value"] or "<none>"), row["from"]] for row in data]
    assert ["MAINTD_CLUSTER", "prod", "environment"] in lines


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"MAINTD_STORGE": "x"}, "did you mean MAINTD_STORAGE"),
        ({"MAINTD_GRACE": "90"}, "MAINTD_GRACE: '90' is not a duration"),
    ],
)
def test_an_environment_that_cannot_be_is_an_error_and_nothing_is_printed(config, variables, said):
    done = config(**variables)

    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
