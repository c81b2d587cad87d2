"""Searches by hypothesis as rounds: a seed and a number of examples in, the shortest counterexample out."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings

from maintd.cluster.api import Api
from maintd.sandbox.server import Sandbox

_ONE_AT_A_TIME = Lock()
"""hypothesis raises the interpreter's recursion limit, which another search may meanwhile parse its code under."""


def searched(examples: int, *, steps: int = 12, shrink: bool = True) -> settings:
    """Settings of one search; the seed decides what it tries, and nothing is remembered."""
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=phases,
        print_blob=False,
    )


def seeded(seed: int, search: Any) -> Any:
    """The search, or the class of a state machine, with this seed."""
    return hypothesis.seed(seed)(search)


def complaint(search: Callable[[], object]) -> tuple[str, ...]:
    """What the search found, in a line: the broken promise and how to get there."""
    try:
        with _ONE_AT_A_TIME:
            search()
    except AssertionError as error:
        notes = "; ".join(getattr(error, "__notes__", ()))
        return (" ".join(f"{error} {notes}".split())[:600],)
    return ()


class Loop:
    """One loop, one sandbox and one view of it for all examples of a search: starting them is most of the work."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runner = asyncio.Runner()
        self.sandbox = Sandbox()

    def __enter__(self) -> "Loop":
        self.run(self.sandbox.__aenter__())
        self.sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        self.api: Api = self.run(Api.connect(self.sandbox.kubeconfig(self._folder / "kubeconfig")))
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.api.close())
        self.run(self.sandbox.__aexit__())
        self._runner.close()

    def run(self, work: Any) -> Any:
        """Wait for it."""
        return self._runner.run(work)
