"""`--verify-key` on the commands that read a backup: what is not signed with it is none."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from maintd.objects.backup_manifest import opened
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
    for words in (
        ["genpkey", "-algorithm", "ed25519", "-out", "key"],
        ["pkey", "-in", "key", "-pubout", "-out", "pub"],
    ):
        await asyncio.to_thread(subprocess.run, ["openssl", *words], cwd=tmp_path, check=True, capture_output=True)
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


@pytest.mark.parametrize("words", [["diff"], ["restore", "--dry-run"], ["verify"]], ids=lambda words: words[0])
async def test_an_unsigned_backup_is_refused_and_a_signed_one_taken(shell: Shell, words: list[str]) -> None:
    unsigned, signed = await backed_up(shell, "unsigned"), await backed_up(shell, "signed")

    refused = await shell(*words, unsigned, "--verify-key", "pub")
    taken = await shell(*words, signed, "--verify-key", "pub")
    trusting = await shell(*words, unsigned)

    assert refused.code not in (0, 2)
    assert "it is not signed, and a signature is asked for" in f"{refused.err} {refused.out}"
    assert (taken.code, trusting.code) == (0, 0), f"{taken} {trusting}"


async def test_the_newest_backup_is_the_newest_signed_one(shell: Shell) -> None:
    signed = await backed_up(shell, "signed")
    await asyncio.sleep(1.1)  # ids tell seconds apart
    await backed_up(shell, "unsigned")

    said = await shell("diff", "--verify-key", "pub")

    assert signed in said.err


async def test_a_private_key_is_not_taken_for_a_public_one(shell: Shell) -> None:
    said: Said = await shell("diff", "--verify-key", "key")

    assert said.code == 2
    assert "key: this is a private key; give the public one: openssl pkey -in sign.pem -pubout" in said.err


async def test_what_is_kept_of_a_run_says_nothing_of_the_key(shell: Shell) -> None:
    await backed_up(shell, "signed")
    body = (shell.folder / "key").read_text().splitlines()[1]

    written = [path.read_bytes() for path in (shell.folder / ".maintd").rglob("*") if path.is_file()]

    assert not [data for data in written if body[20:].encode() in data]
    manifests = list((shell.folder / ".maintd").rglob("manifest.json"))
    assert [opened(path.read_bytes()).signature is not None for path in manifests] == [True]
