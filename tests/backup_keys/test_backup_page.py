"""docs/backup.md says what to type; here it is typed."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from maintd.objects.age import Identities, encrypt
from maintd.objects.signature import PemSigner
from tests.backup_keys.test_signature import MANIFEST

PAGE = (Path(__file__).parents[2] / "docs/backup.md").read_text()
OVERLAY = Path(__file__).parents[2] / "deploy/base"


def block(first_words: str) -> str:
    """The block of commands that begins so, without what it is indented by."""
    found = re.search(
        rf"^( *)```console\n(?P<lines> *{re.escape(first_words)}.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE
    )
    assert found, first_words
    return "\n".join(line.removeprefix(found[1]) for line in found["lines"].splitlines())


def typed(commands: str, folder: Path) -> str:
    """What they print. The shell ends at the first that fails."""
    shell = ["bash", "-euo", "pipefail"]
    ran = subprocess.run(shell, input=commands, cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.cluster
def test_the_key_for_secrets_is_made_and_opens_them_as_the_page_says(
    need_tool: Callable[[str], str], tmp_path: Path
) -> None:
    need_tool("age-keygen")
    recipient = typed(block("age-keygen"), tmp_path).strip()
    folder = tmp_path / "backups/ID/omtx-hub"
    folder.mkdir(parents=True)
    (folder / "secrets.yaml.age").write_bytes(encrypt(b"---\nkind: Secret\n", [recipient]))

    by_hand = block("age -d -i").splitlines()[0].removesuffix("| kubectl apply -f -")

    assert typed(by_hand, tmp_path) == "---\nkind: Secret\n"
    assert Identities((tmp_path / "key.txt").read_text()).recipients == (recipient,)


@pytest.mark.cluster
def test_the_key_to_sign_with_is_made_and_the_signature_proved_without_maintd_as_the_page_says(
    need_tool: Callable[[str], str], tmp_path: Path
) -> None:
    need_tool("jq")
    typed("\n".join(line for line in block("openssl").splitlines() if not line.startswith("kubectl")), tmp_path)
    signer = PemSigner((tmp_path / "sign.pem").read_bytes())
    strange = MANIFEST.model_copy(update={"cluster": 'Zürich \u2028 "x"', "namespaces": ("b", "a")})
    (tmp_path / "manifest.json").write_bytes(strange.sealed(signer))

    assert "Signature Verified Successfully" in typed(block("(echo"), tmp_path)

    (tmp_path / "manifest.json").write_bytes(MANIFEST.sealed(signer).replace(b'"c"', b'"d"'))
    with pytest.raises(AssertionError):
        typed(block("(echo"), tmp_path)


@pytest.mark.cluster
def test_the_patch_that_mounts_the_key_fits_the_manifests(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    patch = re.search(r"```yaml\n(apiVersion: apps/v1\nkind: Deployment\n.*?)```", PAGE, re.DOTALL)
    assert patch
    (tmp_path / "patch.yaml").write_text(patch[1])
    (tmp_path / "base").symlink_to(OVERLAY)
    (tmp_path / "kustomization.yaml").write_text("resources: [base]\npatches: [{path: patch.yaml}]\n")

    ran = typed(f"{need_tool('kubectl')} kustomize .", tmp_path)

    [pod] = [each["spec"]["template"]["spec"] for each in yaml.safe_load_all(ran) if each["kind"] == "Deployment"]
    assert "/etc/maintd-keys" in [mount["mountPath"] for mount in pod["containers"][0]["volumeMounts"]]
    assert {"jobs", "data", "tmp", "keys"} == {volume["name"] for volume in pod["volumes"]}
    assert "/etc/maintd-keys/sign.pem" in PAGE
