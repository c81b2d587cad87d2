"""C3: nobody reads the daemon's log for a while: jobs run on, the lease is kept, the loop does not stand still."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from tests.faults.evidence import records
from tests.faults.ground import Ground, ground
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report

_ROOT = Path(__file__).parents[3]
_JOBS = 30
_FILLS_THE_BUFFER_SECONDS = 60.0
"""With as many jobs a second: what waits for a reader is full before that, and lines are dropped."""
_LONGEST_STALL = 1.0
"""A loop that waited for the reader would stand still for seconds; on a busy machine it is late by itself."""
_LAG = re.compile(r'maintd_loop_lag_seconds_bucket\{le="([0-9.]+|\+Inf)"\} ([0-9.e+]+)')


def _jobs() -> str:
    lines = (f"  - {{name: seen-{number}, kind: version-check, every: 1s}}" for number in range(_JOBS))
    head = ("version: 1", "targets: {shop: {namespace: omtx-hub}}", "defaults: {target: shop, timeout: 5s}", "jobs:")
    return "\n".join((*head, *lines)) + "\n"


@asynccontextmanager
async def _unread(here: Ground, address: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A `maintd serve` with a stdout of which next to nothing is read before somebody asks for it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "maintd", "serve"),
        cwd=here.folder,
        env=inherited | {"PYTHONPATH": str(_ROOT)} | here.environment(MAINTD_HTTP_ADDRESS=address),
        stdout=asyncio.subprocess.PIPE,
        limit=1024,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@dataclass(frozen=True, slots=True)
class DeafReader:
    """One row."""

    promise: str = "C3"
    fault: str = "nobody reads the log"
    unit: str = "s of lag at most"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Only how long."""
        return Plan(seed, (Step(0, "deaf", "4" if quick else "90"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Serve without a reader, ask the daemon how it does, then read it all."""
        seconds = sum(float(step.target) for step in plan.steps)
        address = f"127.0.0.1:{_free_port()}"
        async with ground(folder, _jobs()) as here, _unread(here, address) as process:
            await _ready(address)
            await asyncio.sleep(seconds)
            metrics, role = await _asked(address, "/metrics"), await _asked(address, "/readyz")
            until = datetime.now(UTC)
            process.send_signal(signal.SIGTERM)
            log, _ = await asyncio.wait_for(process.communicate(), 60)
            lag = _lag(metrics)
            wrong = [*_wrong(here, until, lag, role), *_unheard(log, metrics, seconds)]
            return Report((*wrong, *([f"it exited {process.returncode}"] if process.returncode else ())), lag)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


async def _asked(address: str, path: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}{path}") as reply:
        return await reply.text()


async def _ready(address: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                if "leads" in await _asked(address, "/readyz"):
                    return
            await asyncio.sleep(0.1)


def _lag(metrics: str) -> float:
    """The upper bound of the highest bucket that holds anything; its lower one where that is the last."""
    buckets = [(float(bound), float(count)) for bound, count in _LAG.findall(metrics)]
    most = buckets[-1][1]
    reached = next(number for number, (_, count) in enumerate(buckets) if count == most)
    return buckets[min(reached, len(buckets) - 2)][0]


def _wrong(here: Ground, until: datetime, lag: float, role: str) -> Iterator[str]:
    if lag > _LONGEST_STALL:
        yield f"the loop was late by up to {lag:g} s"
    if "role: leads, in reign 1" not in role:
        yield f"the lease was lost: {role}"
    ended = {record["job"]: datetime.fromisoformat(record["ended"]) for record in records(here.store)}
    late = [job for job, at in ended.items() if until - at > timedelta(seconds=10)]
    if late or len(ended) < _JOBS:
        yield f"{len(ended)} of {_JOBS} jobs ran, and of them {len(late)} no more at the end"


def _unheard(log: bytes, metrics: str, seconds: float) -> Iterator[str]:
    """Every line is JSON; what was dropped is counted, and where so much was said something must have been."""
    bad = 0
    for line in log.splitlines():
        try:
            json.loads(line)
        except ValueError:
            bad += 1
    if bad > 1:  # the first line that was read may have been cut by whoever did not read on
        yield f"{bad} lines are no JSON"
    counted = "maintd_log_lines_dropped_total 0.0" not in metrics
    if seconds > _FILLS_THE_BUFFER_SECONDS and not counted:
        yield f"no line was dropped, or none was counted, after {len(log):,} bytes"


SCENARIOS = (DeafReader(),)
