"""A cluster that was upgraded since the backup: what its server puts in by itself, on a real control plane."""

import hashlib

import pytest

from maintd.core.rules import Rule
from maintd.objects.backup_manifest import opened
from tests.recovery.conftest import Shop

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.parametrize("cluster_backend", ["controlplane"], indirect=True),
]
BOX = "spec.template.spec.containers[web]"


def aged(shop: Shop, field: bytes, version: str) -> None:
    """Let the newest backup look like one that a server of this version made, to which the field was unknown."""
    store = shop.desk.root / "test" / "backups"
    [folder] = store.iterdir()
    manifest = opened((folder / "manifest.json").read_bytes())
    files = []
    for file in manifest.files:
        data = b"".join(line for line in (folder / file.path).read_bytes().splitlines(True) if field not in line)
        sums = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        stored = {f"stored_{key}": value for key, value in sums.items()}
        files.append(file.model_copy(update=sums | stored))
        (folder / file.path).chmod(0o600)
        (folder / file.path).write_bytes(data)
    (folder / "manifest.json").chmod(0o600)
    (folder / "manifest.json").write_bytes(
        manifest.model_copy(update={"files": tuple(files), "server_version": version}).sealed()
    )


async def test_what_a_newer_server_puts_in_by_itself_is_nobodys_change(shop: Shop) -> None:
    await shop.backup(kinds=["deployments.apps"])
    await shop.replace("deployments", "web", image="shop:2")
    aged(shop, b"revisionHistoryLimit", "v1.4.0")
    assert await shop.diff() == (1, ["~ deployments.apps NS/web", f"    ~ {BOX}.image: shop:1 -> shop:2"])

    reading = [Rule("deployments.apps", "list", "get", namespace=shop.space)]
    code, lines = await shop.diff(kubeconfig=await shop.backend.grant(reading))
    assert (code, lines[-1]) == (1, "    + spec.revisionHistoryLimit: 10")


async def test_of_a_server_of_the_same_version_nothing_is_explained_away(shop: Shop) -> None:
    await shop.backup(kinds=["deployments.apps"])
    version = (await shop.backend.request("GET", "/version")).json["gitVersion"]
    aged(shop, b"revisionHistoryLimit", version)
    assert await shop.diff() == (1, ["~ deployments.apps NS/web", "    + spec.revisionHistoryLimit: 10"])
