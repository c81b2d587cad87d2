"""Runs the kind with the real transport and the real folder store, against whatever API server a test has."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.core.kind import Context
from maintd.core.outcome import Outcome
from maintd.core.ports import Gke, Reader, Store
from maintd.core.resource import Json
from maintd.core.target import Target
from maintd.kinds.protect.backup import KIND
from maintd.objects.backup_manifest import Manifest, opened
from maintd.storage.folder import FolderStore
from maintd.storage.signing_keys import MountedKeys


@dataclass(frozen=True)
class Made:
    """What one run left behind."""

    outcome: Outcome
    folder: Path
    files: dict[str, bytes]
    """By their path in the backup; the manifest is not among them."""
    manifest: Manifest

    def documents(self, path: str) -> list[Json]:
        return list(yaml.load_all(self.files[path], yaml.CSafeLoader))

    def names(self, path: str) -> list[str]:
        return [document["metadata"]["name"] for document in self.documents(path)]


@dataclass
class Desk:
    """Where backups are made and looked at."""

    root: Path

    async def run(
        self,
        kubeconfig: Path,
        *,
        target: Target | None = None,
        store: Store | None = None,
        reader: Callable[[Api], Reader] = ClusterReader,
        gke: Gke | None = None,
        **params: Any,
    ) -> Outcome:
        """One run of the kind, as the daemon would do it."""
        api = await Api.connect(kubeconfig)
        unused = cast("Any", None)
        context = Context(
            run_id="20261122T030000Z-backup-abc123",
            job="backup",
            target=target or Target(),
            cluster=reader(api),
            gate=unused,
            store=store or FolderStore(self.root, "test"),
            http=unused,
            log=unused,
            now=lambda: datetime.now(UTC),
            memory={},
            cluster_name="test",
            gke=gke,
            keys=MountedKeys(),
        )
        try:
            return cast("Outcome", await KIND.run(context, KIND.params.model_validate(params)))
        finally:
            await api.close()

    async def backup(self, kubeconfig: Path, **how: Any) -> Made:
        """A run that ends in a backup, every hash of which is checked here."""
        outcome = await self.run(kubeconfig, **how)
        [path] = outcome.artifacts
        folder = (self.root / "test" / path).parent
        found = {
            str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()
        }
        manifest = opened(found.pop("manifest.json"))
        assert {file.path: (file.size, file.sha256) for file in manifest.every_file} == {
            path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in found.items()
        }
        return Made(outcome, folder, found, manifest)

    def written(self) -> list[str]:
        """Every path in the store."""
        base = self.root / "test"
        return sorted(str(file.relative_to(base)) for file in base.rglob("*") if file.is_file())


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "store")
