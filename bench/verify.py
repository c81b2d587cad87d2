"""What `verify --depth read` costs: 10,000 and 100,000 objects read back from a folder, against PyYAML's C loader.

One process; the same Deployments in files of 4,000. The loader makes what `diff` and `restore` need of the first of
these files; reading back parses every byte as well, and makes nothing of it.
"""

import asyncio
import resource
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from maintd.core.resource import Json
from maintd.objects import archive
from maintd.objects.archive import Backup
from maintd.objects.backup_manifest import ListRead, Manifest, StoredFile
from maintd.objects.manifest_yaml import emit
from maintd.objects.readback import read_back
from maintd.storage.folder import FolderStore

ID = "20261122T010000Z-aaaaaa"
A_FILE = 4000


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
        stored = await store.create(f"backups/{ID}/{space}/deployments.apps.yaml", data)
        hashes = {key: getattr(stored, key) for key in ("size", "sha256", "stored_size", "stored_sha256")}
        path = f"{space}/deployments.apps.yaml"
        files.append(
            StoredFile(
                path=path, resource="deployments.apps", kind="Deployment", namespace=space, count=count, **hashes
            )
        )
    at = archive.began(ID)
    return Manifest(
        id=ID,
        run_id="20261122T010000Z-backup-abc123",
        cluster="c",
        kube_system_uid="u",
        server_version="v1",
        maintd_version="0",
        started=at,
        ended=at,
        files=tuple(files),
        lists=(ListRead(resource="deployments.apps", api_version="apps/v1", kind="Deployment", objects=objects),),
    )


async def measure(objects: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder), "c")
        manifest = await backup_of(store, objects)
        await store.create(f"backups/{ID}/manifest.json", manifest.sealed())
        began, worked = time.perf_counter(), time.process_time()
        found = await read_back(store, Backup(ID, manifest), "bench", lambda: datetime.now(UTC))
        took, cpu = time.perf_counter() - began, time.process_time() - worked
        assert found.ok
        file = manifest.files[0]
        data = await store.read(f"backups/{ID}/{file.path}")
        worked = time.process_time()
        archive.documents(data, file)
        loader = len(data) / (time.process_time() - worked)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    rate = manifest.size / cpu
    print(
        f"{objects:,} objects, {manifest.size / 1e6:.1f} MB: {took:.1f} s, {manifest.size / took / 1e6:.1f} MB/s; "
        f"of CPU {rate / 1e6:.1f} MB/s, PyYAML's loader {loader / 1e6:.1f}: {rate / loader:.1f}x; peak {peak} MiB"
    )


if __name__ == "__main__":
    for number in (10_000, 100_000):
        asyncio.run(measure(number))
