"""Jobs due in the same second: how late does each start?

A real `maintd serve` with a kind that does nothing, its records read afterwards: 1,000 jobs that only observe, with no
cluster, and 200 whose starts are claimed, with the state in an API server that is a process of its own. Beside it
supercronic with as many jobs, each a process that writes down when it started. Prints a table and asserts nothing.

    python bench/same_second.py [observing] [claimed] [supercronic]
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import peer
from crowd import crowd
from tables import percentile, table

KIND = '''"""Do nothing, for a benchmark.

Example:

    - {{name: a, kind: idle_kind, manual: true}}
"""
from maintd.core.kind import Kind, Params
from maintd.core.outcome import Outcome


class Idle(Params):
    """None."""


async def run(ctx, params):
    return Outcome("done")


KIND = Kind(Idle, run, level=0, protects={protects})
'''


def due_minute() -> datetime:
    """The next full minute that leaves ten seconds to start."""
    return (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)


def wait_until(when: datetime) -> None:
    time.sleep(max(0.0, (when - datetime.now(UTC)).total_seconds()))


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def observers(folder: Path, jobs: int) -> list[float]:
    return maintd(folder, jobs, Path("/dev/null"), protects=False)


def claimants(folder: Path, jobs: int) -> list[float]:
    with crowd(0) as kubeconfig:
        return maintd(folder, jobs, kubeconfig, protects=True)


def maintd(folder: Path, jobs: int, kubeconfig: Path, *, protects: bool) -> list[float]:
    add_kind(folder, protects=protects)
    due = due_minute()
    when = f"{due:%M %H} * * *"
    entries = "".join(f'- {{name: job-{number}, kind: idle-kind, schedule: "{when}"}}\n' for number in range(jobs))
    (folder / "jobs.yaml").write_text(f"version: 1\njobs:\n{entries}")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH")))),
        "MAINTD_STORAGE": f"file://{folder / 'store'}",
        "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
        "MAINTD_JOBS_FILE": str(folder / "jobs.yaml"),
        "MAINTD_LOG_FORMAT": "json",
        "KUBECONFIG": str(kubeconfig),
    }
    with (folder / "log").open("wb") as log:
        serving = subprocess.Popen([sys.executable, "-m", "maintd", "serve"], env=environment, stdout=log, stderr=log)
        wait_until(due + timedelta(seconds=15))
        stop(serving)
    records = [json.loads(path.read_text()) for path in (folder / "store").rglob("runs/**/*.json")]
    return [
        (datetime.fromisoformat(record["started"]) - due).total_seconds()
        for record in records
        if record["status"] == "ok"
    ]


def add_kind(folder: Path, *, protects: bool) -> None:
    info = folder / "idle_kind-1.dist-info"
    info.mkdir()
    (folder / "idle_kind.py").write_text(KIND.format(protects=protects))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: idle-kind\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[maintd.kinds]\nidle-kind = idle_kind:KIND\n")


def supercronic(folder: Path, jobs: int) -> list[float]:
    binary = peer.supercronic(folder)
    due = due_minute()
    line = f"{due:%M %H} * * * date +%s.%N >> {folder}/starts\n"
    (folder / "crontab").write_text(line * jobs)
    with (folder / "supercronic.log").open("wb") as log:
        running = subprocess.Popen([binary, str(folder / "crontab")], stdout=log, stderr=log)
        wait_until(due + timedelta(seconds=15))
        stop(running)
    return [float(start) - due.timestamp() for start in (folder / "starts").read_text().split()]


def main() -> None:
    rows = []
    for name, measure, number in (
        ("maintd, observing", observers, 1000),
        ("maintd, claimed", claimants, 200),
        ("supercronic", supercronic, 200),
        ("supercronic", supercronic, 1000),
    ):
        if not any(word in name for word in sys.argv[1:] or [""]):
            continue
        with tempfile.TemporaryDirectory() as folder:
            late = sorted(measure(Path(folder), number))
        rows.append((name, number, len(late), *(f"{percentile(late, p) * 1000:.0f}" for p in (50, 99, 100))))
    print(table(("SCHEDULER", "JOBS", "STARTED", "P50 MS", "P99 MS", "MAX MS"), rows))


if __name__ == "__main__":
    main()
