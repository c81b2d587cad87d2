"""S9: ten jobs of fifty are on endpoints that never answer: they end at their deadline; the others do not notice."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from maintd.sandbox.app import SampleApp
from tests.faults.evidence import records
from tests.faults.ground import ground
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report

_GOOD, _HUNG = 40, 10
_TIMEOUT = 2.0
_LATEST = 2.0
_MOST_RUNNING = 20
"""Twice what hangs: a pool that everybody shares would be full of those that hang."""


@asynccontextmanager
async def _silent() -> AsyncIterator[str]:
    """The URL of a server that takes every connection and never says a word."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def _jobs(good: str, silent: str) -> str:
    probes = "kind: http-check, every: 1s, timeout: 2s, params: {checks: [{name: docs, path: /docs, timeout: 1m}]}"
    lines = [
        "version: 1",
        f"max_running: {_MOST_RUNNING}",
        f'targets: {{good: {{url: "{good}"}}, silent: {{url: "{silent}"}}}}',
        "jobs:",
        *(f"  - {{name: good-{number}, target: good, {probes}}}" for number in range(_GOOD)),
        *(f"  - {{name: hung-{number}, target: silent, {probes}}}" for number in range(_HUNG)),
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Hung:
    """One row."""

    promise: str = "S9"
    fault: str = "10 of 50 endpoints never answer"
    unit: str = "s late, p99"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Only how long it lasts."""
        return Plan(seed, (Step(0, "silence", "4" if quick else "60"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Serve for a while."""
        seconds = sum(float(step.target) for step in plan.steps)
        async with SampleApp() as app, _silent() as silent, ground(folder, _jobs(app.url, silent)) as here:
            async with here.serve_embedded() as served:
                await served.said("daemon started")
                await asyncio.sleep(seconds)
                code = await served.stop()
            late, wrong = _judged(records(here.store))
            return Report((*wrong, *([f"it exited {code}"] if code else ())), late)


def _judged(kept: list[dict[str, Any]]) -> tuple[float, Iterator[str]]:
    ran = [record for record in kept if record["status"] not in ("skipped", "missed", "interrupted")]
    good = [record for record in ran if record["job"].startswith("good")]
    late = sorted(record["late_seconds"] for record in good)
    p99 = late[int(len(late) * 0.99)] if late else float("inf")
    return p99, _wrong(ran, good, p99)


def _wrong(ran: list[dict[str, Any]], good: list[dict[str, Any]], p99: float) -> Iterator[str]:
    if p99 > _LATEST:
        yield f"the others start {p99:.2f} s late, p99 of {len(good)}"
    bad = Counter(record["status"] for record in good if record["status"] != "ok")
    if bad:
        yield f"the others ended {dict(bad)}"
    hung = [record for record in ran if record["job"].startswith("hung")]
    odd = Counter(record["status"] for record in hung if record["status"] != "timed-out")
    if odd or not hung:
        yield f"those that hang ended {dict(odd)}: {json.dumps(hung[:1])[:300]}"
    over = [record for record in hung if _seconds(record) > _TIMEOUT + 1]
    if over:
        yield f"{len(over)} runs went on past their deadline of {_TIMEOUT:g} s by more than 1 s"


def _seconds(record: dict[str, Any]) -> float:
    started, ended = (datetime.fromisoformat(record[key]) for key in ("started", "ended"))
    return (ended - started).total_seconds()


SCENARIOS = (Hung(),)
