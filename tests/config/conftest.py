"""Loaders: one as the program has it, one with kinds of the tests' own."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from maintd.cli import jobsfile
from maintd.config.load import Loader
from maintd.core.kind import Context, Kind, Params
from maintd.core.limits import Limits
from maintd.core.outcome import Outcome
from maintd.core.target import Target
from maintd.core.units import Duration

GOOD = Path(__file__).parent / "good.yaml"


class Sweep(Params):
    """Parameters of the kinds of these tests."""

    names: tuple[str, ...] = ()
    older_than: Duration = timedelta(days=1)
    strict: bool = False
    words: dict[str, str | int | float | bool] = Field(default_factory=dict)


def kind(name: str, **more: Any) -> Kind:
    """A kind as if it lived in a module of that name."""

    async def run(ctx: Context, params: Any) -> Outcome:
        raise NotImplementedError

    run.__module__ = f"somewhere.{name}"
    return Kind(Sweep, run, **more)


def _check(params: Sweep, target: Target) -> str | None:
    return None if target.namespace else "there is no namespace to sweep; give the target one"


def _fail(params: Sweep, target: Target) -> str | None:
    raise ZeroDivisionError("nobody thought of this")


SWEEP = kind("sweep_up", level=1, check=_check, limits=Limits(max_count=7, per_day=30), timeout=timedelta(minutes=9))
LOOK = kind("look_around", level=0)
BROKEN = kind("broken", level=0, check=_fail)


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have MAINTD_ variables of their own."""
    for name in [name for name in os.environ if name.upper().startswith("MAINTD_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def loader() -> Loader:
    """As `maintd validate` has it without any setting."""
    return jobsfile.loader()


@pytest.fixture
def bare() -> Loader:
    """With three kinds of these tests' own and nothing else; maintd itself lives in `ops`."""
    return Loader({one.name: one for one in (SWEEP, LOOK, BROKEN)}, jobsfile.loader().schedules, "ops")
