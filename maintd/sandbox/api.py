"""From a call to a reply: authorize, find the resource, do the verb."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from maintd.core.resource import Json
from maintd.sandbox import status
from maintd.sandbox.access import Access, denial
from maintd.sandbox.call import Call
from maintd.sandbox.deletion import Deleter, dry_run, read_options
from maintd.sandbox.discovery import document
from maintd.sandbox.paging import ListQuery
from maintd.sandbox.podlogs import read_log
from maintd.sandbox.reply import Reply
from maintd.sandbox.resources import Served
from maintd.sandbox.selectors import field_matcher, label_matcher
from maintd.sandbox.state import State
from maintd.sandbox.status import ApiError
from maintd.sandbox.store import Entry
from maintd.sandbox.writes import CREATED_BY_PUT, Writer

_HEALTH = ("healthz", "livez", "readyz")
_MERGE_PATCH = "application/merge-patch+json"


@dataclass(frozen=True, slots=True)
class Version:
    """What `/version` tells."""

    minor: int = 35
    patch: int = 4

    def document(self) -> Json:
        git = f"v1.{self.minor}.{self.patch}"
        return {"major": "1", "minor": str(self.minor), "gitVersion": git, "platform": "linux/amd64"}


class Api:
    """The verbs of the API over a state."""

    def __init__(self, state: State, access: Access, version: Version) -> None:
        self._state = state
        self._access = access
        self._version = version
        self._writer = Writer(state)
        self._deleter = Deleter(state)
        self._verbs: dict[str, Callable[[Call, Served], Reply]] = {
            "list": self._list,
            "get": self._get,
            "create": self._create,
            "update": self._update,
            "patch": self._patch,
            "delete": self._delete,
        }

    def answer(self, call: Call) -> Reply:
        """Never raises for what a client does wrong: that is a reply too."""
        try:
            return self._answer(call)
        except ApiError as error:
            return Reply(error.code, error.body(), headers=error.headers)

    def _answer(self, call: Call) -> Reply:
        self._authorize(call)
        if not call.plural:
            return self._path(call)
        served = self._state.catalog.find(call.group, call.version, call.plural)
        if served is None or (call.namespace and not served.resource.namespaced and served.key != ("", "namespaces")):
            return Reply(404, b"404 page not found\n", content_type="text/plain")
        verb = self._verbs.get(call.verb)
        if verb is None:
            raise status.not_implemented(f"{call.verb} {call.resource}")
        if call.subresource and call.subresource not in served.subresources:
            raise status.not_implemented(f"{call.verb} {call.resource}")
        if not call.name and call.verb == "create" and served.resource.namespaced and not call.namespace:
            raise status.method_not_allowed()
        return verb(call, served)

    def _authorize(self, call: Call) -> None:
        question = call.question
        if self._access.allows(call.user, question):
            return
        why = denial(call.user, question)
        if question.path:
            raise ApiError(403, "Forbidden", f"forbidden: {why}")
        resource = f"{call.plural}.{call.group}" if call.group else call.plural
        details = {"name": call.name, "group": call.group, "kind": call.plural}
        subject = f'{resource} "{call.name}"' if call.name else resource
        raise ApiError(
            403,
            "Forbidden",
            f"{subject} is forbidden: {why}",
            details={key: value for key, value in details.items() if value},
        )

    def _path(self, call: Call) -> Reply:
        first = call.path.strip("/").split("/")[0]
        if call.method != "GET":
            raise status.method_not_allowed()
        if first in _HEALTH:
            return Reply(200, b"ok", content_type="text/plain")
        if first == "version":
            return _json(self._version.document())
        if first in ("api", "apis"):
            return _json(document(call.path, self._state.catalog))
        return Reply(404, b"404 page not found\n", content_type="text/plain")

    def _list(self, call: Call, served: Served) -> Reply:
        labels = label_matcher(call.query.get("labelSelector", ""))
        fields = field_matcher(call.query.get("fieldSelector", ""), served)
        tests = [test for test in (labels, fields) if test is not None]
        match = (lambda obj: all(test(obj) for test in tests)) if tests else None
        query = ListQuery(int(call.query.get("limit") or 0), call.query.get("continue", ""))
        page = self._state.pager.page(served, call.namespace or None, match, query)
        items = [served.prefix + e.raw[1:] for e in page.entries] if served.custom else [e.raw for e in page.entries]
        head = {
            "kind": f"{served.resource.kind}List",
            "apiVersion": served.resource.api_version,
            "metadata": page.metadata(),
        }
        return Reply(200, json.dumps(head).encode()[:-1] + b',"items":[' + b",".join(items) + b"]}")

    def _get(self, call: Call, served: Served) -> Reply:
        entry = self._state.find(served, _namespace(call, served), call.name)
        if call.subresource == "log":
            return Reply(200, read_log(self._state, entry, call.query), content_type="text/plain")
        return _object(served, entry)

    def _create(self, call: Call, served: Served) -> Reply:
        if call.name:
            raise status.not_implemented(f"create {call.resource}")
        obj = _body(call, "application/json")
        if served.key == ("authorization.k8s.io", "selfsubjectaccessreviews"):
            return _json(self._access.review(call.user, obj), 201)
        entry = self._writer.create(served, call.namespace, obj, keep=_keep(call))
        return _object(served, entry, 201)

    def _update(self, call: Call, served: Served) -> Reply:
        obj = _body(call, "application/json")
        namespace = _namespace(call, served)
        old = self._state.store.get(served.key, namespace, call.name)
        if old is None and served.key in CREATED_BY_PUT:
            return _object(served, self._writer.create(served, namespace, obj, keep=_keep(call)), 201)
        old = self._state.find(served, namespace, call.name)
        entry = self._writer.update(served, old, obj, subresource=call.subresource, keep=_keep(call))
        return _object(served, entry)

    def _patch(self, call: Call, served: Served) -> Reply:
        patch = _body(call, _MERGE_PATCH)
        old = self._state.find(served, _namespace(call, served), call.name)
        entry = self._writer.patch(served, old, patch, subresource=call.subresource, keep=_keep(call))
        return _object(served, entry)

    def _delete(self, call: Call, served: Served) -> Reply:
        options = read_options(call.body, call.query)
        entry = self._state.find(served, _namespace(call, served), call.name)
        found = self._deleter.delete(served, entry, options)
        if "kind" not in found:
            found = {"kind": served.resource.kind, "apiVersion": served.resource.api_version} | found
        return _json(found)


def _namespace(call: Call, served: Served) -> str:
    return call.namespace if served.resource.namespaced else ""


def _keep(call: Call) -> bool:
    return not dry_run(call.query.getall("dryRun", []))


def _body(call: Call, wanted: str) -> Json:
    given = call.headers.get("Content-Type", "application/json").partition(";")[0].strip()
    if given != wanted:
        raise status.not_implemented(f"a {call.verb} with Content-Type {given}; send {wanted}")
    try:
        obj = json.loads(call.body)
    except ValueError as error:
        raise status.bad_request(
            f"the object provided is unrecognized (must be of type {call.plural}): {error}"
        ) from None
    if not isinstance(obj, dict):
        raise status.bad_request("the body is not an object")
    return obj


def _json(obj: Json, code: int = 200) -> Reply:
    return Reply(code, json.dumps(obj).encode())


def _object(served: Served, entry: Entry, code: int = 200) -> Reply:
    return Reply(code, served.prefix + entry.raw[1:])
