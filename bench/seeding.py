"""A real control plane with as many objects as a bench asks for."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from maintd.cluster.api import Api, Request
from maintd.core.errors import Conflict

CONTROLPLANE = Path(__file__).parent.parent / "tests" / "controlplane" / "controlplane.py"
NAMESPACES = [f"bench-{number}" for number in range(10)]


@contextmanager
def control_plane() -> Iterator[Path]:
    """The kubeconfig of a real control plane without controllers: what is made stays as it is, and alone."""
    with tempfile.TemporaryDirectory() as folder:
        up = subprocess.run([sys.executable, CONTROLPLANE, "up", folder], stdout=subprocess.PIPE, text=True, check=True)
        try:
            pids = json.loads((Path(folder) / "pids.json").read_text())
            for name in ("controllers", "scheduler", "kwok"):
                os.kill(pids[name], signal.SIGTERM)
            yield Path(up.stdout.strip())
        finally:
            subprocess.run([sys.executable, CONTROLPLANE, "down", folder], check=True)


async def seed(kubeconfig: Path, objects: int, known: int = 0) -> None:
    """Half ConfigMaps, a fifth Services, the rest Deployments; `known` of them were made before."""
    api = await Api.connect(kubeconfig, in_flight=24)

    async def make(path: str, obj: dict[str, Any]) -> None:
        with suppress(Conflict):
            await api.call(Request(method="POST", path=path, body=obj))

    try:
        for name in NAMESPACES:
            await make("/api/v1/namespaces", {"metadata": {"name": name}})
        for start in range(known, objects, 1000):
            await asyncio.gather(*(make(*one(n)) for n in range(start, min(start + 1000, objects))))
    finally:
        await api.close()


def config_map(namespace: str, number: int) -> tuple[str, dict[str, Any]]:
    """Two settings, one of which looks like a number, a file and a script."""
    settings = "".join(f"setting_{line} = {line * number % 9973}\n" for line in range(20))
    script = '#!/bin/sh\nset -eu\n\nif [ -n "$DEBUG" ]; then\n    set -x\nfi\nexec server --config /etc/app/app.conf\n'
    data = {"GIT_SHA": f"{number % 90 + 10}e{number:05}", "LOG_LEVEL": "info", "app.conf": settings, "start.sh": script}
    labels = {"app.kubernetes.io/name": f"app-{number % 50}"}
    return f"/api/v1/namespaces/{namespace}/configmaps", {
        "metadata": {"name": f"config-{number:06}", "labels": labels},
        "data": data,
    }


def service(namespace: str, number: int) -> tuple[str, dict[str, Any]]:
    ports = [
        {"name": "http", "port": 80, "targetPort": 8080},
        {"name": "metrics", "port": 9090, "targetPort": "metrics"},
    ]
    return f"/api/v1/namespaces/{namespace}/services", {
        "metadata": {"name": f"service-{number:06}", "labels": {"app.kubernetes.io/name": f"app-{number % 50}"}},
        "spec": {"selector": {"app": f"app-{number}"}, "ports": ports},
    }


def deployment(namespace: str, number: int) -> tuple[str, dict[str, Any]]:
    """Two containers with environment, resources and probes."""
    labels = {"app": f"app-{number}"}
    pod = {
        "containers": [container(name, number) for name in ("server", "sidecar")],
        "volumes": [{"name": "config", "configMap": {"name": f"config-{number:06}"}}],
    }
    spec = {
        "replicas": 0,
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return f"/apis/apps/v1/namespaces/{namespace}/deployments", {
        "metadata": {"name": f"deployment-{number:06}"},
        "spec": spec,
    }


def container(name: str, number: int) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"registry.example.com/team/{name}:1.{number}.0",
        "args": ["--config=/etc/app/app.conf", "--verbose"],
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [
            {"name": "GIT_SHA", "value": f"{number % 90 + 10}e{number:05}"},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}],
    }


_MAKERS = [config_map] * 5 + [service] * 2 + [deployment] * 3


def one(number: int) -> tuple[str, dict[str, Any]]:
    """The path that it is posted to, and the object."""
    return _MAKERS[number % 10](NAMESPACES[number // 10 % 10], number)
