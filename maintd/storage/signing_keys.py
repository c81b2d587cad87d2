"""Private keys in files: a Secret that is mounted, or a file of whoever types."""

import asyncio
from pathlib import Path

from maintd.core.errors import JobError
from maintd.core.signing import Signer
from maintd.objects.signature import MAKE_ONE, PemSigner

_LARGEST = 64 * 1024


class MountedKeys:
    """As core.signing.Keys describes them. A file is read anew for each run: a mounted one may be exchanged."""

    async def signer(self, path: str) -> Signer:
        """Whoever signs with the key in this file. Raises JobError."""
        return await asyncio.to_thread(_signer, Path(path))


def _signer(path: Path) -> Signer:
    try:
        with path.open("rb") as file:
            return PemSigner(file.read(_LARGEST))
    except OSError as error:
        said = f"the key to sign with cannot be read from {path}: {error.strerror}"
        raise JobError(f"{said}; mount it there, or make one: {MAKE_ONE}") from None
    except ValueError as error:
        raise JobError(f"{path} cannot sign: {error}") from None
