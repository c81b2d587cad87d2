"""Faults on purpose. They live in the server because only it knows whether a write was committed before its reply."""

import fnmatch
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from maintd.sandbox.reply import Reply

Edit = Callable[[Reply], Reply]
Pace = Literal["half", "trickle", ""]
_HTML = b"<!DOCTYPE html><html><head><title>502</title></head><body>The load balancer speaks.</body></html>"


@dataclass
class Fault:
    """What befalls the nth request of a verb on a path (a glob), and the `times - 1` matching ones after it.

    `answer` replaces the whole request: nothing is committed. `edit` changes the reply after the work was done.
    `reset` cuts the connection before the work or after it. `pace` sends half of the reply and ends, or 10 bytes a
    second. `delay_seconds` comes first.
    """

    verb: str
    path: str = "*"
    nth: int = 1
    times: int = 1
    answer: Reply | None = None
    edit: Edit | None = None
    reset: Literal["before", "after", ""] = ""
    pace: Pace = ""
    delay_seconds: float = 0.0
    seen: int = field(default=0, init=False)

    def strikes(self, verb: str, path: str) -> bool:
        """Count a request, and say whether this is one that the fault is for."""
        if not (fnmatch.fnmatchcase(verb, self.verb) and fnmatch.fnmatchcase(path, self.path)):
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


_REASONS = {
    401: "Unauthorized",
    403: "Forbidden",
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_MESSAGES = {403: 'User "somebody" cannot do this: a fault on purpose'}


def unavailable(code: int = 503, *, retry_after: int | None = None) -> Reply:
    """A refusal as the API server says it, by its code."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    status = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": _MESSAGES.get(code, "a fault on purpose"),
        "reason": _REASONS[code],
        "details": {"retryAfterSeconds": retry_after} if retry_after is not None else {},
        "code": code,
    }
    return Reply(code, json.dumps(status).encode(), headers=headers)


def html(code: int = 200) -> Reply:
    """What a proxy in the way answers."""
    return Reply(code, _HTML, content_type="text/html")


def raw(body: bytes, code: int = 200, content_type: str = "application/json") -> Reply:
    """Any bytes at all."""
    return Reply(code, body, content_type=content_type)


def status_for_a_list() -> Reply:
    """200 and a Status, where a list was asked for."""
    return raw(b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}')


def truncated(reply: Reply) -> Reply:
    """An edit: half of the JSON, in a reply that is well-formed otherwise."""
    return reply.with_body(reply.body[: len(reply.body) // 2])


def null_items(reply: Reply) -> Reply:
    """An edit: a list whose `items` is null."""
    return reply.with_body(json.dumps(json.loads(reply.body) | {"items": None}).encode())


def not_utf8(reply: Reply) -> Reply:
    """An edit: two bytes that no text has, in the place of the first ones after the brace."""
    return reply.with_body(reply.body[:1] + b"\xff\xfe" + reply.body[3:])


def long_line(size: int) -> Edit:
    """An edit: the same reply after `size` bytes of white space, which JSON allows."""
    return lambda reply: reply.with_body(b" " * size + reply.body)


def without_preconditions(body: bytes) -> bytes:
    """What a server would read that knows of no preconditions: to show what they are good for."""
    try:
        options = json.loads(body)
    except ValueError:
        return body
    if not isinstance(options, dict) or options.get("kind") != "DeleteOptions":
        return body
    return json.dumps({key: value for key, value in options.items() if key != "preconditions"}).encode()
