"""`sign_key`: who may have written a backup, told by a key that only the job can read."""

import subprocess
from pathlib import Path

import pytest

from maintd.core.errors import JobError
from maintd.objects.backup_manifest import opened
from maintd.objects.signature import public_key
from maintd.sandbox.server import Sandbox
from tests.kinds_backup.conftest import Desk


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """As the docs say to make it."""
    file = tmp_path / "sign.pem"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", file]
    subprocess.run(command, check=True, capture_output=True)
    return file


def public(key: Path) -> str:
    command = ["openssl", "pkey", "-in", key, "-pubout"]
    return public_key(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


async def test_the_manifest_carries_a_signature_that_the_public_key_proves(
    sandbox: Sandbox, desk: Desk, key: Path, tmp_path: Path
) -> None:
    made = await desk.backup(sandbox.kubeconfig(tmp_path / "kubeconfig"), sign_key=str(key))

    sealed = (made.folder / "manifest.json").read_bytes()
    assert opened(sealed, public(key)) == made.manifest
    assert made.manifest.signature is not None


async def test_a_job_without_a_key_signs_nothing(sandbox: Sandbox, desk: Desk, key: Path, tmp_path: Path) -> None:
    made = await desk.backup(sandbox.kubeconfig(tmp_path / "kubeconfig"))

    assert made.manifest.signature is None
    with pytest.raises(ValueError, match="it is not signed"):
        opened((made.folder / "manifest.json").read_bytes(), public(key))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read from {file}: No such file or directory; mount it there, or make one: openssl genpkey"),
        ("nonsense", "{file} cannot sign: it holds no private ed25519 key without a password; make one: openssl"),
    ],
)
async def test_a_key_that_cannot_sign_ends_the_run_before_anything_is_read(
    sandbox: Sandbox, desk: Desk, tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "other.pem"
    if content is not None:
        file.write_text(content)
    kubeconfig = sandbox.kubeconfig(tmp_path / "kubeconfig")

    with pytest.raises(JobError) as failed:
        await desk.run(kubeconfig, sign_key=str(file))

    assert said.format(file=file) in str(failed.value)
    assert desk.written() == []
