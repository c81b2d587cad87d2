"""Ed25519: signs with a key in a PEM file, and says whether a signature is that of a key. The only importer of
cryptography's signatures, which are loaded by the first key.
"""

import base64
import binascii
import re
from typing import TYPE_CHECKING

from maintd.core.signing import Signature

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAKE_ONE = "openssl genpkey -algorithm ed25519 -out sign.pem"
SHOW_PUBLIC = "openssl pkey -in sign.pem -pubout"
_PEM = re.compile(r"\s*-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----\s*", re.DOTALL)
_PRIVATE = "MC4CAQAwBQYDK2VwBCIEI"
"""How the base64 of every private ed25519 key begins."""


class PemSigner:
    """core.signing.Signer with the private key of a PEM file."""

    def __init__(self, pem: bytes) -> None:
        """Raises ValueError for what is no such key."""
        self._key = _private(pem)
        self._public = _spelled(self._key.public_key())

    def sign(self, content: bytes) -> Signature:
        """Of exactly these bytes."""
        return Signature(key=self._public, value=base64.b64encode(self._key.sign(content)).decode())


def public_key(text: str) -> str:
    """A public ed25519 key in one spelling, from its PEM file or from the one line in it.

    Raises ValueError, which never repeats what was given.
    """
    found = _PEM.fullmatch(text)
    body = "".join((found[2] if found else text).split())
    if "PRIVATE" in (found[1] if found else text) or body.startswith(_PRIVATE):
        raise ValueError(f"this is a private key; give the public one: {SHOW_PUBLIC} (and make a new pair of keys)")
    try:
        return _spelled(_public(body))
    except (ValueError, binascii.Error):
        raise ValueError(f"this is no public ed25519 key; give what this prints: {SHOW_PUBLIC}") from None


def check(signature: Signature | None, content: bytes, trusted: str) -> None:
    """Raises ValueError unless the signature is one of `content` by the key `trusted`, as public_key() spells it."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - not everybody has keys

    if signature is None:
        raise ValueError("it is not signed, and a signature is asked for")
    if signature.key != trusted:
        raise ValueError("it is signed with another key than the one that is trusted")
    try:
        _public(trusted).verify(base64.b64decode(signature.value, validate=True), content)
    except (InvalidSignature, ValueError):
        raise ValueError("its signature is not one of its content: it was changed after it was signed") from None


def _private(pem: bytes) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it asks for a password
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"it holds no private ed25519 key without a password; make one: {MAKE_ONE}")
    return key


def _public(body: str) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - as above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_der_public_key  # noqa: PLC0415

    try:
        key = load_der_public_key(base64.b64decode(body, validate=True))
    except UnsupportedAlgorithm as error:
        raise ValueError("an algorithm that nobody knows") from error
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("a key of another kind")
    return key


def _spelled(key: "Ed25519PublicKey") -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as above

    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
