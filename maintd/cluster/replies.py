"""What the API server answered: read with a bound, and refusals turned into our errors without a word of the body.

A Status may quote what it refuses (a 422 holds the rejected value, which may be a Secret's), so of its texts only
names that the API defines get into a message: reasons, field paths, and who may not do what.
"""

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import aiohttp

from maintd.cluster.denials import IMMUTABLE, why
from maintd.cluster.forbidden import forbidden
from maintd.core.errors import Conflict, Denied, JobError, Missing, Transient, Unreadable
from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.core.text import sized

_STATUS_CAP = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9._\-\[\]/]{1,100}")


class TooLarge(Unreadable):
    """The body is over the cap; half of it may fit."""


class Expired(JobError):
    """410: the server has forgotten the version that a list was being read at."""


class Rejected(JobError):
    """400, 405, 415, 422: the server understood the request and finds it wrong; the same one will never do."""

    def __init__(self, message: str, *, fields: tuple[str, ...] = (), why: str = "") -> None:
        super().__init__(message)
        self.fields = fields
        """The paths of the fields that it finds fault with, three at most."""
        self.why = why
        """As `denials.why` has it."""

    @property
    def immutable(self) -> bool:
        """The object would have to be made anew."""
        return self.why == IMMUTABLE


class NotTaken(Transient):
    """The server did not begin to work on the request (429, no connection): any verb may be sent again."""


class Unreachable(NotTaken):
    """No connection was made. `why` says so without what was asked for."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.why = why


class Unauthorized(Denied):
    """401."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply that can be used."""

    status: int
    json: Json
    server_time: datetime
    """The API server's clock, UTC."""
    size: int
    """Bytes of the body."""


async def read_body(response: aiohttp.ClientResponse, cap: int, what: str) -> bytes:
    """The body, at most `cap` bytes of it. Raises TooLarge.

    A compressed body is refused: we ask for none (on the wire to a control plane it saves no time), and what is
    never unpacked cannot be a bomb.
    """
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Unreadable(f"{what}: the reply is compressed though none was asked for; is a proxy in between?")
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > cap:
            raise TooLarge(f"{what}: the reply is over {sized(cap)}")
        chunks.append(chunk)
    return b"".join(chunks)


def server_time(response: aiohttp.ClientResponse, what: str) -> datetime:
    """The Date header, UTC. Raises Unreadable: without it no age can be judged."""
    try:
        return _instant(response.headers["Date"])
    except (KeyError, ValueError):
        raise Unreadable(f"{what}: the reply has no readable Date; is a proxy in between?") from None


@lru_cache(maxsize=8)
def _instant(date: str) -> datetime:
    """Remembered, since hundreds of replies come in the same second."""
    return parsedate_to_datetime(date).astimezone(UTC)


async def refusal(response: aiohttp.ClientResponse, what: str, needs: Rule | None) -> JobError:
    """The error that a reply other than 2xx stands for."""
    try:
        status = _status(await read_body(response, _STATUS_CAP, what))
    except Unreadable:
        status = {}
    reason = _name(status.get("reason")) or _name(response.reason) or ""
    code = response.status
    said = f"{what}: {code} {reason}".rstrip()
    if code == 429:
        patience = _retry_after(response) or timedelta(seconds=1)
        return NotTaken(f"{said}: the API server asks for patience", retry_after=patience)
    if code >= 500 and code != 501:
        return Transient(said, retry_after=_retry_after(response))
    if code == 401:
        return Unauthorized(f"{said}: the API server does not accept our credentials; see: kubectl auth whoami")
    if code == 403:
        return forbidden(said, status, needs)
    return _final(code, said, status)


def _final(code: int, said: str, status: Json) -> JobError:
    if code == 404:
        return Missing(f"{said}: it does not exist")
    if code in (409, 412):
        return Conflict(f"{said}: it already exists, or changed since it was read")
    if code == 410:
        return Expired(f"{said}: the version that was being read is gone")
    if code < 400:
        return Unreadable(f"{said}: not an answer of the Kubernetes API; is a proxy or a login page in between?")
    fields = tuple(_fields(status))
    known = why(status.get("message"))
    at, because = f" at {', '.join(fields)}" if fields else "", f": {known}" if known else ""
    return Rejected(f"{said}{at}{because}", fields=fields, why=known)


def _status(body: bytes) -> Json:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _fields(status: Json) -> list[str]:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    found = [_name(cause.get("field")) for cause in causes or [] if isinstance(cause, dict)]
    return [field for field in found if field][:3]


def _name(value: Any) -> str | None:
    return value if isinstance(value, str) and _NAME.fullmatch(value) else None


def _retry_after(response: aiohttp.ClientResponse) -> timedelta | None:
    seconds = response.headers.get("Retry-After", "")
    return timedelta(seconds=int(seconds)) if re.fullmatch(r"[0-9]{1,5}", seconds) else None
