"""Restoring against kubectl, on a real control plane.

    python bench/restore.py [--objects 2000] [--changed 100] [--rounds 3]

Two nights. First all ConfigMaps of a namespace were deleted: `maintd restore --yes` against `kubectl apply
--server-side -f` of the same objects as one List, as `kubectl get -o json` writes it (of a file of many documents it
takes 10 times as long). Then some of them were changed: `maintd restore --existing update --yes`, which shows the
differences and writes those alone, against `kubectl diff --server-side` and `kubectl apply --server-side` after it.
Whole processes, imports included, that take turns; each figure is the median of the rounds.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import yaml
from backup import Cost, cost
from seeding import config_map, control_plane
from tables import table

from maintd.cluster.api import Api, Request

SPACE = "bench-restore"
_PATH = f"/api/v1/namespaces/{SPACE}/configmaps"


class Bench:
    """One namespace of ConfigMaps, its backup, and what is done to them."""

    def __init__(self, kubeconfig: Path, folder: Path, objects: int) -> None:
        self.folder = folder
        self.objects = objects
        self.environment = {
            "KUBECONFIG": str(kubeconfig),
            "MAINTD_JOBS_FILE": str(folder / "jobs.yaml"),
            "MAINTD_STORAGE": f"file://{folder / 'store'}",
            "MAINTD_CLUSTER": "bench",
            "MAINTD_LOG_LEVEL": "error",
        }
        self.kubeconfig = kubeconfig
        self.list = folder / "list.json"

    def prepare(self) -> None:
        """Make them and back them up."""
        asyncio.run(self._calls([("POST", "/api/v1/namespaces", {"metadata": {"name": SPACE}})]))
        asyncio.run(self._calls([("POST", *config_map(SPACE, number)) for number in range(self.objects)]))
        jobs = f"version: 1\njobs: [{{name: all, kind: backup, manual: true, params: {{namespaces: [{SPACE}]}}}}]\n"
        (self.folder / "jobs.yaml").write_text(jobs)
        self._maintd("run", "all")
        [file] = (self.folder / "store" / "bench" / "backups").rglob("configmaps.yaml")
        items = list(yaml.load_all(file.read_bytes(), yaml.CSafeLoader))
        self.list.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))

    def lose(self) -> None:
        """All of them."""
        asyncio.run(self._calls([("DELETE", f"{_PATH}/config-{number:06}", None) for number in range(self.objects)]))

    def change(self, some: int) -> None:
        patch = {"data": {"LOG_LEVEL": "debug", "ADDED": "since"}}
        asyncio.run(self._calls([("PATCH", f"{_PATH}/config-{number:06}", patch) for number in range(some)]))

    def restore(self) -> Cost:
        return self._maintd("restore", "--yes", "-n", SPACE)

    def update(self) -> Cost:
        return self._maintd("restore", "--yes", "--existing", "update", "-n", SPACE)

    def apply(self) -> Cost:
        return self._kubectl("apply")

    def diff_and_apply(self) -> Cost:
        looked, written = self._kubectl("diff"), self._kubectl("apply")
        return Cost(
            looked.seconds + written.seconds, looked.cpu + written.cpu, max(looked.mebibytes, written.mebibytes)
        )

    def _maintd(self, *words: str) -> Cost:
        return cost([sys.executable, "-m", "maintd", *words], self.environment, self.folder / "out")

    def _kubectl(self, verb: str) -> Cost:
        """Diff exits with 1 where something differs, which is what it is asked for."""
        command = f"kubectl {verb} --server-side --force-conflicts -f {self.list} || test $? = 1"
        return cost(["sh", "-c", command], self.environment, self.folder / "out")

    async def _calls(self, calls: list[tuple[str, str, object]]) -> None:
        api = await Api.connect(self.kubeconfig, in_flight=24)
        merge = "application/merge-patch+json"
        try:
            for start in range(0, len(calls), 1000):
                requests = [
                    Request(method=method, path=path, body=body)
                    if method != "PATCH"
                    else Request(method=method, path=path, body=body, content_type=merge)
                    for method, path, body in calls[start : start + 1000]
                ]
                await asyncio.gather(*map(api.call, requests))
        finally:
            await api.close()


def measured(damage: Callable[[], None], peers: dict[str, Callable[[], Cost]], rounds: int) -> dict[str, Cost]:
    """A round that is not counted, then so many in turn; the damage is done before each."""
    costs: dict[str, list[Cost]] = {name: [] for name in peers}
    for number in range(rounds + 1):
        for name, peer in peers.items():
            damage()
            found = peer()
            if number:
                costs[name].append(found)
    return {
        name: Cost(
            statistics.median(c.seconds for c in some),
            statistics.median(c.cpu for c in some),
            max(c.mebibytes for c in some),
        )
        for name, some in costs.items()
    }


def report(title: str, costs: dict[str, Cost], wanted: float) -> None:
    peer, ours = costs["kubectl"], costs["maintd"]
    print(f"\n{title}")
    rows = [(name, f"{c.seconds:.2f}", f"{c.cpu:.2f}", f"{c.mebibytes:.0f}") for name, c in costs.items()]
    print(table(["", "seconds", "CPU seconds", "peak MiB"], rows))
    ratio = peer.seconds / ours.seconds
    print(f"maintd against kubectl: {ratio:.2f}x, target {wanted}x: {'met' if ratio >= wanted else 'MISSED'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=2_000)
    parser.add_argument("--changed", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    subprocess.run(["kubectl", "version", "--client"], check=True)
    with control_plane() as kubeconfig, tempfile.TemporaryDirectory() as folder:
        bench = Bench(kubeconfig, Path(folder), options.objects)
        bench.prepare()
        lost = measured(bench.lose, {"kubectl": bench.apply, "maintd": bench.restore}, options.rounds)
        report(f"{options.objects:,} ConfigMaps that were deleted", lost, 2.0)
        peers = {"kubectl": bench.diff_and_apply, "maintd": bench.update}
        changed = measured(lambda: bench.change(options.changed), peers, options.rounds)
        report(f"{options.objects:,} ConfigMaps of which {options.changed:,} were changed", changed, 8.0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
