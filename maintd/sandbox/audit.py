"""The audit log: one line a request, in memory and, where somebody wants to read it later, in a file."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from maintd.sandbox.call import Call

_KEPT = 100_000
"""A demo that is left running must not fill the memory with its audit log."""
_EPOCH = re.compile(r"; epoch (\d+)\)")
_WRITES = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `status` is 0 where a fault cut the connection."""

    time: datetime
    verb: str
    path: str
    resource: str
    namespace: str
    name: str
    user: str
    user_agent: str
    dry_run: bool
    status: int
    uid: str = ""
    """Of a change: the uid that the object must have."""
    resource_version: str = ""
    """Of a change: the version that the object must have."""
    epoch: int | None = None
    """Whose reign it was sent under, as the User-Agent says: `maintd/0.1.0 (tidy; epoch 7)`."""


class Audit:
    """Keeps the newest lines; with a file, all of them are there as JSON, one a line."""

    def __init__(self, file: Path | None = None) -> None:
        self.requests: list[Request] = []
        self._file = file.open("a", encoding="utf-8", buffering=1) if file else None

    def keep(self, call: Call, code: int, now: datetime) -> None:
        """Write a request down."""
        line = _line(call, code, now)
        if len(self.requests) >= _KEPT:
            del self.requests[: _KEPT // 2]
        self.requests.append(line)
        if self._file:
            self._file.write(json.dumps(asdict(line), default=datetime.isoformat) + "\n")

    def close(self) -> None:
        """Close the file."""
        if self._file:
            self._file.close()


def _line(call: Call, code: int, now: datetime) -> Request:
    agent = call.headers.get("User-Agent", "")
    epoch = _EPOCH.search(agent)
    demanded = _demanded(call) if call.verb in _WRITES else {}
    return Request(
        time=now,
        verb=call.verb,
        path=call.path,
        resource=call.resource,
        namespace=call.namespace,
        name=call.name,
        user=call.user.name if call.user else "",
        user_agent=agent,
        dry_run="All" in call.query.getall("dryRun", []) or b'"dryRun"' in call.body,
        status=code,
        uid=str(demanded.get("uid") or ""),
        resource_version=str(demanded.get("resourceVersion") or ""),
        epoch=int(epoch[1]) if epoch else None,
    )


def _demanded(call: Call) -> Mapping[str, Any]:
    """What a change says the object must be: `preconditions` of a DELETE, `metadata` of an object that is sent."""
    try:
        body = json.loads(call.body)
        demanded = body.get("preconditions" if call.verb.startswith("delete") else "metadata")
    except (ValueError, AttributeError):
        return {}
    return demanded if isinstance(demanded, dict) else {}
