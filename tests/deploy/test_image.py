"""The Dockerfile. No image is built here; what can be read in it is held."""

import fnmatch
import re
import sys
from pathlib import Path

from maintd import __version__
from maintd.config.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "Dockerfile").read_text()
JOINED = re.sub(r"^\s*#.*\n", "", TEXT, flags=re.MULTILINE).replace("\\\n", " ")
LINES = [line for line in JOINED.splitlines() if line.strip()]
LAST = LINES[max(number for number, line in enumerate(LINES) if line.startswith("FROM ")) :]


def said(instruction, lines=LINES):
    """The arguments of each line with this instruction."""
    return [line.removeprefix(f"{instruction} ") for line in lines if line.startswith(f"{instruction} ")]


def let_through(path):
    """Whether .dockerignore leaves it in the context: a list of what is let through, after `*`."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    return path.partition("/")[0] in {rule[1:] for rule in rules if rule.startswith("!")}


def test_both_stages_stand_on_the_python_that_the_tests_run_on():
    [base] = [line for line in said("ARG") if line.startswith("PYTHON=")]

    assert fnmatch.fnmatch(base, f"PYTHON=python:{sys.version_info.major}.{sys.version_info.minor}-slim-*")
    assert [line.partition(" ")[0] for line in said("FROM")] == ["${PYTHON}", "${PYTHON}"]


def test_everything_is_installed_by_hash_and_nothing_is_compiled():
    installs = [part for run in said("RUN") for part in run.split("&&") if re.search(r"\bpip\b.* install ", part)]
    from_elsewhere = [part for part in installs if "--no-index" not in part]

    assert len(from_elsewhere) == 2
    assert all("--require-hashes" in part for part in from_elsewhere)
    assert any("PIP_ONLY_BINARY=:all:" in line for line in said("ENV"))


def test_the_last_stage_has_nothing_to_install_or_fetch_with():
    assert said("RUN", LAST) == ["python -m pip uninstall --yes pip setuptools wheel"]
    assert said("COPY", LAST) == ["--from=build /opt/maintd /opt/maintd"]
    assert re.findall(r"\b(apt|apt-get|curl|wget|ADD)\b", "\n".join(LINES)) == []


def test_it_runs_as_the_user_of_the_deployment_and_serves(pod):
    ids = pod["spec"]["securityContext"]

    assert said("USER", LAST) == [f"{ids['runAsUser']}:{ids['runAsGroup']}"]
    assert (said("ENTRYPOINT", LAST), said("CMD", LAST)) == (['["maintd"]'], ['["serve"]'])


def test_what_it_sets_and_copies_exists():
    given = set(re.findall(rf"\b({PREFIX}\w+)=", " ".join(said("ENV"))))
    copied = [path for line in said("COPY") if "--from" not in line for path in line.split()[:-1]]

    assert given - {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} == set()
    assert [path for path in copied if not (ROOT / path).exists() or not let_through(path)] == []


def test_the_context_has_no_history_and_no_credentials():
    assert [name for name in (".git", ".venv", ".maintd", "deploy", "lifecycle.json") if let_through(name)] == []


def test_the_labels_say_what_it_is():
    [labels] = said("LABEL", LAST)
    named = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', labels))

    assert set(named) == {"title", "description", "licenses", "version", "revision"}
    assert f"VERSION={__version__}" in said("ARG", LAST)
