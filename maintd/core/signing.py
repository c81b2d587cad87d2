"""Keys that do their work and are shown to nobody: who signs what maintd writes, and who opens what it encrypted."""

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


class Opener(Protocol):
    """The private key of whoever types a command; a daemon has none."""

    def opened(self, data: bytes) -> bytes:
        """What is encrypted in `data`. Raises Denied where it is for others, Unreadable where it is damaged."""
        ...


class NoKeys:
    """Where nothing is mounted."""

    async def signer(self, path: str) -> Signer:
        """Never one."""
        raise JobError(f"{path} cannot be read here; run the job with `maintd serve` or `maintd run`")
