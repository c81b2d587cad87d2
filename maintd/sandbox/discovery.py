"""The documents that tell a client what this server serves."""

from collections.abc import Iterable

from maintd.core.resource import Json
from maintd.sandbox.resources import Catalog, Served
from maintd.sandbox.status import no_such_resource

_SUBRESOURCE_VERBS = {"log": ["get"], "status": ["get", "patch", "update"]}


def document(path: str, catalog: Catalog) -> Json:
    """The answer to `/api`, `/apis`, `/api/v1`, `/apis/GROUP` or `/apis/GROUP/VERSION`; 404 for what is not served."""
    parts = path.strip("/").split("/")
    if parts == ["api"]:
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if parts == ["apis"]:
        groups = list(dict.fromkeys(served.resource.group for served in catalog if served.resource.group))
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name, catalog) for name in groups]}
    if parts[0] == "api" and len(parts) == 2:
        return _resources("", parts[1], catalog)
    if parts[0] == "apis" and len(parts) == 2:
        return {"kind": "APIGroup", "apiVersion": "v1"} | _group(parts[1], catalog)
    if parts[0] == "apis" and len(parts) == 3:
        return _resources(parts[1], parts[2], catalog)
    raise no_such_resource()


def _group(name: str, catalog: Catalog) -> Json:
    found = dict.fromkeys(served.resource.version for served in catalog if served.resource.group == name)
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in found]
    if not versions:
        raise no_such_resource()
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resources(group: str, version: str, catalog: Catalog) -> Json:
    found = [s for s in catalog if (s.resource.group, s.resource.version) == (group, version)]
    if not found:
        raise no_such_resource()
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": found[0].resource.api_version,
        "resources": [row for served in found for row in _rows(served)],
    }


def _rows(served: Served) -> Iterable[Json]:
    resource = served.resource
    row: Json = {
        "name": resource.plural,
        "singularName": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": sorted(resource.verbs),
    }
    yield row | ({"shortNames": list(served.short_names)} if served.short_names else {})
    for subresource in served.subresources:
        name = f"{resource.plural}/{subresource}"
        yield row | {"name": name, "singularName": "", "verbs": _SUBRESOURCE_VERBS[subresource]}
