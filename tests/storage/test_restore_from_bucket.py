"""Whole restores of a backup in a bucket: by its URL alone, with the key that opens its Secrets, and signed."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyrage import x25519

from maintd.cli.backup_options import Meant
from maintd.cli.restoring import Restoring, Wishes
from maintd.config.settings import Settings
from maintd.core.errors import MaintdError
from maintd.core.outcome import Run, Status
from maintd.core.resource import Json
from maintd.sandbox.server import Sandbox
from maintd.storage.open import open_store
from tests.kinds_backup.conftest import Desk

KEY = x25519.Identity.generate()
PASSWORD = base64.b64encode(b"correct horse").decode()


class Night:
    """A cluster with a ConfigMap and a Secret in `shop`, backed up into a bucket, and then without them."""

    def __init__(self, sandbox: Sandbox, folder: Path, url: str) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.url = url
        self.kubeconfig = sandbox.kubeconfig(folder / "kubeconfig")

    async def backup(self, **params: Any) -> str:
        """The URL of the backup."""
        self._put("ConfigMap", "flags", {"data": {"FLAG": "on"}})
        self._put("Secret", "db", {"type": "Opaque", "data": {"password": PASSWORD}})
        store = open_store(self.url, "test")
        outcome = await Desk(self.folder).run(self.kubeconfig, store=store, namespaces=["shop"], **params)
        assert outcome.judged() is Status.OK
        for kind, name in (("ConfigMap", "flags"), ("Secret", "db")):
            self.sandbox.remove("v1", kind, name, "shop")
        return store.url(outcome.artifacts[0].rpartition("/")[0])

    async def restore(self, source: str, **keys: Path) -> Run:
        """On a laptop that knows nothing but the URL, and these keys."""
        meant = Meant((), (), (), None, source, keys.get("identity"), "", keys.get("verify_key"))
        wishes = Wishes("skip", False, (), False, True, False)
        restoring = Restoring(Settings(), meant, wishes, kubeconfig=self.kubeconfig)
        return await restoring.run(lambda prepared, server: True)

    def data(self) -> tuple[Json | None, Json | None]:
        """Of the ConfigMap and of the Secret."""
        found = [self.sandbox.get("v1", *which, "shop") for which in (("ConfigMap", "flags"), ("Secret", "db"))]
        one, other = (each and each["data"] for each in found)
        return one, other

    def _put(self, kind: str, name: str, content: Json) -> None:
        self.sandbox.put({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "shop"}} | content)


@pytest.fixture
def night(sandbox: Sandbox, tmp_path: Path, gcs_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Night:
    monkeypatch.chdir(tmp_path)
    return Night(sandbox, tmp_path, f"{gcs_bucket}/prefix")


@pytest.fixture
def signing(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """A private key and its public one, as the docs say to make them."""

    def made(name: str) -> tuple[Path, Path]:
        private, public = tmp_path / f"{name}.pem", tmp_path / f"{name}.pub"
        for words in (["genpkey", "-algorithm", "ed25519", "-out", private], ["pkey", "-in", private, "-pubout"]):
            out = subprocess.run(["openssl", *words], check=True, capture_output=True).stdout
        public.write_bytes(out)
        return private, public

    return made


async def test_by_its_url_alone_everything_but_secrets_comes_back(night: Night, gcs_bucket: str) -> None:
    source = await night.backup()

    run = await night.restore(source)

    assert source.startswith(f"{gcs_bucket}/prefix/test/backups/")
    assert (run.status, night.data()) == (Status.OK, ({"FLAG": "on"}, None))
    assert (await night.restore(source)).changes == ()


async def test_with_the_identity_secrets_come_back_and_without_it_they_are_named(night: Night) -> None:
    (night.folder / "key.txt").write_text(f"{KEY}\n")
    source = await night.backup(secrets={"recipients": [str(KEY.to_public())]})

    without = await night.restore(source)
    assert (without.status, night.data()) == (Status.PARTIAL, ({"FLAG": "on"}, None))
    assert "--identity" in str(without.findings)

    run = await night.restore(source, identity=night.folder / "key.txt")
    assert (run.status, night.data()) == (Status.OK, ({"FLAG": "on"}, {"password": PASSWORD}))
    assert PASSWORD not in run.model_dump_json()


async def test_with_the_verify_key_a_signed_one_comes_back_and_one_of_another_key_does_not(
    night: Night, signing: Callable[[str], tuple[Path, Path]]
) -> None:
    private, public = signing("ours")
    _, strange = signing("theirs")
    source = await night.backup(sign_key=str(private))

    with pytest.raises(MaintdError, match="signed"):
        await night.restore(source, verify_key=strange)
    assert night.data() == (None, None)

    run = await night.restore(source, verify_key=public)
    assert (run.status, night.data()) == (Status.OK, ({"FLAG": "on"}, None))
