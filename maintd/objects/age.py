"""age, the encryption of Secrets: bytes to bytes. The only importer of pyrage, which is loaded by the first key."""

import re
from collections.abc import Sequence
from typing import Any

from maintd.core.errors import Denied, Unreadable

SUFFIX = ".age"
MAX_RECIPIENTS = 20
GROWTH = 64 * 1024
"""Bytes by which what holds at most 8 MiB grows at most: 16 in 64 KiB, and some hundred a recipient."""
UNCHECKED = "it is encrypted, and no --identity FILE was given to open it with"
MAKE_ONE = "age-keygen -o key.txt makes a key, age-keygen -y key.txt prints its recipient, age1…"
_PRIVATE = re.compile(r"\s*AGE-SECRET-KEY-", re.IGNORECASE)


class Identities:
    """The private keys of a file, as `age-keygen -o FILE` writes it; no way of printing it shows them."""

    def __init__(self, text: str) -> None:
        """Raises ValueError, which never repeats what is in it."""
        from pyrage import IdentityError, x25519  # noqa: PLC0415 - few have Secrets

        lines = (line.strip() for line in text.splitlines())
        keys = [line for line in lines if line and not line.startswith("#")]
        try:
            self._keys = [x25519.Identity.from_str(key) for key in keys]
        except IdentityError:
            raise ValueError("it is no file of age identities, AGE-SECRET-KEY-1…, as age-keygen writes them") from None
        if not self._keys:
            raise ValueError("it holds no age identity, AGE-SECRET-KEY-1…; give the file that age-keygen -o wrote")

    @property
    def recipients(self) -> tuple[str, ...]:
        """The public halves."""
        return tuple(str(key.to_public()) for key in self._keys)

    def opened(self, data: bytes) -> bytes:
        """What `data` holds. Raises Denied where it is encrypted for others, Unreadable where it is damaged."""
        import pyrage  # noqa: PLC0415 - as above

        try:
            plain: bytes = pyrage.decrypt(data, self._keys)
        except pyrage.DecryptError as error:
            if str(error) == "No matching keys found":
                known = ", ".join(self.recipients)
                raise Denied(f"it is encrypted for others; the identities given are of {known}") from None
            raise Unreadable("it is not what age wrote: it was changed, or cut short") from None
        return plain


def recipient(text: str) -> str:
    """An age recipient. Raises ValueError for what is none, with what to do; it never repeats what was given."""
    if _PRIVATE.match(text):
        raise ValueError(
            "this is a private key, which must never be on the cluster; write its recipient, age1…, which "
            "`age-keygen -y key.txt` prints (and make a new key: this one is known to all who read the file)"
        )
    _parsed(text)
    return text


def encrypt(data: bytes, recipients: Sequence[str]) -> bytes:
    """For all of these, any of whom can open it; other bytes each time."""
    import pyrage  # noqa: PLC0415 - as above

    found: bytes = pyrage.encrypt(data, [_parsed(one) for one in recipients])
    return found


def _parsed(text: str) -> Any:
    from pyrage import RecipientError, x25519  # noqa: PLC0415 - as above

    try:
        return x25519.Recipient.from_str(text)
    except RecipientError:
        raise ValueError(f"this is no age recipient; {MAKE_ONE}") from None
