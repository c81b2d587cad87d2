"""Restores as the command does them, in this process, from backups that the kind made."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from maintd.cli.backup_options import Meant
from maintd.cli.restoring import Restoring, Wishes
from maintd.config.settings import Settings
from maintd.core.outcome import Run
from maintd.core.resource import Json
from maintd.recovery.making import Patience
from maintd.recovery.plan import Action
from maintd.recovery.restore import Prepared
from tests.conftest import MERGE_PATCH, Backend
from tests.kinds_backup.conftest import Desk, Made


@dataclass
class Rescue:
    """One namespace of an API server, its backups, and what is restored of them."""

    backend: Backend
    space: str
    desk: Desk
    point: Callable[[Path], None]
    """Say which kubeconfig holds from now on."""
    prepared: list[Prepared] = field(default_factory=list)

    async def backup(self, **params: Any) -> Made:
        return await self.desk.backup(self.backend.kubeconfig, **({"namespaces": [self.space]} | params))

    async def restore(self, *words: str, agree: bool = True, kubeconfig: Path | None = None, **more: Any) -> Run:
        """The run of one `maintd restore`; what was prepared before it asked is kept."""
        self.point(kubeconfig or self.backend.kubeconfig)
        asked = {"namespaces": (), "kinds": (), "as_of": None, "source": "", "identity": None, "context": ""}
        wishes = {"existing": "skip", "cluster_scoped": False, "mapped": (), "dry_run": False}
        meant = Meant(words=words, **{key: more.pop(key, value) for key, value in asked.items()})
        patience = more.pop("patience", Patience())
        options = Wishes(**(wishes | more), yes=True, from_other_cluster=False)
        settings = Settings(storage=f"file://{self.desk.root}", cluster="test")

        def agreed(prepared: Prepared, server: str) -> bool:
            self.prepared.append(prepared)
            return agree

        return await Restoring(settings, meant, options, patience).run(agreed)

    def plan(self) -> dict[str, str]:
        """What the last restore planned: object → action, without what is unchanged."""
        steps = self.prepared[-1].plan.steps
        return {
            f"{step.resource.plural}/{step.name}": str(step.action)
            for step in steps
            if step.action is not Action.UNCHANGED
        }

    def path(self, plural: str, name: str = "") -> str:
        root = (
            "/api/v1" if plural in ("configmaps", "services", "serviceaccounts", "resourcequotas") else "/apis/apps/v1"
        )
        return f"{root}/namespaces/{self.space}/{plural}" + (f"/{name}" if name else "")

    async def get(self, plural: str, name: str) -> Json:
        found = await self.backend.request("GET", self.path(plural, name))
        assert found.status == 200, found.text
        return found.json

    async def gone(self, plural: str, name: str) -> bool:
        return (await self.backend.request("GET", self.path(plural, name))).status == 404

    async def make(self, *objects: Json) -> None:
        for obj in objects:
            await self.backend.apply(obj | {"metadata": {"namespace": self.space} | obj["metadata"]})

    async def change(self, plural: str, name: str, patch: Json) -> None:
        done = await self.backend.request("PATCH", self.path(plural, name), patch, content=MERGE_PATCH)
        assert done.status == 200, done.text

    async def delete(self, plural: str, name: str) -> None:
        done = await self.backend.request("DELETE", self.path(plural, name))
        assert done.status in (200, 202), done.text


def contents(made: Made) -> dict[str, list[Json]]:
    """What is in a backup; in which order an object's keys stand is the server's business."""
    return {path: made.documents(path) for path in made.files}


def results(run: Run) -> dict[str, str]:
    """What became of each object that was not as it should be."""
    return {f"{c.object.resource}/{c.object.name}": f"{c.verb} {c.result}" for c in run.changes}


def reasons(run: Run) -> dict[str, str]:
    return {f"{c.object.resource}/{c.object.name}": c.reason for c in run.changes if c.reason}


def config_map(name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def deployment(name: str = "web", **pod: Any) -> Json:
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "c", "image": "c:1"}]} | pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template},
    }


def service(name: str, **spec: Any) -> Json:
    spec = {"selector": {"app": "web"}, "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}]} | spec
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


@pytest.fixture
async def rescue(cluster_backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Rescue:
    """A namespace with a Deployment, a Service and two ConfigMaps."""
    monkeypatch.chdir(tmp_path)
    space = await cluster_backend.namespace()
    point = lambda path: monkeypatch.setenv("KUBECONFIG", str(path))  # noqa: E731
    found = Rescue(cluster_backend, space, Desk(tmp_path / "store"), point)
    if cluster_backend.sandbox is None:  # what controllers make of a namespace comes a moment later
        await cluster_backend.wait_for(f"/api/v1/namespaces/{space}/configmaps/kube-root-ca.crt")
    await found.make(deployment(), service("web"), config_map("flags", FLAG="on"), config_map("other", A="1"))
    return found
