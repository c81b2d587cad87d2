"""What a good file comes to."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import Field

from maintd.cli import jobsfile
from maintd.config.jobs import Job, JobsFile, Retry
from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs
from maintd.core.errors import ConfigError
from maintd.core.kind import Context, Kind, Params
from maintd.core.limits import Limits
from maintd.core.outcome import Outcome
from maintd.core.target import Target
from maintd.core.units import Duration


class Sweep(Params):
    """Parameters of a kind that acts."""

    names: tuple[str, ...] = ()
    older_than: Duration = timedelta(days=1)
    strict: bool = False


async def run(ctx: Context, params: Any) -> Outcome:
    """Never called here."""
    raise NotImplementedError


def _kind(name: str, **more: Any) -> Kind:
    """A kind as if it lived in a module of that name."""

    async def _run(ctx: Context, params: Any) -> Outcome:
        raise NotImplementedError

    _run.__module__ = f"somewhere.{name}"
    return Kind(Sweep, _run, **more)


