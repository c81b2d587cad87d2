"""`maintd diff` as a person types it: whole processes against the embedded cluster."""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from maintd.sandbox.server import Sandbox
from tests import forks
from tests.kinds_backup.conftest import Desk
from tests.recovery.conftest import config_map, deployment


@dataclass
class Typed:
    """A laptop with a kubeconfig and a store."""

    folder: Path
    box: Sandbox
    desk: Desk
    settings: bool = True

    async def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
        known = {"MAINTD_STORAGE": f"file://{self.desk.root}", "MAINTD_CLUSTER": "test"} if self.settings else {}
        kubeconfig = self.box.kubeconfig(self.folder / "kubeconfig")
        environment = inherited | known | {"KUBECONFIG": str(kubeconfig)}
        return await forks.typed("diff", *words, folder=self.folder, environment=environment)

    async def backup(self) -> str:
        made = await self.desk.backup(self.folder / "kubeconfig", namespaces=["shop"])
        return made.manifest.id

    def put(self, *objects: dict) -> None:  # type: ignore[type-arg]
        for obj in objects:
            self.box.put(obj | {"metadata": obj["metadata"] | {"namespace": "shop"}})


@pytest.fixture
async def typed(tmp_path: Path) -> AsyncIterator[Typed]:
    async with Sandbox() as box:
        box.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        box.kubeconfig(tmp_path / "kubeconfig")
        found = Typed(tmp_path, box, Desk(tmp_path / "store"))
        found.put(deployment(), config_map("flags", FLAG="on"))
        yield found


async def test_the_exit_code_says_same_different_or_not_compared(typed: Typed) -> None:
    backup_id = await typed.backup()
    code, out, err = await typed()
    assert (code, out) == (0, "")
    assert err.startswith(f"backup {backup_id} of test, ")
    assert "objects as they were" in err

    typed.put(config_map("new", A="1"))
    code, out, err = await typed(backup_id[:12], "-n", "shop", "--kind", "cm")
    assert (code, out) == (1, "+ configmaps shop/new: only in the cluster\n")
    assert err.endswith("\n1 only in the cluster, 1 object as it was\n")

    [file] = typed.desk.root.rglob("configmaps.yaml")
    file.unlink()
    code, out, err = await typed()
    assert (code, out.startswith("? configmaps in shop/configmaps.yaml: ")) == (3, True)
    assert err.endswith("1 thing could not be compared (?)\n")


async def test_json_has_both_sides_of_each_difference(typed: Typed) -> None:
    backup_id = await typed.backup()
    typed.box.remove("v1", "ConfigMap", "flags", "shop")
    typed.put(config_map("flags", FLAG="off"))

    code, out, _ = await typed("-o", "json", "cm/flags")

    said = json.loads(out)
    assert code == 1
    assert (said["format"], said["backup"], said["same_cluster"], said["same"]) == (1, backup_id, True, 0)
    assert said["unchecked"] == []
    assert said["objects"] == [
        {
            "resource": "configmaps",
            "namespace": "shop",
            "name": "flags",
            "state": "changed",
            "differences": [{"path": "data.FLAG", "backup": "on", "cluster": "off"}],
        }
    ]


async def test_a_backup_anywhere_takes_no_settings(typed: Typed) -> None:
    backup_id = await typed.backup()
    typed.settings = False
    where = f"file://{typed.desk.root}/test/backups/{backup_id}"
    assert (await typed("--from", where))[:2] == (0, "")


async def test_the_backup_of_another_cluster_says_so_at_the_top(typed: Typed) -> None:
    await typed.backup()
    async with Sandbox() as other:
        typed.box = other
        code, out, err = await typed()
    assert code == 1
    assert err.startswith("ATTENTION: this is another cluster than the one that was backed up as test\n")
    assert "- configmaps shop/flags: missing from the cluster\n" in out


async def test_where_the_clusters_identity_cannot_be_read_nobody_claims_to_know_it(typed: Typed) -> None:
    await typed.backup()
    typed.box.remove("v1", "Namespace", "kube-system")
    code, _, err = await typed()
    assert code == 0
    assert err.startswith("note: kube-system could not be read, so nobody knows whether this is the cluster")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["2026"], 2, "could be any of"),
        (["--as-of", "1999-01-01T00:00Z"], 2, "there is no backup begun by 1999-01-01T00:00:00Z"),
        (["--as-of", "2026-11-20"], 2, "has no zone; write 2026-11-20T00:00:00Z if it is UTC"),
        (["-n", "shob"], 2, "has nothing of namespace shob; did you mean shop?; it has shop"),
        (["--from", "s3://b/c"], 2, "--from s3://b/c: not where a backup is; write gs://bucket/prefix/CLUSTER/backups"),
    ],
)
async def test_what_cannot_be_meant_is_said_with_what_to_type(
    typed: Typed, words: list[str], code: int, says: str
) -> None:
    await typed.backup()
    if words == ["2026"]:
        words = [(await typed.backup())[:4]]
    ended, out, err = await typed(*words)
    assert (ended, out) == (code, "")
    assert says in err


async def test_a_backup_that_is_none_is_not_compared(typed: Typed) -> None:
    backup_id = await typed.backup()
    [manifest] = typed.desk.root.rglob("manifest.json")
    whole = manifest.read_bytes()
    manifest.chmod(0o600)
    manifest.write_bytes(whole.replace(b'"cluster": "test"', b'"cluster": "best"'))
    damaged = await typed(backup_id)
    manifest.unlink()
    unfinished = await typed(backup_id)

    assert (damaged[0], damaged[1]) == (unfinished[0], unfinished[1]) == (3, "")
    assert "its own hash is not the one that it names" in damaged[2]
    assert f"backup {backup_id} is unfinished: it has no manifest" in unfinished[2]


async def test_an_api_server_that_is_away_ends_it_in_words(typed: Typed) -> None:
    await typed.backup()
    config = (typed.folder / "kubeconfig").read_text()
    assert typed.box.url in config
    (typed.folder / "away").write_text(config.replace(typed.box.url, "http://127.0.0.1:9"))
    typed.box.kubeconfig = lambda _: typed.folder / "away"  # type: ignore[assignment,method-assign,misc]
    code, out, err = await typed()
    assert (code, out) == (3, "")
    assert "maintd: nothing was compared: " in err


async def test_a_custom_resource_is_known_by_the_short_name_that_its_cluster_has_for_it(typed: Typed) -> None:
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    typed.box.put(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]},
        }
    )
    typed.put({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"size": 1}})
    await typed.backup()

    code, out, err = await typed("--kind", "wd")
    named, said, _ = await typed("wd/one")
    unknown, _, refusal = await typed("--kind", "wx")

    assert (code, out, named, said) == (0, "", 0, "")
    assert "1 object as it was" in err
    assert (unknown, "has no kind wx" in refusal) == (2, True)
