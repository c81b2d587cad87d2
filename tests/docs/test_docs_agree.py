"""What the docs say is what the code does, as far as a machine can tell."""

import re
from pathlib import Path

import pytest

from maintd.cli import COMMANDS
from maintd.config.settings import PREFIX, Settings
from maintd.core.outcome import Status
from maintd.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]


def test_every_metric_is_in_the_docs_and_every_metric_in_the_docs_exists():
    known = {family.name + ("_total" if family.type == "counter" else "") for family in Metrics().registry.collect()}
    told = set(re.findall(r"`(maintd_\w+)`", (ROOT / "docs/observing.md").read_text()))

    assert told == known


def test_the_readmes_settings_are_those_there_are():
    told = set(re.findall(rf"`({PREFIX}[A-Z_]+)`", (ROOT / "README.md").read_text()))

    assert told - {PREFIX} == {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


def test_the_readmes_statuses_and_exit_codes_are_those_there_are():
    rows = re.findall(r"^\| `([a-z-]+)` \| [^|]+ \| ?(\d*) ?\|", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert dict(rows) == {str(s): "" if s is Status.MISSED else str(s.exit_code) for s in Status}


def test_every_command_in_the_docs_exists():
    text = "\n".join(page.read_text() for page in PAGES)
    told = set(re.findall(r"(?:^\$? *|`|\()maintd ([a-z]+)", text, re.MULTILINE))

    assert told - set(COMMANDS) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page):
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []
