"""Create, update and merge-patch, with the checks that make them safe to race."""

import json
import random
import re
import uuid

from maintd.core.resource import Json
from maintd.sandbox import status
from maintd.sandbox.resources import Served
from maintd.sandbox.state import NAMESPACES, State
from maintd.sandbox.store import Entry

_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_BAD_NAME = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_SERVERS_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
CREATED_BY_PUT = {("", "events"), ("coordination.k8s.io", "leases"), ("", "endpoints"), ("", "limitranges")}
"""Resources that a PUT on a name that is not there creates; for the others it is a 404."""


class Writer:
    """Changes objects in a state. `keep` False is a server-side dry run: everything happens but the storing."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, served: Served, namespace: str, obj: Json, *, keep: bool) -> Entry:
        """Raises 404 for a namespace that is not there, 409 for a name that is taken, 422 for a name that is wrong."""
        check_type(served, obj)
        obj["metadata"] = metadata = obj.get("metadata") or {}
        _check_namespace(metadata, namespace)
        self.require_namespace(served, namespace, metadata.get("name", ""))
        if metadata.get("resourceVersion"):
            raise status.bad_request("resourceVersion should not be set on objects to be created")
        name = _named(served, metadata)
        if self._state.store.get(served.key, namespace, name) is not None:
            raise status.already_exists(served.resource, name)
        return self._store(served, _new(self._state, served, namespace, obj), keep=keep)

    def update(self, served: Served, old: Entry, obj: Json, *, subresource: str, keep: bool) -> Entry:
        """Replace an object, or only its status. Raises 409 where it is not the version that the caller saw."""
        check_type(served, obj)
        before = old.copy()
        metadata = obj.get("metadata") or {}
        _check_namespace(metadata, before["metadata"].get("namespace", ""))
        _check_same(served, metadata, before["metadata"])
        new = before | {"status": obj.get("status", {})} if subresource else _merged_identity(served, obj, before)
        new["metadata"] |= {"resourceVersion": before["metadata"]["resourceVersion"]}
        if new == before:
            return old
        if served.counts_generation and not subresource and _content(new) != _content(before):
            new["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        if "deletionTimestamp" in before["metadata"] and not new["metadata"].get("finalizers"):
            return self._finish_deletion(served, new, keep=keep)
        return self._store(served, new, keep=keep)

    def patch(self, served: Served, old: Entry, patch: Json, *, subresource: str, keep: bool) -> Entry:
        """A JSON merge patch (RFC 7386)."""
        target = old.copy() | {"kind": served.resource.kind, "apiVersion": served.resource.api_version}
        asked = patch.get("metadata") or {}
        merged = merge(target, patch)
        if not asked.get("resourceVersion"):
            merged["metadata"].pop("resourceVersion", None)
        return self.update(served, old, merged, subresource=subresource, keep=keep)

    def require_namespace(self, served: Served, namespace: str, name: str) -> None:
        """Raises 404 for a namespace that is not there, 403 for one that is on its way out."""
        if not served.resource.namespaced:
            return
        spaces = self._state.catalog.find("", "v1", "namespaces")
        assert spaces is not None
        found = self._state.find(spaces, "", namespace)
        if found.object["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise status.forbidden(served.resource, name, why)

    def _store(self, served: Served, obj: Json, *, keep: bool) -> Entry:
        if not keep:
            return Entry(obj, json.dumps(obj).encode())
        entry = self._state.save(served, obj)
        if served.key == NAMESPACES and "deletionTimestamp" not in obj["metadata"]:
            self._state.furnish(obj["metadata"]["name"])
        return entry

    def _finish_deletion(self, served: Served, obj: Json, *, keep: bool) -> Entry:
        metadata = obj["metadata"]
        if keep:
            self._state.discard(served, metadata.get("namespace", ""), metadata["name"])
        return Entry(obj, json.dumps(obj).encode())


def merge(target: object, patch: object) -> Json:
    """RFC 7386: null removes, objects merge, all else replaces."""
    found = dict(target) if isinstance(target, dict) else {}
    assert isinstance(patch, dict)
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge(found.get(key), value) if isinstance(value, dict) else value
    return found


def check_type(served: Served, obj: Json) -> None:
    """Raises a 400 where the body is of another kind than the path."""
    resource = served.resource
    version, kind = obj.get("apiVersion") or resource.api_version, obj.get("kind") or resource.kind
    if kind != resource.kind:
        raise status.bad_request(f'{kind} in version "{version}" cannot be handled as a {resource.kind}')
    if version != resource.api_version:
        raise status.bad_request(
            f"the API version in the data ({version}) does not match the expected API version ({resource.api_version})"
        )


def _check_namespace(metadata: Json, namespace: str) -> None:
    if metadata.get("namespace", namespace) not in (namespace, ""):
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _check_same(served: Served, asked: Json, current: Json) -> None:
    name = current["name"]
    if asked.get("name", name) != name:
        raise status.bad_request(
            f"the name of the object ({asked['name']}) does not match the name on the URL ({name})"
        )
    if asked.get("uid", current["uid"]) != current["uid"]:
        why = f"Precondition failed: UID in precondition: {asked['uid']}, UID in object meta: {current['uid']}"
        raise status.conflict(served.resource, name, why)
    if asked.get("resourceVersion") and asked["resourceVersion"] != current["resourceVersion"]:
        raise status.conflict(served.resource, name, _MODIFIED)


def _named(served: Served, metadata: Json) -> str:
    resource = served.resource
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"] + "".join(random.choices(_SUFFIX, k=5))
    name = str(metadata.get("name") or "")
    if not name:
        cause = ("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
        raise status.invalid(resource.group, resource.kind, "", [cause])
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        if resource.group.startswith("rbac."):
            return name
        cause = ("metadata.name", "FieldValueInvalid", f'Invalid value: "{name}": {_BAD_NAME}')
        raise status.invalid(resource.group, resource.kind, name, [cause])
    return name


def _new(state: State, served: Served, namespace: str, obj: Json) -> Json:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _SERVERS_OWN and value is not None}
    if namespace:
        metadata["namespace"] = namespace
    metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": state.timestamp()}
    if served.counts_generation:
        metadata["generation"] = 1
    new = obj | {"metadata": metadata}
    if served.has_status:
        new["status"] = {}
    return new | _FIRST.get(served.key, {})


_FIRST: dict[tuple[str, str], Json] = {
    ("", "pods"): {"status": {"phase": "Pending"}},
    ("", "namespaces"): {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}},
    ("", "persistentvolumeclaims"): {"status": {"phase": "Pending"}},
    ("", "persistentvolumes"): {"status": {"phase": "Pending"}},
}


def _merged_identity(served: Served, obj: Json, before: Json) -> Json:
    kept = {key: before["metadata"][key] for key in _SERVERS_OWN if key in before["metadata"]}
    metadata = {key: value for key, value in (obj.get("metadata") or {}).items() if key not in _SERVERS_OWN}
    identity = {key: before["metadata"][key] for key in ("name", "namespace") if key in before["metadata"]}
    new = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}
    new["metadata"] = metadata | kept | identity
    if served.has_status:
        new.pop("status", None)
        if "status" in before:
            new["status"] = before["status"]
    return new


def _content(obj: Json) -> Json:
    """What `generation` counts the changes of."""
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}
