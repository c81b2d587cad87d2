"""Backups of one namespace, and what an API server says to them when it is asked by dry runs."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from maintd.cluster.api import Api
from maintd.core.rehearsal import Answer, Answers
from maintd.core.resource import Json
from maintd.recovery.asking import Asking
from maintd.storage.folder import FolderStore
from tests.conftest import Backend
from tests.forks import typed
from tests.kinds_backup.conftest import Desk, Made
from tests.restore.conftest import config_map, deployment, service


@dataclass
class Scene:
    """One namespace with a Deployment, a Service, a Role and two ConfigMaps, and its backups."""

    backend: Backend
    space: str
    desk: Desk
    home: str = "maintd"
    """maintd's own namespace."""

    async def backup(self, **params: Any) -> Made:
        return await self.desk.backup(self.backend.kubeconfig, **({"namespaces": [self.space]} | params))

    async def ask(self, made: Made, kubeconfig: Path | None = None, **keys: Any) -> Answers:
        """What the server says to that backup."""
        api = await Api.connect(kubeconfig or self.backend.kubeconfig)
        try:
            return await Asking(api, **keys).rehearse(FolderStore(self.desk.root, "test"), made.manifest.id)
        finally:
            await api.close()

    async def maintd(self, *words: str, kubeconfig: Path | None = None) -> tuple[int, str]:
        """Exit code and output of a command, typed by whom the kubeconfig says."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAINTD_", "KUBE"))}
        said = {
            "MAINTD_STORAGE": f"file://{self.desk.root}",
            "MAINTD_CLUSTER": "test",
            "MAINTD_NAMESPACE": self.home,
            "KUBECONFIG": str(kubeconfig or self.backend.kubeconfig),
        }
        code, out, err = await typed(*words, folder=self.backend.folder, environment=kept | said)
        return code, out + err

    async def make(self, *objects: Json) -> None:
        for obj in objects:
            await self.backend.apply(obj | {"metadata": {"namespace": self.space} | obj["metadata"]})

    async def delete(self, path: str) -> None:
        done = await self.backend.request("DELETE", path)
        assert done.status in (200, 202), done.text

    def note(self, made: Made) -> Json:
        """The newest verification of a backup."""
        found: Json = json.loads(max((self.desk.root / "test/verifications" / made.manifest.id).iterdir()).read_text())
        return found


def said(answers: Sequence[Answer]) -> dict[str, tuple[str, ...]]:
    """What was said of which objects."""
    return {answer.why: answer.objects for answer in answers}


@pytest.fixture
async def scene(cluster_backend: Backend, tmp_path: Path) -> Scene:
    space = await cluster_backend.namespace()
    found = Scene(cluster_backend, space, Desk(tmp_path / "store"))
    if cluster_backend.sandbox is None:  # what controllers make of a namespace comes a moment later
        await cluster_backend.wait_for(f"/api/v1/namespaces/{space}/configmaps/kube-root-ca.crt")
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    }
    await found.make(deployment(), service("web"), config_map("flags", FLAG="on"), config_map("other", A="1"), role)
    return found
