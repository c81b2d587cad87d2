"""`--verify-key` on the commands that read a backup: what is not signed with it is none."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from maintd.sandbox.server import Sandbox
from tests.cli.conftest import Said, Shell

JOBS = """version: 1
targets: {app: {namespace: app}}
defaults: {target: app}
jobs:
  - {name: unsigned, kind: backup, manual: true}
  - {name: signed, kind: backup, manual: true, params: {sign_key: KEY}}
"""


@pytest.fixture
async def shell(sandbox: Sandbox, tmp_path: Path) -> Shell:
    """One ConfigMap, and a pair of keys."""
    metadata = {"name": "c", "namespace": "app"}
    sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}})
    key = Ed25519PrivateKey.generate()
    (tmp_path / "key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (tmp_path / "pub").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "jobs.yaml").write_text(JOBS.replace("KEY", str(tmp_path / "key")))
    return Shell(tmp_path, sandbox)


async def backed_up(shell: Shell, job: str) -> str:
    """The id of a new backup."""
    before = set(folders(shell))
    said = await shell("run", job)
    assert said.code == 0, said.err
    [made] = set(folders(shell)) - before
    return made


def folders(shell: Shell) -> list[str]:
    return [path.name for path in (shell.folder / ".maintd/store/default/backups").glob("*")]


async def test_an_unsigned_backup_is_none_and_the_newest_is_the_newest_signed_one(shell: Shell) -> None:
    signed, unsigned = await backed_up(shell, "signed"), await backed_up(shell, "unsigned")

    for words in (("diff",), ("restore", "--dry-run")):
        refused = await shell(*words, unsigned, "--verify-key", "pub")
        taken = await shell(*words, "--verify-key", "pub")

        assert refused.code not in (0, 2)
        assert "it is not signed, and a signature is asked for" in refused.err
        assert (taken.code, signed in taken.err) == (0, True), taken
    assert not [path for path in (shell.folder / ".maintd").rglob("*") if path.is_file() and holds(path, shell)]


def holds(path: Path, shell: Shell) -> bool:
    """Whether the private key is in a file."""
    return (shell.folder / "key").read_bytes().splitlines()[1][20:] in path.read_bytes()


async def test_a_private_key_is_not_taken_for_a_public_one(shell: Shell) -> None:
    said: Said = await shell("diff", "--verify-key", "key")

    assert said.code == 2
    assert "key: this is a private key; give the public one: openssl pkey -in sign.pem -pubout" in said.err
