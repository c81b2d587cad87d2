"""Lists in pages: the pages of one list all show the moment of the first, until that moment is forgotten (410)."""

import base64
import bisect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from maintd.core.resource import Json
from maintd.sandbox.resources import Key, Served
from maintd.sandbox.selectors import Match
from maintd.sandbox.status import ApiError, bad_request, integer, not_implemented
from maintd.sandbox.store import Entry, Store

_LIFETIME = timedelta(minutes=5)
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """`limit`, `continue` and `resourceVersion`; a limit that is not above 0 means none."""

    limit: int = 0
    token: str = ""
    not_older_than: int = 0

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "ListQuery":
        """Raises a 400 for what cannot be read, 501 for a match that the sandbox does not do."""
        if query.get("resourceVersionMatch", "NotOlderThan") != "NotOlderThan":
            raise not_implemented("resourceVersionMatch other than NotOlderThan")
        version = query.get("resourceVersion") or "0"
        if not version.isdecimal():
            raise bad_request(f'invalid resource version: resourceVersion: Invalid value: "{version}"')
        return cls(max(integer(query.get("limit") or "0"), 0), query.get("continue", ""), int(version))


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a list."""

    entries: list[Entry]
    version: int
    token: str = ""
    remaining: int | None = None

    def metadata(self) -> Json:
        """The list's `metadata`."""
        found: Json = {"resourceVersion": str(self.version)}
        if self.token:
            found["continue"] = self.token
        if self.remaining is not None:
            found["remainingItemCount"] = self.remaining
        return found


@dataclass(frozen=True, slots=True)
class _Moment:
    taken: datetime
    entries: list[Entry]


class Pager:
    """Remembers, for as long as etcd would before a compaction, what a list looked like at its first page."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._moments: dict[tuple[int, Key, str | None], _Moment] = {}

    def forget(self) -> None:
        """Make every continue token answer 410, as a compaction does."""
        self._moments.clear()

    def page(self, served: Served, namespace: str | None, match: Match | None, query: ListQuery) -> Page:
        """The piece of the list that `query` asks for. Raises 410 for a token whose moment is gone."""
        version, start, entries = self._moment(served, namespace, query)
        found = entries if start == 0 else entries[start:]
        if match is not None:
            found = [entry for entry in found if match(entry.object)]
        if not query.limit or len(found) <= query.limit:
            return Page(found, version)
        self._remember((version, served.key, namespace), entries)
        rest = len(found) - query.limit if match is None else None
        found = found[: query.limit]
        return Page(found, version, _token(version, found[-1].path), rest)

    def _moment(self, served: Served, namespace: str | None, query: ListQuery) -> tuple[int, int, list[Entry]]:
        if not query.token:
            if query.not_older_than > self._store.version:
                raise _too_large(query.not_older_than, self._store.version)
            return self._store.version, 0, self._store.select(served.key, namespace)
        version, after = _read_token(query.token)
        if version < 0:
            entries = self._store.select(served.key, namespace)
            return self._store.version, bisect.bisect_right(entries, after, key=lambda entry: entry.path), entries
        moment = self._moments.get((version, served.key, namespace))
        if moment is None or self._clock() - moment.taken > _LIFETIME:
            raise ApiError(410, "Expired", _TOO_OLD, metadata={"continue": _token(-1, after)})
        return version, bisect.bisect_right(moment.entries, after, key=lambda entry: entry.path), moment.entries

    def _remember(self, moment: tuple[int, Key, str | None], entries: list[Entry]) -> None:
        now = self._clock()
        for old in [key for key, kept in self._moments.items() if now - kept.taken > _LIFETIME]:
            del self._moments[old]
        self._moments.setdefault(moment, _Moment(now, entries))


def _too_large(asked: int, current: int) -> ApiError:
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return ApiError(504, "Timeout", message, details={"causes": [cause], "retryAfterSeconds": 1})


def _token(version: int, after: str) -> str:
    content = {"v": "meta.k8s.io/v1", "rv": version, "start": f"{after}\0"}
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


def _read_token(token: str) -> tuple[int, str]:
    try:
        content = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(content["rv"]), str(content["start"]).removesuffix("\0")
    except (ValueError, KeyError, TypeError):
        raise bad_request("invalid continue token: continue key is not valid: it is not this server's") from None
