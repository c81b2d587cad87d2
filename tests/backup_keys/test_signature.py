"""Manifests that are signed, those that are not, and keys that are none."""

import base64
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from maintd.cli import keys
from maintd.core.errors import ConfigError
from maintd.core.signing import Signature
from maintd.objects.backup_manifest import Manifest, NotWhole, _digest, _laid_out, opened
from maintd.objects.signature import PemSigner, check, public_key

THEN = datetime(2026, 11, 22, 3, tzinfo=UTC)
KEY = Ed25519PrivateKey.generate()


def pem(key: Ed25519PrivateKey | X25519PrivateKey, how: KeySerializationEncryption | None = None) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how or NoEncryption())


def public_pem(key: Ed25519PrivateKey | X25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


SIGNER, TRUSTED = PemSigner(pem(KEY)), public_key(public_pem(KEY))
MANIFEST = Manifest(
    id="20261122T030000Z-abc123",
    run_id="r",
    cluster="c",
    kube_system_uid="u",
    server_version="v1.35.4",
    maintd_version="0",
    started=THEN,
    ended=THEN,
    not_whole=(NotWhole(resource="pods", why="denied", remedy="grant it"),),
)


def resealed(content: dict[str, Any]) -> bytes:
    """As somebody who can write the bucket would: with a hash that fits."""
    content = {key: value for key, value in content.items() if key != "sha256"}
    return _laid_out(content | {"sha256": _digest(content)}).encode()


def test_a_signed_manifest_is_taken_by_whoever_knows_the_public_key() -> None:
    sealed = MANIFEST.sealed(SIGNER)

    found = opened(sealed, TRUSTED)

    assert found.model_copy(update={"signature": None}) == MANIFEST
    assert found.signature is not None
    assert found.signature.key == TRUSTED
    assert opened(sealed) == found


def test_an_unsigned_one_is_refused_where_a_key_is_given() -> None:
    with pytest.raises(ValueError, match=r"^it is not signed, and a signature is asked for$"):
        opened(MANIFEST.sealed(), TRUSTED)


def test_one_that_another_key_signed_is_refused() -> None:
    stranger = PemSigner(pem(Ed25519PrivateKey.generate()))

    with pytest.raises(ValueError, match=r"^it is signed with another key than the one that is trusted$"):
        opened(MANIFEST.sealed(stranger), TRUSTED)


@pytest.mark.parametrize(
    "change",
    [
        {"cluster": "another"},
        {"not_whole": []},
        {"complete": True},
        {"files": [{"path": "a/configmaps.yaml"}]},
        {"more": "of what a later version knows"},
        {"id": "20261123T030000Z-abc123"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_content_that_was_changed_and_hashed_again_is_refused(change: dict[str, object]) -> None:
    content = json.loads(MANIFEST.sealed(SIGNER))

    with pytest.raises(ValueError, match=r"changed after it was signed|validation error"):
        opened(resealed(content | change), TRUSTED)


@pytest.mark.parametrize("value", ["", "AAAA", "no base64!", "A" * 88])
def test_a_signature_that_is_none_is_refused(value: str) -> None:
    content = json.loads(MANIFEST.sealed(SIGNER))
    content["signature"]["value"] = value

    with pytest.raises(ValueError, match="its signature is not one of its content"):
        opened(resealed(content), TRUSTED)


def test_a_signature_of_anything_else_is_none_of_a_manifest() -> None:
    content = json.loads(MANIFEST.sealed())
    content.pop("sha256")
    bare = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    content["signature"] = SIGNER.sign(bare).model_dump()

    with pytest.raises(ValueError, match="its signature is not one of its content"):
        opened(resealed(content), TRUSTED)


def test_every_flipped_byte_of_a_signed_manifest_is_noticed() -> None:
    sealed = MANIFEST.sealed(SIGNER)
    blank = {at for at in range(len(sealed)) if sealed[at : at + 1].isspace()}

    for at in set(range(len(sealed))) - blank:
        with pytest.raises(ValueError):
            opened(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :], TRUSTED)


def test_the_public_key_has_one_spelling_from_the_file_or_the_line_in_it() -> None:
    line = public_pem(KEY).splitlines()[1]

    assert {public_key(text) for text in (line, f" {line}\n", public_pem(KEY), f"\n{public_pem(KEY)}\n")} == {line}


@pytest.mark.parametrize(
    "text",
    [pem(KEY).decode(), pem(KEY).decode().splitlines()[1], pem(KEY, BestAvailableEncryption(b"x")).decode()],
    ids=["file", "line", "encrypted"],
)
def test_a_private_key_in_the_place_of_a_public_one_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="this is a private key; give the public one") as refused:
        public_key(text)

    assert pem(KEY).decode().splitlines()[1][20:] not in str(refused.value)


@pytest.mark.parametrize("text", ["", "AAAA", "é", public_pem(X25519PrivateKey.generate()), "MCowBQYDK2VwAyEA"])
def test_what_is_no_public_key_is_refused_with_the_way_to_one(text: str) -> None:
    with pytest.raises(ValueError, match="this is no public ed25519 key; give what this prints: openssl pkey"):
        public_key(text)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nonsense",
        pem(X25519PrivateKey.generate()),
        pem(KEY, BestAvailableEncryption(b"x")),
        public_pem(KEY).encode(),
    ],
    ids=["empty", "nonsense", "another kind", "with a password", "public"],
)
def test_what_is_no_private_key_is_refused_with_the_way_to_one(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"openssl genpkey -algorithm ed25519 -out sign\.pem"):
        PemSigner(content)


@pytest.mark.cluster  # needs openssl, which `make test` does without
def test_openssl_makes_the_keys_and_takes_the_signature(tmp_path: Path) -> None:
    private, public, content, value = (tmp_path / name for name in ("sign.pem", "public.pem", "content", "value"))
    openssl("genpkey", "-algorithm", "ed25519", "-out", private)
    openssl("pkey", "-in", private, "-pubout", "-out", public)
    content.write_bytes(b"content")

    signed = PemSigner(private.read_bytes()).sign(b"content")

    check(signed, b"content", keys.public_key(public))
    value.write_bytes(base64.b64decode(signed.value))
    openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin", "-in", content, "-sigfile", value)


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.pem").write_bytes(pem(KEY))

    with pytest.raises(ConfigError, match=r"p\.pem: this is a private key; give the public one"):
        keys.public_key(tmp_path / "p.pem")
    with pytest.raises(ConfigError, match=r"q\.pem: cannot be read: No such file or directory"):
        keys.public_key(tmp_path / "q.pem")
    assert keys.public_key(None) == ""


def test_a_signature_says_nothing_of_the_private_key() -> None:
    assert SIGNER.sign(b"a") == Signature(key=TRUSTED, value=SIGNER.sign(b"a").value)
    assert "PRIVATE" not in repr(SIGNER)
