"""Backing up a cluster against kubectl and against the wire, on a real control plane.

    python bench/backup.py [--objects 10000 30000] [--embedded 10000 100000] [--rounds 3] [--bucket]

Half of the objects are ConfigMaps, a fifth Services, the rest Deployments, in ten namespaces. All three read the same
objects: maintd as `maintd run`, a whole process with its imports, of which the record tells how long the run itself
took; `kubectl get … -A -o yaml` into a file; and the same pages fetched by curl and thrown away, which is the wire.
With `--bucket` maintd does it a second time, into a bucket of fake-gcs-server in place of a folder. They take turns, so
that what else the machine does befalls all of them; each figure is the median of the rounds.

To make 100,000 objects in etcd takes longer than all the rest, and kubectl would take 10 GiB to read them. So many are
served by the embedded API server, to curl and maintd alone; what grows with the objects shows there as well.
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from bucket import bucket
from crowd import crowd
from seeding import control_plane, seed
from tables import table

PATHS = {
    "configmaps": "/api/v1/configmaps",
    "services": "/api/v1/services",
    "deployments.apps": "/apis/apps/v1/deployments",
}
MEMORY = 200
LINEAR = 1.1
"""How much more time an object may take among most of them than among the fewest."""
FLAT = 1.0
"""MiB that 10,000 objects more may take."""


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    seconds: float
    cpu: float
    mebibytes: float
    """At its peak, of the largest of its processes."""
    run_seconds: float = 0.0


Peer = Callable[[Path, Path], Cost]


def cost(command: list[str], environment: dict[str, str], output: Path) -> Cost:
    """Run it, with its output in a file and what it says beside it."""
    said, result = output.with_suffix(".err"), output.with_suffix(".cost")
    measuring = [sys.executable, "-S", Path(__file__).with_name("measuring.py"), result, output, said]
    subprocess.run([*measuring, *command], env=os.environ | environment, check=True)
    seconds, cpu, mebibytes, code = json.loads(result.read_text())
    if code:
        sys.exit(f"{command[0]} failed: {said.read_text()[:2000]}")
    return Cost(seconds, cpu, mebibytes)


def maintd(kubeconfig: Path, folder: Path, storage: dict[str, str] | None = None) -> Cost:
    """`maintd run` of a job that backs up these three kinds, into a folder unless `storage` leads elsewhere."""
    jobs = folder / "jobs.yaml"
    kinds = json.dumps(list(PATHS))
    jobs.write_text(f"version: 1\njobs: [{{name: all, kind: backup, manual: true, params: {{kinds: {kinds}}}}}]\n")
    environment = {
        "KUBECONFIG": str(kubeconfig),
        "MAINTD_JOBS_FILE": str(jobs),
        "MAINTD_STORAGE": f"file://{folder / 'store'}",
        "MAINTD_CLUSTER": "bench",
        "MAINTD_LOG_LEVEL": "error",
    } | (storage or {})
    record = folder / "record.json"
    found = cost([sys.executable, "-m", "maintd", "run", "all", "-o", "json"], environment, record)
    run = json.loads(record.read_text())
    print(f"  {run['status']}: {run['summary']}", file=sys.stderr)
    started, ended = (datetime.fromisoformat(run[key]) for key in ("started", "ended"))
    return Cost(found.seconds, found.cpu, found.mebibytes, (ended - started).total_seconds())


def maintd_to_bucket(kubeconfig: Path, folder: Path) -> Cost:
    """The same, into a bucket."""
    with bucket() as storage:
        return maintd(kubeconfig, folder, storage)


def kubectl(kubeconfig: Path, folder: Path) -> Cost:
    command = ["kubectl", "get", ",".join(PATHS), "-A", "-o", "yaml"]
    return cost(command, {"KUBECONFIG": str(kubeconfig)}, folder / "kubectl.yaml")


def wire(kubeconfig: Path, folder: Path) -> Cost:
    """curl, a page after the other. To curl by its own name the API server answers indented, twice as much."""
    config = json.loads(kubeconfig.read_text())
    server, token = config["clusters"][0]["cluster"]["server"], config["users"][0]["user"]["token"]
    curl = ["curl", "-sSfk", "-A", "wire", "-H", f"Authorization: Bearer {token}"]
    costs = []
    for path in PATHS.values():
        following: str | None = ""
        while following is not None:
            url = f"{server}{path}?limit=500" + (f"&continue={quote(following)}" if following else "")
            costs.append(cost([*curl, url], {}, folder / "page.json"))
            found = re.search(rb'"continue": ?"([^"]+)"', (folder / "page.json").read_bytes()[:1000])
            following = found[1].decode() if found else None
    return Cost(sum(c.seconds for c in costs), sum(c.cpu for c in costs), max(c.mebibytes for c in costs))


def median(costs: list[Cost]) -> Cost:
    """Of each figure by itself; of the memory the largest."""
    return Cost(
        statistics.median(c.seconds for c in costs),
        statistics.median(c.cpu for c in costs),
        max(c.mebibytes for c in costs),
        statistics.median(c.run_seconds for c in costs),
    )


def measure(kubeconfig: Path, rounds: int, peers: dict[str, Peer]) -> dict[str, Cost]:
    """A round of warming up, which is not counted, then so many in turn."""
    costs: dict[str, list[Cost]] = {name: [] for name in peers}
    for number in range(rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            for name, peer in peers.items():
                found = peer(kubeconfig, Path(folder))
                if number:
                    costs[name].append(found)
    return {name: median(found) for name, found in costs.items()}


def report(title: str, costs: dict[str, Cost]) -> None:
    peer, wire, ours = costs.get("kubectl"), costs["wire"], costs["maintd"]

    def row(name: str, seconds: float, cost: Cost | None) -> list[str]:
        ratio = f"{peer.seconds / seconds:.1f}x" if peer else ""
        rest = [f"{cost.cpu:.2f}", f"{cost.mebibytes:.0f}"] if cost else ["", ""]
        return [name, f"{seconds:.2f}", ratio, f"{wire.seconds / seconds:.2f}", *rest]

    rows = [row("kubectl get -o yaml > file", peer.seconds, peer)] if peer else []
    rows += [
        row("curl, thrown away: the wire", wire.seconds, wire),
        row("maintd, the run", ours.run_seconds, None),
        row("maintd, the whole process", ours.seconds, ours),
    ]
    if gcs := costs.get("bucket"):
        rows.append(row("maintd to gs://, the run", gcs.run_seconds, None))
        rows.append(row("maintd to gs://, the whole process", gcs.seconds, gcs))
    print(f"\n{title}")
    print(table(["", "seconds", "vs kubectl", "vs wire", "CPU seconds", "peak MiB"], rows))
    for what, found, wanted in (
        ("the run against kubectl", peer.seconds / ours.run_seconds if peer else None, 4.0),
        ("the process against kubectl", peer.seconds / ours.seconds if peer else None, 2.5),
        ("the run against the wire", wire.seconds / ours.run_seconds, 0.8),
    ):
        if found is not None:
            print(f"{what}: {found:.2f}, target {wanted}: {'met' if found >= wanted else 'MISSED'}")


def growth(found: dict[int, Cost]) -> None:
    """How time and memory grow with the objects."""
    each = [cost.run_seconds / objects for objects, cost in found.items()]
    said = ", ".join(f"{1e6 * seconds:.0f}" for seconds in each)
    print(f"\nthe run, an object: {said} us, target linear: {'met' if max(each) <= each[0] * LINEAR else 'MISSED'}")
    peaks = [cost.mebibytes for cost in found.values()]
    more = (max(peaks) - peaks[0]) / (max(found) - min(found)) * 10_000 if len(found) > 1 else 0.0
    said = ", ".join(f"{peak:.0f}" for peak in peaks)
    print(f"peak memory: {said} MiB, target {MEMORY}: {'met' if max(peaks) <= MEMORY else 'MISSED'}")
    print(f"10,000 objects more: {more:.1f} MiB, target {FLAT}, flat: {'met' if more <= FLAT else 'MISSED'}")


def on_a_control_plane(numbers: Iterable[int], rounds: int, *, to_bucket: bool) -> None:
    peers: dict[str, Peer] = {"kubectl": kubectl, "wire": wire, "maintd": maintd}
    peers |= {"bucket": maintd_to_bucket} if to_bucket else {}
    found: dict[int, Cost] = {}
    with control_plane() as kubeconfig:
        for objects in numbers:
            asyncio.run(seed(kubeconfig, objects, max(found, default=0)))
            costs = measure(kubeconfig, rounds, peers)
            report(f"{objects:,} objects", costs)
            found[objects] = costs["maintd"]
    growth(found)


def on_the_embedded_server(numbers: Iterable[int], rounds: int) -> None:
    found: dict[int, Cost] = {}
    for objects in numbers:
        with crowd(objects) as kubeconfig:
            costs = measure(kubeconfig, rounds, {"wire": wire, "maintd": maintd})
        report(f"{objects:,} objects, embedded API server", costs)
        found[objects] = costs["maintd"]
    growth(found)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, nargs="*", default=[10_000, 30_000])
    parser.add_argument("--embedded", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bucket", action="store_true", help="a row for gs:// too, on fake-gcs-server")
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if options.objects:
        on_a_control_plane(sorted(options.objects), options.rounds, to_bucket=options.bucket)
    if options.embedded:
        on_the_embedded_server(sorted(options.embedded), options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
