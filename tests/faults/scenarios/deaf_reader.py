"""C3: nobody reads the daemon's log for a while: jobs start as punctually as before, and what was dropped is told.

The lease is kept, every line that comes after all is JSON, and each run whose line is missing was counted.
"""

import asyncio
import fcntl
import json
import math
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from tests.faults.cpu import Waits
from tests.faults.evidence import records
from tests.faults.ground import Ground, ground
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report

_ROOT = Path(__file__).parents[3]
_JOBS = 30
_NAME = "seen-{:02}-whose-lines-are-long-so-that-they-fill-the-buffer"
_LONGER_SECONDS = 0.1
"""So much longer than while it is read may the loop stand still."""
_HEARD, _DEAF, _FULL = "read", "not read", "not read until lines are dropped"
_TO_FILL_SECONDS = 300.0
_DROPPED = re.compile(r"^maintd_log_lines_dropped_total ([0-9.e+]+)$", re.MULTILINE)
_TOLD = re.compile(r"(\d+) log lines dropped")
Span = tuple[datetime, datetime]


def _jobs() -> str:
    lines = (f"  - {{name: {_NAME.format(number)}, kind: version-check, every: 1s}}" for number in range(_JOBS))
    head = ("version: 1", "targets: {shop: {namespace: omtx-hub}}", "defaults: {target: shop, timeout: 5s}", "jobs:")
    return "\n".join((*head, *lines)) + "\n"


@dataclass
class _Reader:
    """Reads what the daemon says, or does not."""

    end: int
    heard: bytearray = field(default_factory=bytearray)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def listen(self) -> None:
        asyncio.get_running_loop().add_reader(self.end, self._read)

    def turn_deaf(self) -> None:
        asyncio.get_running_loop().remove_reader(self.end)

    def _read(self) -> None:
        if more := os.read(self.end, 2**16):
            self.heard += more
        else:
            self.turn_deaf()
            self.over.set()


@dataclass
class _Served:
    """A daemon, and the only one who reads its log."""

    process: asyncio.subprocess.Process
    reader: _Reader
    waits: Waits
    address: str

    async def take(self, step: Step) -> Span:
        """Read its log or do not, as long as the step says; from when to when that was."""
        begun = datetime.now(UTC)
        if step.fault != _HEARD:
            self.reader.turn_deaf()
        if step.fault == _FULL:
            async with asyncio.timeout(_TO_FILL_SECONDS):
                while not await self.dropped():
                    await asyncio.sleep(2)
        else:
            await asyncio.sleep(float(step.target))
        return begun, datetime.now(UTC)

    async def dropped(self) -> int:
        """Lines, as its metrics say."""
        (count,) = _DROPPED.findall(await self.asked("/metrics"))
        return int(float(count))

    async def asked(self, path: str) -> str:
        async with aiohttp.ClientSession() as session, session.get(f"http://{self.address}{path}") as reply:
            return await reply.text()

    async def leads(self) -> None:
        """Returns when it does."""
        async with asyncio.timeout(30):
            while True:
                with suppress(aiohttp.ClientError):
                    if "leads" in await self.asked("/readyz"):
                        return
                await asyncio.sleep(0.1)

    async def stop(self) -> int:
        """Its exit code; its log is read again."""
        self.reader.listen()
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await self.reader.over.wait()
            return await self.process.wait()


@asynccontextmanager
async def _served(here: Ground) -> AsyncIterator[_Served]:
    """A `maintd serve` whose pipe takes no more than a page."""
    address = f"127.0.0.1:{_free_port()}"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
    end, stdout = os.pipe()
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, 4096)
    reader = _Reader(end)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "maintd", "serve"),
        cwd=here.folder,
        env=inherited | {"PYTHONPATH": str(_ROOT)} | here.environment(MAINTD_HTTP_ADDRESS=address),
        stdout=stdout,
    )
    os.close(stdout)
    waits = Waits(process.pid)
    watching = asyncio.create_task(waits.watch())
    try:
        reader.listen()
        yield _Served(process, reader, waits, address)
    finally:
        watching.cancel()
        if process.returncode is None:
            process.kill()
        await process.wait()
        reader.turn_deaf()
        os.close(end)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class DeafReader:
    """One row."""

    promise: str = "C3"
    fault: str = "nobody reads the log"
    unit: str = "s of stall more than when read"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Quick: until its pipe is full, and not until lines are dropped."""
        if quick:
            return Plan(seed, (Step(0, _HEARD, "1.5"), Step(1, _DEAF, "2.5")))
        return Plan(seed, (Step(0, _HEARD, "45"), Step(1, _FULL), Step(2, _DEAF, "45")))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Read, do not read, read it all."""
        async with ground(folder, _jobs()) as here, _served(here) as served:
            await served.leads()
            await asyncio.sleep(1)  # the first starts wait for its imports
            spans = [(step, await served.take(step)) for step in plan.steps]
            role, dropped = await served.asked("/readyz"), await served.dropped()
            code = await served.stop()
            kept = records(here.store)
            stalls = _stalls(kept, served.waits)
            read = _longest(stalls, [span for step, span in spans if step.fault == _HEARD])
            deaf = _longest(stalls, [span for step, span in spans if step.fault != _HEARD])
            wrong = (*_unlike(kept, spans[-1][1][1], role, code), *_unheard(bytes(served.reader.heard), kept, dropped))
            return Report((*_stood_still(deaf, read), *wrong), max(0.0, deaf - read))


def _stalls(kept: Sequence[dict[str, Any]], waits: Waits) -> dict[datetime, float]:
    """Of each second, how late the first of its jobs started: what stood in its way was the loop."""
    first: dict[datetime, float] = {}
    for record in kept:
        due = datetime.fromisoformat(record["due"])
        first[due] = min(record["late_seconds"], first.get(due, math.inf))
    return {due: waits.stall(due, late) for due, late in first.items()}


def _longest(stalls: Mapping[datetime, float], spans: Sequence[Span]) -> float:
    return max(stall for due, stall in stalls.items() if any(begun <= due < ended for begun, ended in spans))


def _stood_still(deaf: float, read: float) -> Iterator[str]:
    if deaf - read > _LONGER_SECONDS:
        yield f"the loop stood still for {deaf:.3f} s, and for {read:.3f} s while somebody read"


def _unlike(kept: Sequence[dict[str, Any]], until: datetime, role: str, code: int) -> Iterator[str]:
    if code:
        yield f"it exited {code}"
    if "role: leads, in reign 1" not in role:
        yield f"the lease was lost: {role}"
    ended = {record["job"]: datetime.fromisoformat(record["ended"]) for record in kept}
    late = [job for job, at in ended.items() if until - at > timedelta(seconds=10)]
    if late or len(ended) < _JOBS:
        yield f"{len(ended)} of {_JOBS} jobs ran, and of them {len(late)} no more at the end"


def _unheard(log: bytes, kept: Sequence[dict[str, Any]], dropped: int) -> Iterator[str]:
    """Every line is JSON, and as many are missing as were counted."""
    said = [line.get("message", "") for line in map(_parsed, log.splitlines())]
    if bad := said.count(""):
        yield f"{bad} lines are no JSON"
    told = sum(int(count) for message in said for count in _TOLD.findall(message))
    if told < dropped:
        yield f"{dropped} lines were dropped, and {told} were told of"
    missing = len(kept) - said.count("run finished")
    if missing > told:
        yield f"{missing} runs are not in the log, and {told} lines were told to be missing"


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return found


SCENARIOS = (DeafReader(),)
