"""The embedded API server with more objects than a bench has time to make in etcd, as a process of its own.

    python bench/crowd.py OBJECTS KUBECONFIG

They are those of seeding.py, with the managedFields that a real API server adds: half of what it sends is that. Writes
the kubeconfig once all of them are there, and ends with its standard input.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seeding import one

from maintd.sandbox.server import Sandbox

_TYPES = {"configmaps": ("v1", "ConfigMap"), "services": ("v1", "Service"), "deployments": ("apps/v1", "Deployment")}
_PATIENCE = 600


@contextmanager
def crowd(objects: int) -> Iterator[Path]:
    """Its kubeconfig."""
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        command = [sys.executable, __file__, str(objects), str(kubeconfig)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
            until = time.monotonic() + _PATIENCE
            while not kubeconfig.exists() and process.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
            yield kubeconfig


def known(number: int) -> dict[str, Any]:
    """One as the API server has it."""
    path, obj = one(number)
    *_, namespace, plural = path.split("/")
    api_version, kind = _TYPES[plural]
    fields = {part: _fields(obj[part]) for part in obj if part != "metadata"}
    manager = {"manager": "maintd", "operation": "Update", "apiVersion": api_version, "fieldsType": "FieldsV1"}
    managed = [manager | {"fieldsV1": {f"f:{part}": found for part, found in fields.items()}}]
    metadata = obj["metadata"] | {"namespace": namespace, "managedFields": managed}
    return {"apiVersion": api_version, "kind": kind} | obj | {"metadata": metadata}


def _fields(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {".": {}} | {f"f:{key}": _fields(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return {f'k:{{"name":"{number}"}}': _fields(inner) for number, inner in enumerate(value)}
    return {}


async def serve(objects: int, kubeconfig: Path) -> None:
    """Until whoever started it is gone."""
    async with Sandbox() as sandbox:
        sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "maintd"}})
        for number in range(objects):
            sandbox.put(known(number))
        sandbox.kubeconfig(kubeconfig.with_suffix(".new")).rename(kubeconfig)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
