"""Create, update and merge-patch, with the checks that make them safe to race."""

import random
import uuid

from maintd.core.resource import Json
from maintd.sandbox import status
from maintd.sandbox.checks import check
from maintd.sandbox.names import SUFFIX, check_name
from maintd.sandbox.resources import Served
from maintd.sandbox.state import State
from maintd.sandbox.store import Entry

_MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
_SERVERS_OWN = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
_RBAC = "rbac.authorization.k8s.io"
CREATED_BY_PUT = {
    ("", "endpoints"),
    ("", "events"),
    ("", "limitranges"),
    ("", "services"),
    ("coordination.k8s.io", "leases"),
    ("node.k8s.io", "runtimeclasses"),
    *((_RBAC, plural) for plural in ("clusterrolebindings", "clusterroles", "rolebindings", "roles")),
}
"""Resources that a PUT on a name that is not there creates; for the others it is a 404."""


class Writer:
    """Changes objects in a state. `keep` False is a server-side dry run: everything happens but the storing."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, served: Served, namespace: str, obj: Json, *, keep: bool) -> Entry:
        """Raises 404 for a namespace that is not there, 409 for a name that is taken, 422 for a name that is wrong."""
        check_type(served, obj)
        metadata = obj.get("metadata") or {}
        _check_namespace(metadata, namespace)
        self._require_namespace(served, namespace, metadata.get("name", ""))
        if metadata.get("resourceVersion"):
            raise status.internal("resourceVersion should not be set on objects to be created")
        new = self._new(served, namespace, obj, metadata)
        if self._state.store.get(served.key, namespace, new["metadata"]["name"]) is not None:
            raise status.already_exists(served.resource, new["metadata"]["name"])
        return self._store(served, new, keep=keep)

    def update(self, served: Served, old: Entry, obj: Json, *, subresource: str, keep: bool) -> Entry:
        """Replace an object, or only its status. Raises 409 where it is not the version that the caller saw."""
        check_type(served, obj)
        before = old.copy()
        metadata = obj.get("metadata") or {}
        _check_namespace(metadata, before["metadata"].get("namespace", ""))
        _check_same(served, metadata, before["metadata"])
        new = before | {"status": obj.get("status", {})} if subresource else _replaced(served, obj, before)
        _check_finalizers(served, new["metadata"], before["metadata"])
        check(served.key, new)
        if new == before:
            return old
        if served.counts_generation and not subresource and _content(new) != _content(before):
            new["metadata"]["generation"] = before["metadata"].get("generation", 0) + 1
        if before["metadata"].get("deletionGracePeriodSeconds") == 0 and not new["metadata"].get("finalizers"):
            return self._remove(served, new, keep=keep)
        return self._store(served, new, keep=keep)

    def patch(self, served: Served, old: Entry, patch: Json, *, subresource: str, keep: bool) -> Entry:
        """A JSON merge patch (RFC 7386). Raises a 422 for a uid that is not the object's."""
        before = old.copy()
        kind = {"kind": served.resource.kind, "apiVersion": served.resource.api_version}
        merged = merge(before | kind, patch)
        asked = merged.get("metadata") or {}
        uid = asked.get("uid")
        if uid != before["metadata"]["uid"]:
            cause = ("metadata.uid", "FieldValueInvalid", f'Invalid value: "{uid}": field is immutable')
            raise status.invalid(served.resource.group, served.resource.kind, asked.get("name", ""), [cause])
        return self.update(served, old, merged, subresource=subresource, keep=keep)

    def _require_namespace(self, served: Served, namespace: str, name: str) -> None:
        if not served.resource.namespaced:
            return
        spaces = self._state.served("v1", "Namespace")
        found = self._state.find(spaces, "", namespace)
        if found.object["metadata"].get("deletionTimestamp"):
            raise status.namespace_terminating(served.resource, name, namespace)

    def _new(self, served: Served, namespace: str, obj: Json, asked: Json) -> Json:
        metadata = {key: value for key, value in asked.items() if key not in _SERVERS_OWN and value is not None}
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + "".join(random.choices(SUFFIX, k=5))
        check_name(served.resource, str(metadata.get("name") or ""))
        where = {"namespace": namespace} if namespace else {}
        counted = {"generation": 1} if served.counts_generation else {}
        born = {"uid": str(uuid.uuid4()), "creationTimestamp": self._state.timestamp()}
        new = obj | {"metadata": metadata | where | born | counted}
        self._state.defaults.fill(served, new)
        check(served.key, new)
        return new

    def _store(self, served: Served, obj: Json, *, keep: bool) -> Entry:
        return self._state.save(served, obj) if keep else Entry.of(obj)

    def _remove(self, served: Served, obj: Json, *, keep: bool) -> Entry:
        metadata = obj["metadata"]
        if keep:
            self._state.discard(served, metadata.get("namespace", ""), metadata["name"])
        return Entry.of(obj)


def merge(target: object, patch: Json) -> Json:
    """RFC 7386: null removes, objects merge, all else replaces."""
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge(found.get(key), value) if isinstance(value, dict) else value
    return found


def check_type(served: Served, obj: Json) -> None:
    """Raises a 400 where the body is of another kind than the path; custom objects have to say theirs."""
    resource = served.resource
    if served.custom and not obj.get("kind"):
        raise status.bad_request("Object 'Kind' is missing in the body")
    version, kind = obj.get("apiVersion") or resource.api_version, obj.get("kind") or resource.kind
    if (version, kind) != (resource.api_version, resource.kind):
        raise status.bad_request(f'{kind} in version "{version}" cannot be handled as a {resource.kind}')


def _check_namespace(metadata: Json, namespace: str) -> None:
    if metadata.get("namespace", namespace) not in (namespace, ""):
        raise status.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )


def _check_same(served: Served, asked: Json, current: Json) -> None:
    name = current["name"]
    if not asked.get("name"):
        raise status.bad_request(
            f"the name of the object ({name} based on URL) was undeterminable: name must be provided"
        )
    if asked["name"] != name:
        raise status.bad_request(
            f"the name of the object ({asked['name']}) does not match the name on the URL ({name})"
        )
    if asked.get("uid") not in (None, "", current["uid"]):
        why = f"Precondition failed: UID in precondition: {asked['uid']}, UID in object meta: {current['uid']}"
        raise status.conflict(served.resource, name, why)
    if served.needs_version and not asked.get("resourceVersion"):
        cause = ("metadata.resourceVersion", "FieldValueInvalid", "Invalid value: 0: must be specified for an update")
        raise status.invalid(served.resource.group, served.resource.plural, name, [cause])
    if asked.get("resourceVersion") not in (None, "", current["resourceVersion"]):
        raise status.conflict(served.resource, name, _MODIFIED)


def _check_finalizers(served: Served, new: Json, before: Json) -> None:
    added = [one for one in new.get("finalizers") or () if one not in (before.get("finalizers") or ())]
    if not (added and before.get("deletionTimestamp")):
        return
    listed = ", ".join(f'"{one}"' for one in added)
    why = (
        "Forbidden: no new finalizers can be added if the object is being deleted, "
        f"found new finalizers []string{{{listed}}}"
    )
    raise status.invalid(
        served.resource.group,
        served.resource.kind,
        before["name"],
        [("metadata.finalizers", "FieldValueForbidden", why)],
    )


def _replaced(served: Served, obj: Json, before: Json) -> Json:
    """The client's object with what is the server's own taken from the one before."""
    fixed = (*_SERVERS_OWN, "name", "namespace", "generation", "resourceVersion")
    kept = {key: before["metadata"][key] for key in fixed if key in before["metadata"]}
    asked = {key: value for key, value in (obj.get("metadata") or {}).items() if value is not None}
    metadata = {key: value for key, value in asked.items() if key not in fixed} | kept
    new = {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")} | {"metadata": metadata}
    if served.has_status or not served.custom:
        new.pop("status", None)
    if served.has_status and "status" in before:
        new["status"] = before["status"]
    return new


def _content(obj: Json) -> Json:
    """What `generation` counts the changes of."""
    return {key: value for key, value in obj.items() if key not in ("metadata", "status")}
