"""The rules for alerts: of metrics that exist, explained in docs/alerts.md, and right about when they fire."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from maintd.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
GROUPS = yaml.safe_load((ROOT / "deploy/components/monitoring/rules.yaml").read_text())["spec"]
RULES = [rule for group in GROUPS["groups"] for rule in group["rules"]]
BY_NAME = pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
EXPORTED = {family.name + ("_total" if family.type == "counter" else "") for family in Metrics().registry.collect()}


@BY_NAME
def test_an_alert_waits_says_how_bad_it_is_and_what_to_do(rule):
    headings = re.findall(r"^## (\w+)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)

    assert re.fullmatch(r"[1-9]\d*[mh]", rule["for"])
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"] == f"docs/alerts.md#{rule['alert'].lower()}"
    assert rule["alert"] in headings


@BY_NAME
def test_an_alert_is_about_metrics_that_exist(rule):
    assert set(re.findall(r"\bmaintd_\w+", rule["expr"])) - EXPORTED == set()


@BY_NAME
def test_no_alert_asks_for_the_label_that_prometheus_takes_for_itself(rule):
    assert re.findall(r'(?<!exported_)\bjob\b(?=[=,)"\s])', rule["expr"]) == []


def test_what_is_explained_is_what_there_is():
    headings = re.findall(r"^## (Maintd\w+)$", (ROOT / "docs/alerts.md").read_text(), re.MULTILINE)

    assert headings == [rule["alert"] for rule in RULES]


@pytest.mark.cluster
def test_promtool_takes_the_rules_and_each_fires_when_it_should_and_not_before(tmp_path, need_tool):
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(GROUPS))
    (tmp_path / "test.yaml").write_text((Path(__file__).parent / "alerts.promtool.yaml").read_text())

    for words in (("check", "rules", "--lint-fatal", "rules.yaml"), ("test", "rules", "test.yaml")):
        done = subprocess.run(
            [need_tool("promtool"), *words], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_played_through():
    played = yaml.safe_load((Path(__file__).parent / "alerts.promtool.yaml").read_text())["tests"]
    expected = {case["alertname"] for test in played for case in test["alert_rule_test"] if case.get("exp_alerts")}

    assert expected == {rule["alert"] for rule in RULES}
