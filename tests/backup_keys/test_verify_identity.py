"""`maintd verify --identity`: what is encrypted is opened and counted too, by whoever has the key."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyrage import x25519

from maintd.core.errors import Denied
from maintd.core.resource import Json
from maintd.objects.age import Identities, encrypt
from maintd.objects.archive import Backup
from maintd.objects.backup_manifest import ListRead, Manifest, StoredFile
from maintd.objects.readback import read_back
from maintd.sandbox.server import Sandbox
from maintd.storage.folder import FolderStore
from tests.cli.conftest import Shell

THEN = datetime(2026, 11, 22, 3, tzinfo=UTC)
ID = "20261122T030000Z-abc123"
KEY, OTHER = x25519.Identity.generate(), x25519.Identity.generate()
PUBLIC = str(KEY.to_public())
GOOD = b"---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  namespace: a\n"


async def sealed(store: FolderStore, plain: bytes) -> Backup:
    """A backup of one file of Secrets, with a manifest that says there is one of them."""
    written = await store.create(f"backups/{ID}/a/secrets.yaml.age", encrypt(plain, [PUBLIC]))
    file = StoredFile(
        path="a/secrets.yaml.age",
        resource="secrets",
        kind="Secret",
        namespace="a",
        count=1,
        size=written.size,
        sha256=written.sha256,
        stored_size=written.stored_size,
        stored_sha256=written.stored_sha256,
        recipients=(PUBLIC,),
    )
    manifest = Manifest(
        id=ID,
        run_id="r",
        cluster="c",
        kube_system_uid="u",
        server_version="v1.35.4",
        maintd_version="0",
        started=THEN,
        ended=THEN,
        lists=(ListRead(resource="secrets", api_version="v1", kind="Secret", objects=1),),
        files=(file,),
    )
    await store.create(f"backups/{ID}/manifest.json", manifest.sealed())
    return Backup(ID, manifest)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store", "c")


@pytest.mark.parametrize(
    ("plain", "damage"),
    [
        (GOOD, []),
        (GOOD * 2, ["it holds 2 objects, and its manifest counts 1"]),
        (GOOD.replace(b": a\n", b": b\n"), ["object 1 in it is no Secret of namespace a with a name"]),
    ],
    ids=["whole", "too many", "of another namespace"],
)
async def test_with_the_key_what_is_inside_is_held_against_the_manifest(
    store: FolderStore, plain: bytes, damage: list[str]
) -> None:
    backup = await sealed(store, plain)

    blind = await read_back(store, backup, "r", lambda: THEN)
    found = await read_back(store, backup, "r", lambda: THEN, opener=Identities(str(KEY)))

    assert (blind.encrypted, blind.damaged) == (("a/secrets.yaml.age",), ())
    assert (found.encrypted, [each.why for each in found.damaged]) == ((), damage)


async def test_the_wrong_key_proves_nothing(store: FolderStore) -> None:
    backup = await sealed(store, GOOD)

    with pytest.raises(Denied, match=r"^a/secrets\.yaml\.age: it is encrypted for others; the identities given are of"):
        await read_back(store, backup, "r", lambda: THEN, opener=Identities(str(OTHER)))


async def test_the_command_takes_the_key_and_keeps_none_of_it(sandbox: Sandbox, tmp_path: Path) -> None:
    metadata: Json = {"name": "s", "namespace": "app"}
    sandbox.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": {"k": "dg=="}})
    params = f"{{secrets: {{recipients: [{PUBLIC}]}}}}"
    job = f"- {{name: b, kind: backup, target: t, manual: true, params: {params}}}"
    (tmp_path / "jobs.yaml").write_text(f"version: 1\ntargets: {{t: {{namespace: app}}}}\njobs:\n{job}\n")
    (tmp_path / "key.txt").write_text(str(KEY))
    (tmp_path / "other.txt").write_text(str(OTHER))
    shell = Shell(tmp_path, sandbox)
    await shell("run", "b")

    opened, refused = await shell("verify", "--identity", "key.txt"), await shell("verify", "--identity", "other.txt")

    assert opened.code == 0, opened.err
    assert refused.code == 1
    assert "secrets.yaml.age: it is encrypted for others" in f"{refused.out} {refused.err}"
    kept = [path.read_bytes() for path in (tmp_path / ".maintd").rglob("*") if path.is_file()]
    assert not [data for data in kept if str(KEY).encode() in data or str(OTHER).encode() in data]
