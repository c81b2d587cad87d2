"""Which resources this API server has, each in the version that it prefers."""

import asyncio
from collections.abc import Iterable
from typing import Any

from maintd.cluster.api import Api
from maintd.cluster.request import JSON, Request
from maintd.core.errors import JobError, Unreadable
from maintd.core.ports import Discovery
from maintd.core.resource import Json, Resource

_AGGREGATED = f"{JSON};g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,{JSON}"
"""All groups in two requests, from Kubernetes 1.30 on; an older server answers in the older form."""


class _Found:
    """Collects resources; the first version that has one wins, so versions are added in the order of preference."""

    def __init__(self) -> None:
        self._resources: dict[tuple[str, str], Resource] = {}
        self.failed: dict[str, str] = {}

    def add(self, found: Resource) -> None:
        self._resources.setdefault((found.group, found.plural), found)

    def result(self) -> Discovery:
        return Discovery(tuple(sorted(self._resources.values())), dict(sorted(self.failed.items())))


async def discover(api: Api) -> Discovery:
    """Raises what the transport raises where not even the list of groups can be had."""
    found = _Found()
    core, groups = await asyncio.gather(_ask(api, "/api", _AGGREGATED), _ask(api, "/apis", _AGGREGATED))
    for path, reply in (("/api", core), ("/apis", groups)):
        if reply.get("kind") == "APIGroupDiscoveryList":
            _read_aggregated(found, path, reply)
        else:
            await _read_legacy(api, found, path, reply)
    return found.result()


async def _ask(api: Api, path: str, accept: str = JSON) -> Json:
    return (await api.call(Request(method="GET", path=path, accept=accept))).json


def _read_aggregated(found: _Found, path: str, reply: Json) -> None:
    for group in _dicts(reply.get("items"), path):
        name = _text(_member(group, "metadata", path).get("name", ""), path)
        for version in _dicts(group.get("versions"), path):
            number = _text(version.get("version"), path)
            if version.get("freshness") == "Stale":
                found.failed[f"{name}/{number}"] = "the server behind it does not answer; see: kubectl get apiservices"
                continue
            for resource in _dicts(version.get("resources", []), path):
                _add(found, name, number, _from_aggregated(resource))


def _from_aggregated(resource: Json) -> Json:
    """The same in the words of the older form."""
    kind = resource.get("responseKind")
    return {
        "name": resource.get("resource"),
        "kind": kind.get("kind") if isinstance(kind, dict) else None,
        "namespaced": resource.get("scope") == "Namespaced",
        "verbs": resource.get("verbs"),
        "shortNames": resource.get("shortNames"),
    }


async def _read_legacy(api: Api, found: _Found, path: str, reply: Json) -> None:
    wanted = list(_core_versions(reply, path) if path == "/api" else _group_versions(reply, path))
    answers = await asyncio.gather(*(_resources(api, group, version) for group, version in wanted))
    for (group, version), answer in zip(wanted, answers, strict=True):
        if isinstance(answer, str):
            found.failed[f"{group}/{version}"] = answer
            continue
        for resource in answer:
            _add(found, group, version, resource)


def _core_versions(reply: Json, path: str) -> Iterable[tuple[str, str]]:
    if not isinstance(reply.get("versions"), list):
        raise Unreadable(f"GET {path}: the reply has no versions; is this a Kubernetes API server?")
    return [("", _text(version, path)) for version in reply["versions"]]


def _group_versions(reply: Json, path: str) -> Iterable[tuple[str, str]]:
    """Every version of every group, the preferred one of each group first."""
    for group in _dicts(reply.get("groups"), path):
        name = _text(group.get("name"), path)
        preferred = group.get("preferredVersion")
        first = preferred.get("version") if isinstance(preferred, dict) else None
        versions = [_text(version.get("version"), path) for version in _dicts(group.get("versions"), path)]
        for version in sorted(versions, key=lambda version: version != first):
            yield name, version


async def _resources(api: Api, group: str, version: str) -> list[Json] | str:
    """The resources of one version, or why there are none: one group that is down must not hide the others."""
    path = f"/apis/{group}/{version}" if group else f"/api/{version}"
    try:
        return _dicts((await _ask(api, path)).get("resources"), path)
    except JobError as error:
        return str(error)


def _add(found: _Found, group: str, version: str, resource: Json) -> None:
    name, kind, verbs = resource.get("name"), resource.get("kind"), resource.get("verbs")
    if isinstance(name, str) and "/" in name:
        return  # a subresource
    if not (isinstance(name, str) and isinstance(kind, str) and name and kind and isinstance(verbs, list)):
        found.failed[f"{group}/{version}"] = f"a resource without name, kind or verbs: {name!r}"
        return
    known = frozenset(verb for verb in verbs if isinstance(verb, str))
    short = frozenset(word for word in resource.get("shortNames") or () if isinstance(word, str))
    found.add(Resource(group, version, name, kind, resource.get("namespaced") is True, known, short))


def _dicts(value: Any, path: str) -> list[Json]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Unreadable(f"GET {path}: the reply is not the list that discovery promises")
    return value


def _member(parent: Json, key: str, path: str) -> Json:
    return _dicts([parent.get(key)], path)[0]


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise Unreadable(f"GET {path}: the reply is not the list that discovery promises")
    return value
