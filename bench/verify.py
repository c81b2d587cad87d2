"""What `maintd verify --depth read` costs: 10,000 and 100,000 objects read back, against the store's own speed.

    python bench/verify.py [--objects 10000 100000] [--rounds 3]

The same Deployments in files of 4,000, in a folder. `sha256sum` reads and hashes the same files, which is what the
store and the hashes cost; PyYAML's C loader makes of the first file what `diff` and `restore` need, where verifying
parses every byte and makes nothing of it. Whole processes, imports included, that take turns; the run by its record.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from backup import Cost, cost, growth, median
from tables import table

from maintd.core.resource import Json
from maintd.objects import archive
from maintd.objects.backup_manifest import ListRead, Manifest, StoredFile
from maintd.objects.manifest_yaml import emit
from maintd.storage.folder import FolderStore

ID = "20261122T010000Z-aaaaaa"
A_FILE = 4000
_LOADER = "import sys, yaml\nfor _ in yaml.load_all(open(sys.argv[1], 'rb'), yaml.CSafeLoader): pass\n"


def deployment(number: int, namespace: str) -> Json:
    container = {
        "name": "web",
        "image": "registry.example.com/web:1.2",
        "env": [{"name": f"VARIABLE_{n}", "value": f"value {n}"} for n in range(8)],
        "resources": {"limits": {"cpu": "100m", "memory": "1Gi"}},
    }
    labels = {"app": f"web-{number}"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"web-{number}", "namespace": namespace, "labels": labels},
        "spec": {"replicas": 3, "selector": {"matchLabels": labels}, "template": template},
    }


async def backup_of(store: FolderStore, objects: int) -> Manifest:
    files = []
    for first in range(0, objects, A_FILE):
        space, count = f"space-{first}", min(A_FILE, objects - first)
        data = "".join(emit(deployment(first + n, space)) for n in range(count)).encode()
        path = f"{space}/deployments.apps.yaml"
        stored = await store.create(f"backups/{ID}/{path}", data)
        about = {"path": path, "resource": "deployments.apps", "kind": "Deployment", "namespace": space}
        files.append(StoredFile.of(stored, count=count, **about))
    at = archive.began(ID)
    manifest = Manifest(
        id=ID,
        run_id="20261122T010000Z-backup-abc123",
        cluster="bench",
        kube_system_uid="u",
        server_version="v1",
        maintd_version="0",
        started=at,
        ended=at,
        files=tuple(files),
        lists=(ListRead(resource="deployments.apps", api_version="apps/v1", kind="Deployment", objects=objects),),
    )
    await store.create(f"backups/{ID}/manifest.json", manifest.sealed())
    return manifest


def maintd(folder: Path) -> Cost:
    environment = {"MAINTD_STORAGE": f"file://{folder / 'store'}", "MAINTD_CLUSTER": "bench", "KUBECONFIG": "/nowhere"}
    record = folder / "record.json"
    command = [sys.executable, "-m", "maintd", "verify", ID, "-o", "json"]
    found = cost(command, environment, record)
    run = json.loads(record.read_text())
    print(f"  {run['status']}: {run['summary']}", file=sys.stderr)
    started, ended = (datetime.fromisoformat(run[key]) for key in ("started", "ended"))
    return replace(found, run_seconds=(ended - started).total_seconds())


def store(folder: Path) -> Cost:
    files = sorted((folder / "store").rglob("*.yaml"))
    return cost(["sha256sum", *map(str, files)], {}, folder / "sums.txt")


def loader(folder: Path) -> Cost:
    """Of the first file."""
    first = min((folder / "store").rglob("*.yaml"))
    return cost([sys.executable, "-c", _LOADER, str(first)], {}, folder / "none.txt")


def measure(objects: int, rounds: int) -> Cost:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = asyncio.run(backup_of(FolderStore(folder / "store", "bench"), objects))
        costs: dict[str, list[Cost]] = {"store": [], "loader": [], "maintd": []}
        for number in range(rounds + 1):
            for found, peer in zip(costs.values(), (store, loader, maintd), strict=True):
                if number:
                    found.append(peer(folder))
                else:
                    peer(folder)
        hashed, loaded, ours = map(median, costs.values())
        first = manifest.files[0].size

    def row(name: str, size: int, seconds: float, found: Cost) -> list[str]:
        return [name, f"{seconds:.2f}", f"{size / seconds / 1e6:.1f}", f"{found.cpu:.2f}", f"{found.mebibytes:.0f}"]

    rows = [
        row("sha256sum: the store", manifest.size, hashed.seconds, hashed),
        row("PyYAML's C loader, one file", first, loaded.seconds, loaded),
        row("maintd verify, the run", manifest.size, ours.run_seconds, ours),
        row("maintd verify, the whole process", manifest.size, ours.seconds, ours),
    ]
    print(f"\n{objects:,} objects, {manifest.size / 1e6:.1f} MB in {len(manifest.files)} files")
    print(table(["", "seconds", "MB a second", "CPU seconds", "peak MiB"], rows))
    return ours


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    found = {objects: measure(objects, options.rounds) for objects in sorted(options.objects)}
    growth(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
