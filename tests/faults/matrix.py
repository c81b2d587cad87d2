"""docs/faults.md: how a run of each kind ends for each fault, by which of its requests goes wrong."""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tests.faults.scenarios.api_faults import FAULTS, LASTING, POSITIONS, Case, calm, strike
from tests.faults.scenarios.single_run import KINDS

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
_AT_ONCE = 8
_HEAD = """# How a run ends when the API server fails

One request of a run goes wrong; `failed · ok · partial · ok` is how the run ended where that was the first that it
sends, the middle one, the first that changes something (else the last), the last; one word stands for all four.
`backup-verify`, `http-check` and `latency-sample` ask the API server nothing: struck is what keeps their state there.

What is called `ok` or `attention` did all that it does without the fault, which the harness checks; whatever else was
changed is in the run's record. No run was lost or recorded twice, and nothing was done twice. A 409 on a deletion is an
answer: the pod has changed since it was judged, so it is kept and named, and the run is `ok`.

Written by `make faults`; do not edit. Each run had 10 s, so that what takes long ends.
"""
_TITLES = {"once": "The request fails once", "for ever": "The request fails for as long as the run lasts"}


async def write_page() -> str:
    """Play the whole matrix and write the page; returns what to say about it."""
    cases = [Case(fault, kind, position, lasting) for fault in FAULTS for kind, position, lasting in _cells()]
    turns = asyncio.Semaphore(_AT_ONCE)
    ends: dict[Case, str] = {}
    wrong: list[str] = []

    async def one(case: Case) -> None:
        async with turns:
            ends[case], violations = await _struck(case)
            wrong.extend(f"{case.fault}: {said}" for said in violations)

    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            await calm(kind, Path(folder))
    await asyncio.gather(*map(one, cases))
    PAGE.write_text(page(ends), encoding="utf-8")
    return "\n".join((f"{len(cases)} cases of the fault matrix, {len(wrong)} violations, in {PAGE.name}", *wrong))


async def _struck(case: Case) -> tuple[str, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        seen, violations = await strike(case, Path(folder))
    return seen.run.status.value, violations


def page(ends: Mapping[Case, str]) -> str:
    """The page, of how each case ended."""
    return "\n".join((_HEAD, *(_section(lasting, ends) for lasting in LASTING)))


def _cells() -> list[tuple[str, str, str]]:
    return [(kind, position, lasting) for kind in KINDS for position in POSITIONS for lasting in LASTING]


def _section(lasting: str, ends: Mapping[Case, str]) -> str:
    head = f"## {_TITLES[lasting]}\n\n| fault | {' | '.join(KINDS)} |\n|{' --- |' * (len(KINDS) + 1)}\n"
    rows = (f"| {fault} | {' | '.join(_ended(fault, kind, lasting, ends) for kind in KINDS)} |" for fault in FAULTS)
    return head + "\n".join(rows) + "\n"


def _ended(fault: str, kind: str, lasting: str, ends: Mapping[Case, str]) -> str:
    each = [ends[Case(fault, kind, position, lasting)] for position in POSITIONS]
    return each[0] if len(set(each)) == 1 else " · ".join(each)
