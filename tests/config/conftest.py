"""A loader with the kinds and schedules of the program, and one with kinds of this folder's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from maintd.cli import jobsfile
from maintd.config.jobs import JobsFile
from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have MAINTD_ variables of their own."""
    import os

    for name in [name for name in os.environ if name.upper().startswith("MAINTD_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def loader() -> Loader:
    """As `maintd validate` uses it without any setting."""
    return jobsfile.loader()
