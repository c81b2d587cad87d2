"""The better part of an hour of a daemon whose days pass in minutes, on a cluster that fails at random: does it grow?

    python bench/soak.py [--minutes 50] [--warm-up 20] [--seed 1]

Every kind runs every few seconds, pods fail, jobs.yaml is edited once a minute, and the API server refuses, lies, hangs
or hangs up, now and then for longer than the lease lasts. Memory, descriptors, threads and asyncio tasks are counted
every five seconds. Its heap takes a quarter of an hour to find its shape: what is counted while it warms up is left
out. Prints a table and asserts nothing.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tables import table

from maintd.sandbox.app import SampleApp
from maintd.sandbox.faults import Fault, html, null_items, truncated, unavailable
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world, goes_on_breaking

JOBS = """version: 1
targets: {{shop: {{namespace: omtx-hub, url: "{url}"}}}}
defaults: {{target: shop, timeout: 5s}}
jobs:
- {{name: versions, kind: version-check, every: 1s, params: {{max_minor_behind: {edited}}}}}
- {{name: tidy, kind: cleanup-pods, every: 2s, mode: act, params: {{phases: [Failed], older_than: 1s}}}}
- {{name: backup, kind: backup, every: 10s}}
- {{name: verify, kind: backup-verify, every: 15s}}
- {{name: prune, kind: backup-prune, every: 30s, mode: act, params: {{keep_last: 5, keep_daily: 0}}}}
- {{name: times, kind: latency-sample, every: 5s, params: {{path: /health, samples: 5}}}}
- {{name: health, kind: http-check, every: 1s, params: {{checks: [{{name: docs, path: /docs}}]}}}}
"""
SAMPLE_SECONDS, TELLING_SECONDS, EDIT_SECONDS, KEPT_SECONDS = 5.0, 0.5, 60.0, 120.0
LONGER_THAN_A_LEASE, PATIENT = 25.0, 8.0
COMPLAINTS = (b"was never awaited", b"was never retrieved", b"was destroyed but it is pending", b"Traceback")

WRONG: tuple[dict[str, object], ...] = (
    {"reset": "before"},
    {"reset": "after"},
    {"pace": "half"},
    {"pace": "trickle"},
    {"delay_seconds": 7.0},
    {"edit": truncated},
    {"answer": html(502)},
    {"answer": unavailable(503)},
    {"answer": unavailable(429, retry_after=1)},
    {"answer": unavailable(403)},
)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the daemon takes at one moment."""

    seconds: float
    rss_mib: float
    descriptors: int
    threads: int
    tasks: int


def a_fault(dice: random.Random) -> Fault:
    """Something that befalls the next few requests."""
    verb, times = dice.choice(("*", "get", "list", "update", "create", "delete")), dice.randint(1, 5)
    if dice.random() < 0.1:
        return Fault("list", times=times, edit=null_items)
    return Fault(verb, times=times, **dice.choice(WRONG))  # type: ignore[arg-type]


async def goes_wrong(box: Sandbox, dice: random.Random) -> None:
    """Faults, one after the other; about one in twenty is an outage."""
    while True:
        await asyncio.sleep(dice.expovariate(1 / PATIENT))
        if dice.random() < 0.05:
            box.faults[:] = [Fault("*", times=1_000_000, answer=unavailable(503))]
            await asyncio.sleep(LONGER_THAN_A_LEASE)
            box.faults.clear()
        else:
            box.faults[:] = [a_fault(dice)]


async def is_edited(folder: Path, url: str) -> None:
    for edited in itertools.cycle((1, 2)):
        (folder / "jobs.yaml").write_text(JOBS.format(url=url, edited=edited))
        await asyncio.sleep(EDIT_SECONDS)


async def is_swept(store: Path) -> None:
    """What a bucket's lifecycle rules do: old records, samples and evidence go."""
    while True:
        await asyncio.sleep(KEPT_SECONDS / 4)
        for part in ("runs", "samples", "evidence", "verifications"):
            for file in [*(store / part).rglob("*")]:
                with contextlib.suppress(OSError):
                    if file.is_file() and time.time() - file.stat().st_mtime > KEPT_SECONDS:
                        file.unlink()


async def sample(pid: int, since: float, tasks: Path) -> Sample:
    os.kill(pid, signal.SIGUSR1)
    await asyncio.sleep(TELLING_SECONDS)
    return taken(Path(f"/proc/{pid}"), time.monotonic() - since, tasks)


def taken(process: Path, seconds: float, tasks: Path) -> Sample:
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    descriptors = sum(1 for _ in (process / "fd").iterdir())
    told = int(tasks.read_text() or 0) if tasks.exists() else 0
    return Sample(seconds, int(status["VmRSS"].split()[0]) / 1024, descriptors, int(status["Threads"]), told)


def slope(samples: Sequence[Sample]) -> tuple[float, float]:
    """MiB an hour by least squares, and its standard error with neighbours taken as one in twelve."""
    hours = [one.seconds / 3600 for one in samples]
    found = statistics.linear_regression(hours, [one.rss_mib for one in samples])
    left = [one.rss_mib - found.slope * hour - found.intercept for one, hour in zip(samples, hours, strict=True)]
    spread = statistics.pstdev(left) / (statistics.pstdev(hours) * max(1.0, len(samples) / 12) ** 0.5)
    return found.slope, spread


def rows(samples: Sequence[Sample], warm_up: float, log: bytes, code: int | None) -> Iterator[tuple[str, str]]:
    warm = [one for one in samples if one.seconds >= warm_up * 60]
    early, late = warm[: len(warm) // 4], warm[-(len(warm) // 4) :]
    growth, error = slope(warm)
    yield "minutes, warm-up included", f"{samples[-1].seconds / 60:.0f}"
    yield "minutes of warm-up", f"{warm_up:.0f}"
    yield "runs", f"{log.count(b'run finished'):,}"
    yield "reigns", str(log.count(b"leadership gained"))
    yield "RSS MiB, first quarter and last", f"{_median(early, 'rss_mib'):.1f}  {_median(late, 'rss_mib'):.1f}"
    yield "RSS slope MiB/h", f"{growth:+.2f} (standard error {error:.2f})"
    for name in ("descriptors", "threads", "tasks"):
        most = max(getattr(one, name) for one in warm)
        yield f"{name}, first quarter and last, most", f"{_median(early, name):g}  {_median(late, name):g}  {most}"
    for complaint in COMPLAINTS:
        yield f"{complaint.decode()!r} in the log", str(log.count(complaint))
    yield "exit code", str(code)


def _median(samples: Sequence[Sample], name: str) -> float:
    return statistics.median(getattr(one, name) for one in samples)


@asynccontextmanager
async def serving(folder: Path, box: Sandbox) -> AsyncIterator[asyncio.subprocess.Process]:
    """Its log, and what it says when it is asked for its tasks, are in the folder."""
    environment = os.environ | {
        "KUBECONFIG": str(box.kubeconfig(folder / "kubeconfig")),
        "MAINTD_STORAGE": f"file://{folder / 'store'}",
        "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
        "MAINTD_LOG_FORMAT": "json",
        "MALLOC_ARENA_MAX": "1",  # as the image has it
    }
    command = (sys.executable, str(Path(__file__).with_name("soaked.py")), str(folder / "tasks"), "serve")
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def soaked(folder: Path, asked: argparse.Namespace) -> list[tuple[str, str]]:
    async with Sandbox() as box, SampleApp() as app:
        broken_world(box)
        (folder / "jobs.yaml").write_text(JOBS.format(url=app.url, edited=1))
        async with serving(folder, box) as process:
            troubles = (
                goes_wrong(box, random.Random(asked.seed)),
                goes_on_breaking(box, timedelta(seconds=2)),
                is_edited(folder, app.url),
                is_swept(folder / "store" / "default"),
            )
            beside = [asyncio.create_task(trouble) for trouble in troubles]
            samples = await watched(process.pid, asked.minutes * 60, folder / "tasks")
            for trouble in beside:
                trouble.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            box.faults.clear()
    return [*rows(samples, asked.warm_up, (folder / "log").read_bytes(), process.returncode)]


async def watched(pid: int, seconds: float, tasks: Path) -> list[Sample]:
    began, samples = time.monotonic(), []
    await asyncio.sleep(SAMPLE_SECONDS * 2)
    while time.monotonic() - began < seconds:
        samples.append(await sample(pid, began, tasks))
        if len(samples) % 60 == 0:
            print(samples[-1], file=sys.stderr, flush=True)
        await asyncio.sleep(SAMPLE_SECONDS - TELLING_SECONDS)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=50.0)
    parser.add_argument("--warm-up", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that its daemon ends with it
    folder = Path(tempfile.mkdtemp(prefix="maintd-soak-"))
    print(f"its log and its store are in {folder}", file=sys.stderr)
    print(table(("WHAT", "FIGURE"), asyncio.run(soaked(folder, asked))))


if __name__ == "__main__":
    main()
