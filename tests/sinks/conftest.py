"""Records of runs, and a log that is read back."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from maintd.config.jobs import Job
from maintd.core.outcome import Run, Status
from maintd.kinds import load_kinds
from maintd.scheduling.runner import Ring
from maintd.telemetry import logs

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def run_of() -> Callable[..., Run]:
    """A good run of the job `tidy` at noon, but for what is said."""

    def make(**more: Any) -> Run:
        fields: dict[str, Any] = {
            "run_id": "20261122T120000Z-tidy-3f9a1c",
            "job": "tidy",
            "kind": "cleanup-pods",
            "started": NOON,
            "ended": NOON + timedelta(seconds=2),
            "status": Status.OK,
            "summary": "deleted 5 pods",
        }
        return Run(**{**fields, **more})

    return make


@pytest.fixture
def ring() -> Ring:
    """What the runner says when a run of `tidy` starts."""
    kind = load_kinds()["cleanup-pods"]
    return Ring(
        Job(name="tidy", kind=kind, params=kind.params()), "20261122T120000Z-tidy-3f9a1c", NOON, "act", due=NOON
    )


@pytest.fixture
def log_lines(tmp_path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Logs to a file; calling it returns the lines so far, without what all lines have."""
    path = tmp_path / "maintd.log"
    with path.open("w", encoding="utf-8") as stream:
        logs.configure("json", "info", stream)

        def read() -> list[dict[str, Any]]:
            logs.shutdown()
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            return [{key: value for key, value in line.items() if key not in ("time", "logger")} for line in lines]

        yield read
        logs.shutdown()
