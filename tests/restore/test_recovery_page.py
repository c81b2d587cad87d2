"""docs/recovery.md typed from its first block to its last, on two real control planes and a bucket."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests
from pyrage import x25519

from tests.conftest import CONTROLPLANE

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs/recovery.md").read_text()
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ASSIGNED = re.compile(r"(?:export )?[A-Z_]+=")
JOBS = """
version: 1
targets: {hub: {namespace: omtx-hub}}
defaults: {target: hub}
jobs:
- {name: nightly, kind: backup, manual: true, params: {namespaces: [omtx-hub, no-*]}}
- {name: sealed, kind: backup, manual: true, params: {namespaces: [omtx-hub, no-*], secrets: {recipients: [KEY]}}}
"""
STUB = """#!/bin/sh
echo "$(basename "$0") $*" >> "$TYPED"
case "$*" in *get-credentials*) cp "$NEW_CLUSTER" "$KUBECONFIG" ;; esac
"""
"""gcloud and pipx are not here: what is typed is written down, and another cluster is the one that is meant."""


@dataclass
class Terminal:
    """A person's terminal: says yes to whatever is asked, and remembers the variables that were set."""

    folder: Path
    environment: dict[str, str]
    filled: dict[str, str] = field(default_factory=dict)
    """What somebody puts in for the page's own examples."""
    prelude: str = ""
    said: list[str] = field(default_factory=list)
    """What each line printed."""

    def type(self, block: str) -> list[int]:
        """Each line of a block, as it is; the exit codes."""
        codes = []
        for line in block.splitlines():
            if ASSIGNED.match(line):
                self.prelude += self._filled_in(line) + "\n"
            else:
                codes.append(self(line))
        return codes

    def _filled_in(self, line: str) -> str:
        for example, real in self.filled.items():
            line = line.replace(example, real)
        return line

    def __call__(self, line: str) -> int:
        ours, theirs = pty.openpty()
        os.write(ours, b"y\n")
        done = subprocess.run(
            ["bash", "-c", self.prelude + line],
            env=self.environment,
            cwd=self.folder,
            stdin=theirs,
            capture_output=True,
            text=True,
            check=False,
        )
        os.close(ours)
        os.close(theirs)
        self.said.append(f"$ {line}\n{done.stdout}{done.stderr}")
        assert "Traceback" not in self.said[-1], self.said[-1]
        return done.returncode

    def must(self, line: str) -> str:
        """What a line prints that has to do its work."""
        assert self(line) == 0, self.said[-1]
        return self.said[-1]


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Two kubeconfigs: of the cluster that is lost, and of the new one."""
    folders = [tmp_path_factory.mktemp("old"), tmp_path_factory.mktemp("new")]
    try:
        started = [
            subprocess.run([sys.executable, CONTROLPLANE, "up", folder], capture_output=True, text=True, check=True)
            for folder in folders
        ]
        yield [Path(done.stdout.strip()) for done in started]
    finally:
        for folder in folders:
            subprocess.run([sys.executable, CONTROLPLANE, "down", folder], capture_output=True, check=False)


@pytest.fixture
def terminal(clusters: list[Path], fake_gcs: str, tmp_path: Path) -> Terminal:
    """A laptop with a kubeconfig of both, a bucket, and the key of the Secrets."""
    old, new = (json.loads(path.read_text()) for path in clusters)
    merged = old | {part: [*old[part]] for part in ("clusters", "users", "contexts")}
    merged["clusters"].append(new["clusters"][0] | {"name": "new"})
    merged["users"].append(new["users"][0] | {"name": "new"})
    merged["contexts"].append({"name": "new-cluster", "context": {"cluster": "new", "user": "new"}})
    (tmp_path / "kubeconfig").write_text(json.dumps(merged))
    requests.post(f"{fake_gcs}/storage/v1/b?project=p", json={"name": "night"}, timeout=10).raise_for_status()
    key = x25519.Identity.generate()
    (tmp_path / "key.txt").write_text(str(key))
    (tmp_path / "jobs.yaml").write_text(JOBS.replace("KEY", str(key.to_public())))
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("gcloud", "pipx"):
        (tools / name).write_text(STUB)
        (tools / name).chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
    path = f"{tools}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    said = {"PATH": path, "STORAGE_EMULATOR_HOST": fake_gcs, "TYPED": str(tmp_path / "typed")}
    said |= {"KUBECONFIG": str(tmp_path / "kubeconfig"), "NEW_CLUSTER": str(clusters[1]), "NO_COLOR": "1"}
    return Terminal(tmp_path, kept | said, {"gs://bucket/prefix": "gs://night/prefix"})


UNCHECKED = 3
"""The backup has Secrets, and this line of the page brings no key."""


def test_every_block_does_what_the_page_says(terminal: Terminal, need_tool: Callable[[str], str]) -> None:
    kubectl = f"{need_tool('kubectl')} -n omtx-hub"
    set_up, in_order, looking, elsewhere, bringing_back, undo, catastrophe = BLOCKS
    terminal.type(set_up)
    terminal.must(f"{kubectl} apply -f {HERE / 'night.yaml'}")
    terminal.must("maintd run nightly")
    now = datetime.now(UTC)
    terminal.filled |= {"20261120T0300": f"{now:%Y%m%d}", "2026-11-20T03:00Z": f"{now:%Y-%m-%dT%H:%M:%SZ}"}
    terminal.type(set_up)

    terminal.must(f"{kubectl} delete configmap settings")
    terminal.must(f"{kubectl} set image deployment/omtx-hub-backend backend=hub:2")
    assert terminal.type(in_order) == [1, 0, 0, 0, 0], terminal.said
    [kept] = re.findall(r"^undo +maintd restore --from (\S+)", "\n".join(terminal.said), re.MULTILINE)
    assert terminal.type(looking) == [0] * 7, terminal.said
    assert terminal.type(elsewhere) == [1], terminal.said

    terminal.must("maintd run sealed")
    terminal.must(f"{kubectl} delete namespace omtx-hub")
    assert terminal.type(bringing_back) == [UNCHECKED, 0, 0, UNCHECKED, UNCHECKED, 0], terminal.said
    assert terminal("maintd diff --identity $KEY") == 0, terminal.said[-1]
    assert terminal.must(f"{kubectl}-copy get deployments -o name").endswith("deployment.apps/omtx-hub-backend\n")

    [example] = re.findall(r"^UNDO=(\S+)", undo, re.MULTILINE)
    terminal.filled = {example: kept, **terminal.filled}
    assert terminal.type(undo) == [0], terminal.said[-1]
    assert terminal.must(f"{kubectl} get deployments -o jsonpath='{{..image}}'").endswith("hub:2")

    assert terminal.type(catastrophe) == [0, 0, 0, UNCHECKED, UNCHECKED, 0], terminal.said
    assert terminal("maintd diff --from $FROM --identity $KEY") == 0, terminal.said[-1]
    assert (terminal.folder / "typed").read_text().splitlines() == [
        line for line in catastrophe.splitlines() if line.startswith(("pipx", "gcloud"))
    ]
