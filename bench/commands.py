"""How long the commands take that people wait for, and what an idle daemon costs.

    python bench/commands.py

Whole processes, imports included; the median of seven after one warm-up. The peer is Python itself importing click and
printing its help: nothing of ours can be faster. Prints tables and asserts nothing.
"""

import asyncio
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tables import table

from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import broken_world

PEER = "import click; click.Command('x', params=[], help='y').main(['--help'])"
IDLE_SECONDS = 60


def seconds(command: list[str], environment: dict[str, str]) -> float:
    taken = []
    for _ in range(8):
        start = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def thousand_jobs(folder: Path) -> Path:
    entries = "".join(
        f'- {{name: job-{n}, kind: version-check, schedule: "{n % 60} {n % 24} * * {n % 7}"}}\n' for n in range(1000)
    )
    path = folder / "jobs.yaml"
    path.write_text(f"version: 1\njobs:\n{entries}")
    return path


def commands(folder: Path) -> list[tuple[str, str, str]]:
    maintd = [sys.executable, "-m", "maintd"]
    environment = os.environ | {"MAINTD_JOBS_FILE": str(thousand_jobs(folder))}
    peer = seconds([sys.executable, "-c", PEER], environment)
    rows = [("python, click, --help", f"{peer * 1000:.0f}", "1.0")]
    for name, arguments in (("maintd --help", ["--help"]), ("maintd validate, 1,000 jobs", ["validate"])):
        taken = seconds([*maintd, *arguments], environment)
        rows.append((name, f"{taken * 1000:.0f}", f"{taken / peer:.1f}"))
    return rows


async def idle(folder: Path) -> tuple[str, str, str]:
    """Resident MiB, CPU seconds and requests to the API server, of one idle minute with the four shipped kinds."""
    async with Sandbox() as box:
        broken_world(box)
        jobs = folder / "idle.yaml"
        jobs.write_text('version: 1\njobs: [{name: a, kind: version-check, schedule: "0 0 1 1 *"}]\n')
        environment = os.environ | {
            "KUBECONFIG": str(box.kubeconfig(folder / "kubeconfig")),
            "MAINTD_JOBS_FILE": str(jobs),
            "MAINTD_STORAGE": f"file://{folder / 'store'}",
            "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "maintd", "serve", env=environment, stdout=subprocess.DEVNULL
        )
        await asyncio.sleep(5)
        before, asked = cpu_seconds(process.pid), len(box.requests)
        await asyncio.sleep(IDLE_SECONDS)
        used, asked = cpu_seconds(process.pid) - before, len(box.requests) - asked
        memory = resident_mib(process.pid)
        process.send_signal(signal.SIGTERM)
        await process.wait()
    return f"{memory:.0f}", f"{used:.2f}", str(asked)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(table(("COMMAND", "MS", "TIMES PEER"), commands(Path(folder))))
        print()
        print(
            table(
                ("IDLE SERVE: RSS MIB", "CPU SECONDS A MINUTE", "REQUESTS A MINUTE"), [asyncio.run(idle(Path(folder)))]
            )
        )


if __name__ == "__main__":
    main()
