"""Bytes of a reply → JSON, or why it is not one."""

import orjson

from maintd.core.errors import Unreadable
from maintd.core.resource import Json


def decode(raw: bytes, what: str) -> Json:
    """The JSON object in `raw`. Raises Unreadable, naming `what` was asked for.

    A page of 500 pods takes about 10 ms, during which the loop stands still: handing it to a thread would not help,
    since the decoder keeps the interpreter's lock.
    """
    try:
        found = orjson.loads(raw)
    except ValueError as error:  # its text quotes nothing, but says more about JSON than about what happened
        raise Unreadable(f"{what}: {_why(raw, error)}; is a proxy or a login page in between?") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{what}: the reply is JSON, but not an object")
    return found


def _why(raw: bytes, error: ValueError) -> str:
    if not raw.strip():
        return "the reply is empty"
    if "depth limit" in str(error):
        return "the reply is nested too deeply to be read"
    return "the reply is a web page" if raw.lstrip()[:1] == b"<" else "the reply is cut off or is not JSON"
