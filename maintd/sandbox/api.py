"""From a call to a reply: authorize, find the resource, refuse what is not done here, do the verb."""

import json
from dataclasses import dataclass

from maintd.core.resource import Json
from maintd.sandbox import discovery, status
from maintd.sandbox.access import Access
from maintd.sandbox.call import Call
from maintd.sandbox.rbac import GROUP, MASTERS
from maintd.sandbox.reply import TEXT, Reply
from maintd.sandbox.resources import Served
from maintd.sandbox.state import NAMESPACES, State
from maintd.sandbox.status import ApiError
from maintd.sandbox.verbs import Verbs

_HEALTH = ("healthz", "livez", "readyz")
_NOT_DONE_PATHS = ("", "metrics", "openapi", "logs", "debug", ".well-known")
_NOT_DONE_SUBRESOURCES = frozenset(
    {
        "approval",
        "attach",
        "binding",
        "ephemeralcontainers",
        "eviction",
        "exec",
        "finalize",
        "portforward",
        "proxy",
        "resize",
        "scale",
        "token",
    }
)


@dataclass(frozen=True, slots=True)
class Version:
    """What `/version` tells."""

    minor: int = 35
    patch: int = 4
    build: str = ""
    """`-gke.1071000` on GKE."""

    def document(self) -> Json:
        return {
            "major": "1",
            "minor": str(self.minor),
            "gitVersion": f"v1.{self.minor}.{self.patch}{self.build}",
            "gitCommit": "",
            "gitTreeState": "",
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "",
            "compiler": "",
            "platform": "linux/amd64",
        }


class Api:
    """The API over a state."""

    def __init__(self, state: State, access: Access, version: Version) -> None:
        self._state = state
        self._access = access
        self._version = version
        self._verbs = Verbs(state, access)

    def answer(self, call: Call) -> Reply:
        """Never raises for what a client does wrong: that is a reply too."""
        try:
            self._access.authorize(call.user, call.question)
            return self._resource(call) if call.plural else self._path(call)
        except ApiError as error:
            return Reply(error.code, error.body())

    def _resource(self, call: Call) -> Reply:
        served = self._state.catalog.find(call.group, call.version, call.plural)
        if served is None or (call.namespace and not served.resource.namespaced and served.key != NAMESPACES):
            if call.group and not self._state.catalog.knows(call.group):
                return _page_not_found()
            raise status.no_such_resource()
        _check_subresource(call, served)
        _check_method(call, served)
        _check_escalation(call)
        do = self._verbs.by_name.get(call.verb)
        if do is None:
            raise status.not_implemented(f"{call.verb} {call.resource}")
        return do(call, served)

    def _path(self, call: Call) -> Reply:
        parts = call.path.strip("/").split("/")
        if parts[0] in _NOT_DONE_PATHS:
            raise status.not_implemented(f"{call.method} {call.path}")
        if parts[0] not in (*_HEALTH, "version", "api", "apis"):
            return _page_not_found()
        if call.method != "GET":
            raise status.method_not_allowed()
        if parts[0] in _HEALTH:
            return Reply(200, b"ok", content_type=TEXT)
        if parts[0] == "version":
            return _json(self._version.document())
        return self._discovery(call, parts)

    def _discovery(self, call: Call, parts: list[str]) -> Reply:
        catalog = self._state.catalog
        if len(parts) == 1 and discovery.AGGREGATED in call.headers.get("Accept", ""):
            document = discovery.aggregated(parts[0], catalog)
            return Reply(200, json.dumps(document).encode(), content_type=discovery.AGGREGATED)
        if parts[0] == "apis" and len(parts) > 1 and not catalog.knows(parts[1]):
            return _page_not_found()
        return _json(discovery.document(parts, catalog))


def _check_subresource(call: Call, served: Served) -> None:
    if not call.subresource or call.subresource in served.subresources:
        return
    if call.subresource in _NOT_DONE_SUBRESOURCES:
        raise status.not_implemented(f"{call.verb} {call.resource}")
    raise status.no_such_resource()


def _check_method(call: Call, served: Served) -> None:
    resource = served.resource
    on_collection = call.verb in ("list", "watch", "create", "deletecollection")
    wrong_place = on_collection == bool(call.name)
    nowhere = call.verb == "create" and resource.namespaced and not call.namespace
    create_only = resource.verbs == {"create"} and call.verb != "create"
    if wrong_place or nowhere or create_only:
        raise status.method_not_allowed()


def _check_escalation(call: Call) -> None:
    """The server lets nobody hand out rights that they do not have; the sandbox lets nobody but the admin."""
    master = call.user is not None and MASTERS in call.user.groups
    if call.group == GROUP and call.verb not in ("get", "list", "watch") and not master:
        raise status.not_implemented(f"{call.verb} {call.plural} as anyone but the admin")


def _json(obj: Json) -> Reply:
    return Reply(200, json.dumps(obj).encode())


def _page_not_found() -> Reply:
    """What the server says about a path that nothing is mounted on; not a Status."""
    return Reply(404, b"404 page not found\n", content_type=TEXT)
