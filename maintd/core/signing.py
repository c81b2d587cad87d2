"""Who vouches for what maintd writes: a signature, and whoever makes it."""

from typing import Protocol

from pydantic import BaseModel, ConfigDict

from maintd.core.errors import JobError


class Signature(BaseModel):
    """An ed25519 signature."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    key: str
    """The public key, as the one line between BEGIN and END of its PEM file."""
    value: str
    """Base64."""


class Signer(Protocol):
    """A private key that does its work and is shown to nobody."""

    def sign(self, content: bytes) -> Signature: ...


class Keys(Protocol):
    """The private keys that lie in mounted files."""

    async def signer(self, path: str) -> Signer:
        """Raises JobError, naming the file and what to do about it."""
        ...


class NoKeys:
    """Where nothing is mounted."""

    async def signer(self, path: str) -> Signer:
        """Never one."""
        raise JobError(f"{path} cannot be read here; run the job with `maintd serve` or `maintd run`")
