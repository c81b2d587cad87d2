"""The documents that tell a client what this server serves, in the old form and in the aggregated one."""

from collections.abc import Iterable

from maintd.core.resource import Json
from maintd.sandbox.resources import Catalog, Served
from maintd.sandbox.status import no_such_resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
"""The media type of the form that tells everything at once on `/api` and `/apis`."""
_SUBRESOURCE_VERBS = {"log": ["get"], "status": ["get", "patch", "update"]}


def document(parts: list[str], catalog: Catalog) -> Json:
    """The answer to `/api`, `/apis`, `/api/v1`, `/apis/GROUP` or `/apis/GROUP/VERSION`; 404 for what is not served."""
    match parts:
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            return {
                "kind": "APIGroupList",
                "apiVersion": "v1",
                "groups": [_group(name, catalog) for name in catalog.groups()],
            }
        case ["apis", group]:
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, catalog)
        case ["api", version]:
            return _resources("", version, catalog)
        case ["apis", group, version]:
            return _resources(group, version, catalog)
    raise no_such_resource()


def aggregated(root: str, catalog: Catalog) -> Json:
    """Everything under `/api` or `/apis` in one document."""
    groups = [""] if root == "api" else catalog.groups()
    items = [{"metadata": {"name": name} if name else {}, "versions": _versions(name, catalog)} for name in groups]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _group(name: str, catalog: Catalog) -> Json:
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in catalog.versions(name)]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resources(group: str, version: str, catalog: Catalog) -> Json:
    found = catalog.within(group, version)
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


def _versions(group: str, catalog: Catalog) -> list[Json]:
    return [
        {
            "version": version,
            "freshness": "Current",
            "resources": [_discovered(served) for served in catalog.within(group, version)],
        }
        for version in catalog.versions(group)
    ]


def _discovered(served: Served) -> Json:
    resource = served.resource
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    row: Json = {
        "resource": resource.plural,
        "responseKind": kind,
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.kind.lower(),
        "verbs": sorted(resource.verbs),
    }
    if served.short_names:
        row["shortNames"] = list(served.short_names)
    if served.subresources:
        row["subresources"] = [
            {"subresource": name, "responseKind": kind, "verbs": _SUBRESOURCE_VERBS[name]}
            for name in served.subresources
        ]
    return row
