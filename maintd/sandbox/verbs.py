"""The verbs: list, get, create, update, patch, delete."""

import json
from collections.abc import Callable, Mapping

from maintd.core.resource import Json
from maintd.sandbox import status
from maintd.sandbox.access import Access
from maintd.sandbox.call import Call
from maintd.sandbox.deletion import Deleter, dry_run, read_options
from maintd.sandbox.paging import ListQuery
from maintd.sandbox.podlogs import read_log
from maintd.sandbox.reply import TEXT, Reply
from maintd.sandbox.resources import Served
from maintd.sandbox.selectors import matcher
from maintd.sandbox.spelling import item, spelled, stored
from maintd.sandbox.state import State
from maintd.sandbox.store import Entry
from maintd.sandbox.writes import CREATED_BY_PUT, Writer

_JSON = "application/json"
_MERGE_PATCH = "application/merge-patch+json"
_DONE_ELSEWHERE = (
    "application/yaml",
    "application/vnd.kubernetes.protobuf",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
"""Content types that the real server reads and the sandbox does not."""


class Verbs:
    """What can be done with a resource, by the verb's name."""

    def __init__(self, state: State, access: Access) -> None:
        self._state = state
        self._access = access
        self._writer = Writer(state)
        self._deleter = Deleter(state)
        self.by_name: Mapping[str, Callable[[Call, Served], Reply]] = {
            "list": self._list,
            "get": self._get,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
        }

    def _list(self, call: Call, served: Served) -> Reply:
        match = matcher(call.query.get("labelSelector", ""), call.query.get("fieldSelector", ""), served)
        page = self._state.pager.page(served, call.namespace or None, match, ListQuery.read(call.query))
        head = {
            "kind": f"{served.resource.kind}List",
            "apiVersion": served.resource.api_version,
            "metadata": page.metadata(),
        }
        items = b",".join([item(served, entry) for entry in page.entries])
        return Reply(200, json.dumps(head).encode()[:-1] + b',"items":[' + items + b"]}")

    def _get(self, call: Call, served: Served) -> Reply:
        entry = self._find(call, served)
        if call.subresource != "log":
            return _object(served, entry)
        log = read_log(self._state, entry, call.query)
        return Reply(204, b"") if log is None else Reply(200, log, content_type=TEXT)

    def _create(self, call: Call, served: Served) -> Reply:
        obj = _body(call, served, _JSON)
        if served.resource.verbs == {"create"}:
            assert call.user is not None  # nobody has been refused before
            return Reply(201, json.dumps(self._access.review(served.resource.kind, call.user, obj)).encode())
        keep = not dry_run(call.query.getall("dryRun", []), "CreateOptions")
        return _object(served, self._writer.create(served, call.namespace, obj, keep=keep), 201)

    def _update(self, call: Call, served: Served) -> Reply:
        obj = _body(call, served, _JSON)
        keep = not dry_run(call.query.getall("dryRun", []), "UpdateOptions")
        old = self._state.store.get(served.key, _namespace(call, served), call.name)
        if old is None and served.key in CREATED_BY_PUT:
            return _object(served, self._writer.create(served, call.namespace, obj, keep=keep), 201)
        entry = self._writer.update(served, self._find(call, served), obj, subresource=call.subresource, keep=keep)
        return _object(served, entry)

    def _patch(self, call: Call, served: Served) -> Reply:
        patch = _body(call, served, _MERGE_PATCH)
        keep = not dry_run(call.query.getall("dryRun", []), "PatchOptions")
        entry = self._writer.patch(served, self._find(call, served), patch, subresource=call.subresource, keep=keep)
        return _object(served, entry)

    def _delete(self, call: Call, served: Served) -> Reply:
        options = read_options(call.body, call.query)
        entry = self._find(call, served)
        left = self._deleter.delete(served, entry, options)
        if left is not None:
            return _object(served, left)
        metadata = entry.object["metadata"]
        return Reply(200, json.dumps(status.success(served.resource, metadata["name"], metadata["uid"])).encode())

    def _find(self, call: Call, served: Served) -> Entry:
        return self._state.find(served, _namespace(call, served), call.name)


def _namespace(call: Call, served: Served) -> str:
    """A Namespace's own path has its name where others have their namespace."""
    return call.namespace if served.resource.namespaced else ""


def _body(call: Call, served: Served, wanted: str) -> Json:
    given = call.headers.get("Content-Type", wanted).partition(";")[0].strip()
    if given in _DONE_ELSEWHERE:
        raise status.not_implemented(f"a {call.verb} with Content-Type {given}; send {wanted}")
    if given != wanted:
        raise status.unsupported_media_type(wanted)
    try:
        obj = json.loads(call.body)
    except ValueError as error:
        raise status.unrecognized(served.resource, str(error)) from None
    if not isinstance(obj, dict):
        raise status.unrecognized(served.resource, "it is not an object")
    return stored(served, obj) if wanted == _JSON else obj


def _object(served: Served, entry: Entry, code: int = 200) -> Reply:
    return Reply(code, spelled(served, entry))
