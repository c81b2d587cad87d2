"""What a round left behind: records, backups, the state, the API server's history. Read without maintd's help."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from maintd.sandbox.server import Sandbox


@dataclass(frozen=True, slots=True)
class Written:
    """A record, and when its file was written by the machine's clock, whatever its daemon took the time to be."""

    at: float
    record: dict[str, Any]

    @property
    def due(self) -> datetime:
        """When its run was due."""
        return datetime.fromisoformat(self.record["due"])


def written(store: Path) -> list[Written]:
    """Every record of a run, as `records`."""
    files = sorted((store / "runs").rglob("*.json"), key=lambda path: path.name)
    return [Written(path.stat().st_mtime, json.loads(path.read_text(encoding="utf-8"))) for path in files]


def records(store: Path) -> list[dict[str, Any]]:
    """Every record of a run, in the order of their ids."""
    return [one.record for one in written(store)]


def backups(store: Path) -> list[list[str]]:
    """What is in each backup that exists, which its manifest makes it do: names of files, sorted."""
    folders = sorted(path.parent for path in (store / "backups").glob("*/manifest.json"))
    return [sorted(str(file.relative_to(one)) for file in one.rglob("*") if file.is_file()) for one in folders]


def history(file: Path) -> list[dict[str, Any]]:
    """Every request that reached the API server."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def state(sandbox: Sandbox) -> dict[str, Any]:
    """The entries of the state, by job."""
    found = sandbox.get("v1", "ConfigMap", "maintd-state", "maintd")
    return {job: json.loads(text) for job, text in found["data"].items()} if found else {}


def deleted_twice(sandbox: Sandbox) -> list[str]:
    """Uids whose deletion the API server took more than once."""
    taken = Counter(line.uid for line in sandbox.requests if line.verb == "delete" and line.status in (200, 202))
    return [uid for uid, times in taken.items() if uid and times > 1]
