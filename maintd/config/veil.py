"""Covers what must never have been written into a jobs.yaml: it is said to people, and logs go further still."""

import re

_PRIVATE = re.compile(
    r"AGE-SECRET-KEY-[-0-9A-Z]*"  # of age
    r"|MC4CAQAwBQYDK2VwBCIEI[0-9A-Z+/=]*",  # how the base64 of a private ed25519 key begins
    re.IGNORECASE,
)


def veiled(text: str) -> str:
    """The text with private keys covered, as long as it was: a caret below stays where it points."""
    return _PRIVATE.sub(lambda found: "*" * len(found[0]), text)
