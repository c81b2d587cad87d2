"""The walls of the house: what a kind can reach, and how a stranger's kind comes in."""

import ast
import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from maintd.kinds import load_kinds

ROOT = Path(__file__).parents[2]
KIND_FILES = sorted(path for path in (ROOT / "maintd/kinds").rglob("*.py") if path.name != "__init__.py")
ALLOWED = {"maintd.core", "maintd.objects"}
TRANSPORTS = {"kubernetes", "google", "aiohttp", "pycurl", "requests", "urllib3", "apscheduler", "structlog"}
DOORS = {"socket", "subprocess", "http", "urllib", "ssl", "os", "pathlib", "io", "shutil", "ctypes", "importlib"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", KIND_FILES, ids=lambda path: path.stem)
def test_a_kind_imports_the_vocabulary_and_nothing_that_leads_outside(path):
    names = imports(path)
    ours = {".".join(name.split(".")[:2]) for name in names if name.startswith("maintd.")}

    assert ours <= ALLOWED
    assert {name.partition(".")[0] for name in names} & (TRANSPORTS | DOORS) == set()


def test_the_kinds_all_together_load_no_transport():
    code = "import sys, maintd.kinds; [*maintd.kinds.load_kinds().values()]; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert {name.partition(".")[0] for name in loaded} & TRANSPORTS == set()


def test_no_kind_calls_eval_or_opens_a_file():
    calls = {
        node.func.id
        for path in KIND_FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls & {"open", "eval", "exec", "compile", "__import__", "getattr", "setattr"} == set()


def test_levels_say_what_a_kind_may_do():
    for kind in load_kinds().values():
        folder = kind.run.__module__.split(".")[2]
        writes = {verb for rule in example(kind) for verb in rule.verbs} - {"get", "list"}
        assert (kind.level == 0) is (folder in ("observe", "protect"))
        assert kind.acts or not writes, f"{kind.name} is of level 0 and asks for {writes}"


def example(kind):
    from maintd.derive.docs import example_rules

    return example_rules(kind)


@pytest.fixture
def stranger(tmp_path):
    """The example of docs/writing-a-kind.md, installed as a third party's package would be."""
    page = (ROOT / "docs/writing-a-kind.md").read_text()
    name, code = re.search(r"```python file=(\w+\.py)\n(.*?)```", page, re.DOTALL).groups()
    entry = re.search(r"```toml\n\[project\.entry-points\.\"maintd\.kinds\"\]\n(\S+) = \"(\S+)\"\n```", page).groups()
    (tmp_path / name).write_text(code)
    info = tmp_path / "stranger-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[maintd.kinds]\n{entry[0]} = {entry[1]}\n")
    return tmp_path


def typed(folder: Path, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(folder)} | settings
    command = [sys.executable, "-m", "maintd", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_strangers_kind_comes_in_through_the_entry_point_with_manual_and_validation(stranger):
    jobs = stranger / "jobs.yaml"
    jobs.write_text("version: 1\njobs:\n- {name: a, kind: too-many-configmaps, manual: true, params: {mots: 5}}\n")
    bad = typed(stranger, "validate")
    jobs.write_text(jobs.read_text().replace("mots", "most"))

    assert (bad.returncode, "did you mean most?" in bad.stderr) == (2, True), bad.stderr
    assert typed(stranger, "validate").returncode == 0
    assert "| `most` | `100` |" in typed(stranger, "kinds", "too-many-configmaps").stdout


async def test_a_strangers_kind_runs_and_leaves_a_record(stranger, sandbox):
    for number in range(3):
        metadata = {"name": f"c{number}", "namespace": "default"}
        sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    (stranger / "jobs.yaml").write_text("version: 1\njobs: []\n")
    kubeconfig = str(sandbox.kubeconfig(stranger / "kubeconfig"))
    words = ("run", "too-many-configmaps", "--set", "most=2", "-o", "json")
    said = await asyncio.to_thread(typed, stranger, *words, KUBECONFIG=kubeconfig)

    record = json.loads(said.stdout)
    assert (record["status"], said.returncode) == ("attention", 1), said.stderr
    assert [finding["subject"] for finding in record["findings"]] == ["namespace default"]


def test_a_package_that_cannot_be_imported_is_named_with_a_remedy(stranger):
    (stranger / "too_many_configmaps.py").write_text("import nothing_of_that_name\n")
    job = "{name: a, kind: too-many-configmaps, manual: true}"
    (stranger / "jobs.yaml").write_text(f"version: 1\njobs: [{job}]\n")
    said = typed(stranger, "validate")

    assert said.returncode == 2
    assert said.stderr.startswith("jobs.yaml:2:24: jobs[0].kind: the kind ")
    assert "too-many-configmaps (too_many_configmaps:KIND) cannot be imported" in said.stderr
    assert "Traceback" not in said.stderr
