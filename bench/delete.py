"""Deleting failed pods through the gate against kubectl, on a real control plane.

    python bench/delete.py [--pods 2000] [--in-flight 8] [--without-wait-only]

Each gets the same failed pods in a namespace of its own. The gate writes evidence of every pod to a folder first, then
deletes; `kubectl delete pods --field-selector` only deletes, once with its default of waiting for each pod, once
without.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tables import table

from maintd.cluster.api import Api, Request
from maintd.cluster.reader import ClusterReader
from maintd.core.kind import Context
from maintd.core.limits import Limits
from maintd.core.outcome import Outcome, new_run_id, tally
from maintd.core.target import Target
from maintd.kinds.act.cleanup_pods import KIND
from maintd.rails.gate import RailGate
from maintd.rails.scope import Scope
from maintd.storage.folder import FolderStore

CONTROLPLANE = Path(__file__).parent.parent / "tests" / "controlplane" / "controlplane.py"
MERGE_PATCH = "application/merge-patch+json"
AIM = 2.5
REST_SECONDS = 10
FINISHED = "2020-01-01T00:00:00Z"


@contextmanager
def control_plane() -> Iterator[Path]:
    """The kubeconfig of a real control plane that goes when the table is printed."""
    with tempfile.TemporaryDirectory() as folder:
        up = subprocess.run([sys.executable, CONTROLPLANE, "up", folder], stdout=subprocess.PIPE, text=True, check=True)
        try:
            yield Path(up.stdout.strip())
        finally:
            subprocess.run([sys.executable, CONTROLPLANE, "down", folder], check=True)


def seed(kubeconfig: Path, namespace: str, number: int) -> None:
    """A namespace with so many pods that failed long ago, and controllers that have taken note of them."""
    asyncio.run(make_pods(kubeconfig, namespace, number))
    time.sleep(REST_SECONDS)


async def make_pods(kubeconfig: Path, namespace: str, number: int) -> None:
    api = await Api.connect(kubeconfig, in_flight=24)
    pods = f"/api/v1/namespaces/{namespace}/pods"
    terminated = {"exitCode": 1, "finishedAt": FINISHED}
    container = {"name": "app", "image": "shop:1", "imageID": "", "ready": False, "restartCount": 0}
    status = {"phase": "Failed", "containerStatuses": [container | {"state": {"terminated": terminated}}]}

    async def make(index: int) -> None:
        spec = {"schedulerName": "none", "containers": [{"name": "app", "image": "shop:1"}]}
        pod = {"metadata": {"name": f"pod-{index:05}", "labels": {"app": "shop"}}, "spec": spec}
        await api.call(Request(method="POST", path=pods, body=pod))
        path = f"{pods}/pod-{index:05}/status"
        await api.call(Request(method="PATCH", path=path, body={"status": status}, content_type=MERGE_PATCH))

    try:
        space = {"metadata": {"name": namespace}}
        await api.call(Request(method="POST", path="/api/v1/namespaces", body=space))
        await asyncio.gather(*(make(index) for index in range(number)))
    finally:
        await api.close()


class Phases:
    """A log that keeps how long each phase of the gate took."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def info(self, event: str, **fields: Any) -> None:
        if "seconds" in fields:
            self.seconds[event] = fields["seconds"]

    debug = warning = error = info


async def gate(
    kubeconfig: Path, namespace: str, number: int, in_flight: int
) -> tuple[float, dict[str, float], Outcome]:
    """(seconds of the whole run, seconds of its phases, its outcome)."""
    with tempfile.TemporaryDirectory() as folder:
        api = await Api.connect(kubeconfig, in_flight=in_flight)
        store, phases = FolderStore(Path(folder), "bench"), Phases()
        scope = Scope(
            run_id=new_run_id("bench", datetime.now(UTC), "000000"),
            job="bench",
            mode="act",
            limits=Limits(max_count=number),
            own_namespace="default",
            instance="bench",
            in_flight=in_flight,
        )
        rails = RailGate(scope, api, store, ledger=None, log=phases)  # type: ignore[arg-type] # no per_day: never asked
        context = Context(
            run_id=scope.run_id,
            job="bench",
            target=Target(namespace=namespace),
            cluster=ClusterReader(api),
            gate=rails,
            store=store,
            http=None,  # type: ignore[arg-type] # this kind sends no probes
            log=phases,
            now=lambda: datetime.now(UTC),
            memory={},
        )
        started = time.perf_counter()
        outcome = await KIND.run(context, KIND.params())
        await rails.close(datetime.now(UTC))
        seconds = time.perf_counter() - started
        await api.close()
        return seconds, phases.seconds, outcome


def kubectl(kubeconfig: Path, namespace: str, *options: str) -> float:
    """Seconds of `kubectl delete pods` with these options."""
    command = ["kubectl", "delete", "pods", "-n", namespace, "--field-selector=status.phase=Failed", *options]
    started = time.perf_counter()
    subprocess.run(command, env=os.environ | {"KUBECONFIG": str(kubeconfig)}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=2000)
    parser.add_argument("--in-flight", type=int, default=8)
    parser.add_argument(
        "--without-wait-only", action="store_true", help="spare the minutes that kubectl's waiting takes"
    )
    options = parser.parse_args()
    number = options.pods
    peers = {"kubectl delete pods --wait=false": ("--wait=false",), "kubectl delete pods": ()}
    if options.without_wait_only:
        peers.popitem()
    with control_plane() as kubeconfig:
        seed(kubeconfig, "gate", number)
        whole, phases, outcome = asyncio.run(gate(kubeconfig, "gate", number, options.in_flight))
        times = {}
        for index, (name, flags) in enumerate(peers.items()):
            seed(kubeconfig, f"peer-{index}", number)
            times[name] = kubectl(kubeconfig, f"peer-{index}", *flags)
    assert tally(outcome.changes) == {"done": number}, outcome.summary
    deletions, fastest = phases["changes tried"], min(times.values())
    ours = {
        "maintd, the deletions": deletions,
        "maintd, the evidence before them": phases["evidence written"],
        "maintd, the whole run": whole,
    }
    titles = (f"{number:,} failed pods, {options.in_flight} in flight", "seconds", "pods/s", "x the faster kubectl")
    rows = [
        (name, f"{seconds:.2f}", f"{number / seconds:.0f}", f"{fastest / seconds:.2f}")
        for name, seconds in (ours | times).items()
    ]
    print(table(titles, rows))
    print(f"the deletions {fastest / deletions:.1f}x as fast as the faster kubectl; the aim is {AIM}x")


if __name__ == "__main__":
    main()
