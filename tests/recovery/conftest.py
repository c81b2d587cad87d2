"""Backups of a cluster, made as the daemon makes them, and held against it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from maintd.cli.diff_text import text
from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.resource import Json
from maintd.objects.age import Identities
from maintd.recovery.against import Held, hold_against
from maintd.recovery.contents import Contents
from maintd.recovery.selection import Asked, choose
from maintd.recovery.source import manifest_of
from maintd.storage.folder import FolderStore
from tests.conftest import MERGE_PATCH, Backend
from tests.kinds_backup.conftest import Desk


def deployment(name: str = "web") -> Json:
    """A Deployment without pods, with enough in it to be changed."""
    container = {
        "name": "web",
        "image": "shop:1",
        "args": ["--port", "80"],
        "env": [{"name": "A", "value": "1"}, {"name": "GIT_SHA", "value": "12e4567"}],
        "ports": [{"containerPort": 80}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [container], "volumes": [{"name": "data", "emptyDir": {}}]},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


@dataclass
class Shop:
    """An application in a namespace of its own, on whatever API server a test has."""

    backend: Backend
    space: str
    desk: Desk

    async def make(self, *objects: Json) -> None:
        for obj in objects:
            await self.backend.apply(obj | {"metadata": {"namespace": self.space} | obj["metadata"]})

    def path(self, plural: str, name: str) -> str:
        root = "/api/v1" if plural in ("configmaps", "services", "secrets", "serviceaccounts") else "/apis/apps/v1"
        return f"{root}/namespaces/{self.space}/{plural}/{name}"

    async def change(self, plural: str, name: str, patch: Json) -> None:
        """A merge patch."""
        done = await self.backend.request("PATCH", self.path(plural, name), patch, content=MERGE_PATCH)
        assert done.status == 200, done.text

    async def replace(self, plural: str, name: str, **parts: Any) -> None:
        """What the server has, with other values for fields of the one container, or of the pod in `pod`."""
        live = (await self.backend.request("GET", self.path(plural, name))).json
        pod = live["spec"]["template"]["spec"]
        pod.update(parts.pop("pod", {}))
        pod["containers"][0].update(parts)
        done = await self.backend.request("PUT", self.path(plural, name), live)
        assert done.status == 200, done.text

    async def delete(self, plural: str, name: str) -> None:
        done = await self.backend.request("DELETE", self.path(plural, name))
        assert done.status == 200, done.text

    async def backup(self, **params: Any) -> None:
        await self.desk.backup(self.backend.kubeconfig, **({"namespaces": [self.space]} | params))

    async def held(
        self, *names: str, kubeconfig: Path | None = None, identities: Identities | None = None, **asked: Any
    ) -> Held:
        """The newest backup against the cluster."""
        store = FolderStore(self.desk.root, "test")
        manifest = await manifest_of(store)
        contents = Contents(store, choose(manifest, Asked(names=names, **asked)), identities)
        api = await Api.connect(kubeconfig or self.backend.kubeconfig)
        try:
            return await hold_against(ClusterReader(api), ClusterWriter(api), self.backend.url, contents)
        finally:
            await api.close()

    async def diff(self, *names: str, **how: Any) -> tuple[int, list[str]]:
        """The exit code and the lines, the namespace's name as NS."""
        found = (await self.held(*names, **how)).comparison
        return found.exit_code, [line.replace(self.space, "NS") for line in text(found, colour=False)]


@pytest.fixture
async def shop(cluster_backend: Backend, tmp_path: Path) -> Shop:
    space = await cluster_backend.namespace()
    found = Shop(cluster_backend, space, Desk(tmp_path / "store"))
    if cluster_backend.sandbox is None:  # what controllers make of a namespace comes a moment later
        await cluster_backend.wait_for(f"/api/v1/namespaces/{space}/configmaps/kube-root-ca.crt")
    await found.make(deployment(), config_map("flags", FLAG="on", **{"start.sh": "#!/bin/sh\nset -eu\nexec shop\n"}))
    return found
