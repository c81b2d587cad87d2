"""The lifecycle rules that the docs tell people to set: they delete what retention would, and never a backup."""

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from maintd.config.jobs import Retention
from maintd.storage.bucket_settings import read_settings
from maintd.storage.prunable import AREAS

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"store.md": "PREFIX/CLUSTER/", "install.md": "maintd/$CLUSTER/"}
RUN = "20200101T000000Z-tidy-3f9a1c"
NEVER = [
    "backups/20200101T000000Z-3f9a1c/manifest.json",
    "backups/20200101T000000Z-3f9a1c/runs/configmaps.yaml",
    "backups/20200101T000000Z-3f9a1c/samples/secrets.yaml.age",
    "verifications/20200101T000000Z-3f9a1c/20200102T000000Z-read.json",
    "state/state.json",
    "runs-of-others/a.json",
    "samplesX/a.json",
]
OURS = {
    "runs": f"runs/2020/01/01/{RUN}.json",
    "samples": "samples/latency/2020-01-01/000000Z-3f9a1c.ndjson",
    "evidence": f"evidence/{RUN}/shop/pods/api/manifest.yaml",
    "doctor": "doctor/2020-01-01/pod.txt",
}


def rules(page: str) -> list[dict[str, Any]]:
    """Of the block on that page that is a lifecycle."""
    (found,) = re.findall(r"^\{\"lifecycle\".*?^\]\}\}$", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    parsed: list[dict[str, Any]] = json.loads(found)["lifecycle"]["rule"]
    return parsed


def deletes(rule: dict[str, Any], name: str, *, days: int, live: bool) -> bool:
    """Whether the rule holds for an object of that age, as https://cloud.google.com/storage/docs/lifecycle has it."""
    condition = rule["condition"]
    assert condition.keys() <= {"age", "matchesPrefix", "daysSinceNoncurrentTime"}, "a condition this cannot judge"
    return (
        rule["action"] == {"type": "Delete"}
        and any(name.startswith(prefix) for prefix in condition.get("matchesPrefix", [""]))
        and days >= condition.get("age", 0)
        and ("daysSinceNoncurrentTime" not in condition or (not live and days >= condition["daysSinceNoncurrentTime"]))
    )


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("path", NEVER)
def test_no_rule_ever_holds_for_a_backup_or_anything_else_that_is_kept(page, path):
    for folder in (PAGES[page], "", "other/", f"{PAGES[page]}deeper/", PAGES[page].rstrip("/") + "-2/"):
        for live in (True, False):
            held = [rule for rule in rules(page) if deletes(rule, folder + path, days=10_000, live=live)]
            assert held == []


@pytest.mark.parametrize("page", PAGES)
def test_doctor_finds_in_these_rules_nothing_that_endangers_backups(page):
    bucket = read_settings("gs://b", {"lifecycle": {"rule": rules(page)}})

    assert bucket.deleted_after(f"{PAGES[page]}backups/", date(2026, 1, 1)) is None
    assert bucket.deleted_after(f"{PAGES[page]}runs/", date(2026, 1, 1)) is not None


@pytest.mark.parametrize(("area", "path"), OURS.items())
def test_the_rules_delete_what_retention_would(area, path):
    def gone(days: int, folder: str = PAGES["store.md"]) -> bool:
        return any(deletes(rule, folder + path, days=days, live=True) for rule in rules("store.md"))

    assert (gone(10_000), gone(7), gone(10_000, "PREFIX/CLUSTER-2/"), gone(10_000, "OTHER/CLUSTER/")) == (
        True,
        False,
        False,
        False,
    )


def test_what_can_be_kept_small_is_what_jobs_yaml_can_name_and_the_docs_have_rules_for():
    assert tuple(OURS) == AREAS == tuple(Retention.model_fields)
