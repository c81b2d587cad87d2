"""How long the commands take that people wait for.

    python bench/commands.py

Whole processes, imports included; the median of seven after one warm-up. The peer is Python itself importing click and
printing its help: nothing of ours can be faster. Prints a table and asserts nothing.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tables import table

PEER = "import click; click.Command('x', params=[], help='y').main(['--help'])"


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


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(table(("COMMAND", "MS", "TIMES PEER"), commands(Path(folder))))


if __name__ == "__main__":
    main()
