"""What a daemon with 20 jobs costs that has nothing to do, and how long it takes from its start until it is ready.

    python bench/idle.py

Twice: with a folder for a store, and with all of Google's libraries at work: a bucket on fake-gcs-server, and a
version-check that asks Google's stand-in. Each leads, with its lease and its state in the cluster, and is left alone
for a minute after one job has run once; what it asks of the API server is counted there. Beside it supercronic with
20 jobs. Prints a table and asserts nothing.
"""

import asyncio
import os
import resource
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import peer
from bucket import bucket
from tables import table

from maintd.sandbox.gke_world import CLUSTER, google_of
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world

IDLE_SECONDS = 60
GKE = f"{{project: {CLUSTER.project}, location: {CLUSTER.location}, cluster: {CLUSTER.cluster}}}"
JOBS = """version: 1
targets: {shop: {namespace: omtx-hub%s}}
defaults: {target: shop}
jobs:
- {name: versions, kind: version-check, schedule: "%s"}
"""
JOBS_AT_REST = "".join(
    f'- {{name: tidy-{number}, kind: cleanup-pods, schedule: "0 0 1 1 *"}}\n' for number in range(19)
)


def once_soon() -> str:
    """A cron expression that is due once, in the next minute, and then not for a year."""
    return time.strftime("%M %H %d %m *", time.gmtime(time.time() + 60))


@asynccontextmanager
async def serving(folder: Path, box: Sandbox, extra: dict[str, str]) -> AsyncIterator[tuple[int, str, float]]:
    """A daemon: (its pid, its address, seconds from its start until it was ready)."""
    port = 18_230
    environment = os.environ | {
        "KUBECONFIG": str(box.kubeconfig(folder / "kubeconfig")),
        "MAINTD_JOBS_FILE": str(folder / "jobs.yaml"),
        "MAINTD_STORAGE": f"file://{folder / 'store'}",
        "MAINTD_HTTP_ADDRESS": f"127.0.0.1:{port}",
    }
    started = time.perf_counter()
    command, quiet = (sys.executable, "-m", "maintd", "serve"), asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment | extra, stdout=quiet)
    url = f"http://127.0.0.1:{port}"
    await asyncio.to_thread(wait_until_ready, url)
    try:
        yield process.pid, url, time.perf_counter() - started
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


def wait_until_ready(url: str) -> None:
    for _ in range(1000):
        with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=1) as reply:
            if reply.status == 200:
                return
        time.sleep(0.02)
    raise SystemExit("the daemon did not get ready in 20 s")


async def measured(name: str, folder: Path, box: Sandbox, extra: dict[str, str]) -> tuple[str, ...]:
    async with serving(folder, box, extra) as (pid, _, ready):
        await asyncio.sleep(75)
        before, first = cpu_seconds(pid), len(box.requests)
        await asyncio.sleep(IDLE_SECONDS)
        used, asked = cpu_seconds(pid) - before, box.requests[first:]
        kinds = Counter(f"{one.verb} {one.resource}" for one in asked).most_common()
        said = f"{len(asked)}: {', '.join(f'{number} {kind}' for kind, number in kinds)}"
        return name, f"{ready:.2f}", f"{resident_mib(pid):.0f}", f"{used:.2f}", said


async def at_rest(folder: Path) -> tuple[str, ...]:
    """supercronic."""
    (folder / "crontab").write_text("0 0 1 1 * true\n" * 20)
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        await asyncio.to_thread(peer.supercronic, folder), str(folder / "crontab"), stdout=quiet, stderr=quiet
    )
    await asyncio.sleep(5)
    before = cpu_seconds(process.pid)
    await asyncio.sleep(IDLE_SECONDS)
    used, mib = cpu_seconds(process.pid) - before, resident_mib(process.pid)
    process.terminate()
    await process.wait()
    return "supercronic", "", f"{mib:.0f}", f"{used:.2f}", ""


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


async def rows() -> list[tuple[str, ...]]:
    found = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with Sandbox() as box:
            broken_world(box)
            (folder / "jobs.yaml").write_text(JOBS % ("", once_soon()) + JOBS_AT_REST)
            found.append(await measured("maintd, a folder", folder, box, {}))
            async with google_of(box) as google:
                with bucket() as store:
                    (folder / "jobs.yaml").write_text(JOBS % (f", gke: {GKE}", once_soon()) + JOBS_AT_REST)
                    allowed = store["STORAGE_EMULATOR_HOST"].removeprefix("http://")
                    ours = {"MAINTD_GKE_ENDPOINT": google.endpoint, "MAINTD_ALLOW_STORAGE_EMULATOR": allowed}
                    found.append(await measured("maintd, gs:// and GKE", folder, box, store | ours))
        found.append(await at_rest(folder))
    return found


def main() -> None:
    titles = ("DAEMON", "SECONDS TO READY", "RSS MIB", "CPU SECONDS A MINUTE", "REQUESTS A MINUTE")
    print(table(titles, asyncio.run(rows())))


if __name__ == "__main__":
    main()
