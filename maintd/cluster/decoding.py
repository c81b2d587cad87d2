"""Bytes of a reply → JSON, without holding up the event loop."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from maintd.core.errors import Unreadable
from maintd.core.resource import Json

_LARGE = 256 * 1024
"""Bytes from which on a body is decoded in a thread: about 5 ms of work."""
_THREAD = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decoding")
"""One, since two would only fight over the interpreter's lock; and not the loop's own pool, which looks up names."""
_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


async def decode(raw: bytes, what: str) -> Json:
    """The JSON object in `raw`. Raises Unreadable, naming `what` was asked for."""
    try:
        found = await _in_thread(raw) if len(raw) > _LARGE else json.loads(raw)
    except RecursionError:
        raise Unreadable(f"{what}: the reply is nested too deeply to be read") from None
    except ValueError:  # JSONDecodeError and UnicodeDecodeError, whose texts quote the body
        raise Unreadable(f"{what}: {_why(raw)}; is a proxy or a login page in between?") from None
    if not isinstance(found, dict):
        raise Unreadable(f"{what}: the reply is JSON, but not an object")
    return found


async def _in_thread(raw: bytes) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_THREAD, _by_members, raw)


def _why(raw: bytes) -> str:
    if not raw.strip():
        return "the reply is empty"
    return "the reply is a web page" if raw.lstrip()[:1] == b"<" else "the reply is cut off or is not JSON"


def _by_members(raw: bytes) -> Any:
    """Decode the top level in Python and the rest in C.

    The C decoder keeps the interpreter's lock from end to end, even in a thread. Called for one item of a list at a
    time, it gives the lock back in between.
    """
    text = raw.decode()
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        return json.loads(text)
    found: dict[str, Any] = {}
    at = _skip(text, at + 1)
    closed = text[at : at + 1] == "}"
    while not closed:
        key, at = _DECODER.raw_decode(text, at)
        at = _expect(text, at, ":")
        value, at = _elements(text, at) if text[at : at + 1] == "[" else _DECODER.raw_decode(text, at)
        if not isinstance(key, str):
            raise ValueError("a key that is not a string")
        found[key] = value
        at, closed = _next(text, at, "}")
    if _skip(text, at + 1) != len(text):
        raise ValueError("more after the end")
    return found


def _elements(text: str, at: int) -> tuple[list[Any], int]:
    found: list[Any] = []
    at = _skip(text, at + 1)
    closed = text[at : at + 1] == "]"
    while not closed:
        value, at = _DECODER.raw_decode(text, at)
        found.append(value)
        at, closed = _next(text, at, "]")
    return found, at + 1


def _next(text: str, at: int, end: str) -> tuple[int, bool]:
    """After a value: where the next one begins, or where the closing bracket stands."""
    at = _skip(text, at)
    if text[at : at + 1] == end:
        return at, True
    return _expect(text, at, ","), False


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] != mark:
        raise ValueError(f"{mark} expected")
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
