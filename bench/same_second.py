"""1,000 jobs due in the same second: how late does each start?

A real `maintd serve` with a kind that does nothing, its records read afterwards; beside it supercronic with the same
number of jobs, each a process that writes down when it started. Prints a table and asserts nothing.

    python bench/same_second.py [JOBS]
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tables import percentile, table

KIND = '''"""Do nothing, for a benchmark.

Example:

    - {name: a, kind: idle_kind, manual: true}
"""
from maintd.core.kind import Kind, Params
from maintd.core.outcome import Outcome


class Idle(Params):
    """None."""


async def run(ctx, params):
    return Outcome("done")


KIND = Kind(Idle, run, level=0)
'''
SUPERCRONIC = "github.com/aptible/supercronic@v0.2.33"


def due_minute() -> datetime:
    """The next full minute that leaves ten seconds to start."""
    return (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)


def wait_until(when: datetime) -> None:
    time.sleep(max(0.0, (when - datetime.now(UTC)).total_seconds()))


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(60)


def maintd(folder: Path, jobs: int) -> list[float]:
    info = folder / "idle_kind-1.dist-info"
    info.mkdir()
    (folder / "idle_kind.py").write_text(KIND)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: idle-kind\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[maintd.kinds]\nidle-kind = idle_kind:KIND\n")
    due = due_minute()
    when = f"{due:%M %H} * * *"
    entries = "".join(f'- {{name: job-{number}, kind: idle-kind, schedule: "{when}"}}\n' for number in range(jobs))
    (folder / "jobs.yaml").write_text(f"version: 1\njobs:\n{entries}")
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "MAINTD_STORAGE": f"file://{folder / 'store'}",
        "MAINTD_HTTP_ADDRESS": "127.0.0.1:0",
        "MAINTD_JOBS_FILE": str(folder / "jobs.yaml"),
        "MAINTD_LOG_FORMAT": "json",
        "KUBECONFIG": "/dev/null",
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


def supercronic(folder: Path, jobs: int) -> list[float]:
    binary = shutil.which("supercronic") or str(folder / "supercronic")
    if not Path(binary).exists():
        environment = os.environ | {"GOBIN": str(folder)}
        subprocess.run(["go", "install", SUPERCRONIC], env=environment, check=True, capture_output=True)
    due = due_minute()
    line = f"{due:%M %H} * * * date +%s.%N >> {folder}/starts\n"
    (folder / "crontab").write_text(line * jobs)
    with (folder / "supercronic.log").open("wb") as log:
        running = subprocess.Popen([binary, str(folder / "crontab")], stdout=log, stderr=log)
        wait_until(due + timedelta(seconds=15))
        stop(running)
    return [float(start) - due.timestamp() for start in (folder / "starts").read_text().split()]


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rows = []
    for name, measure, number in (
        ("maintd", maintd, jobs),
        ("supercronic", supercronic, 200),
        ("supercronic", supercronic, jobs),
    ):
        with tempfile.TemporaryDirectory() as folder:
            late = sorted(measure(Path(folder), number))
        rows.append((name, number, len(late), *(f"{percentile(late, p) * 1000:.0f}" for p in (50, 99, 100))))
    print(table(("SCHEDULER", "JOBS", "STARTED", "P50 MS", "P99 MS", "MAX MS"), rows))


if __name__ == "__main__":
    main()
