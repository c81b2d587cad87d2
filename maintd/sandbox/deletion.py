"""DELETE: preconditions, finalizers, a pod's grace, and the emptying of a namespace."""

import json
from dataclasses import dataclass

from multidict import MultiMapping

from maintd.core.resource import Json
from maintd.sandbox import status
from maintd.sandbox.resources import Key, Served
from maintd.sandbox.state import NAMESPACES, State
from maintd.sandbox.store import Entry

_PODS = ("", "pods")
_IMMORTAL = ("default", "kube-system", "kube-public")
_KUBELET_SECONDS = 0.2
"""The sandbox's kubelet stops containers at once, but not before the reply."""


@dataclass(frozen=True, slots=True)
class Options:
    """The part of `DeleteOptions` that the sandbox keeps to."""

    uid: str = ""
    version: str = ""
    grace: int | None = None
    dry_run: bool = False


class Deleter:
    """Removes objects, now or as soon as nothing holds them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def delete(self, served: Served, entry: Entry, options: Options) -> Json:
        """Returns what the server answers: the object or a Status. Raises 409 for a precondition that fails."""
        metadata = entry.object["metadata"]
        _check(served, metadata, options)
        if served.key == NAMESPACES and metadata["name"] in _IMMORTAL:
            raise status.forbidden(served.resource, metadata["name"], "this namespace may not be deleted")
        grace = _grace(served, entry.object, options)
        if metadata.get("finalizers") or grace or served.key == NAMESPACES:
            return self._mark(served, entry, grace, options)
        if not options.dry_run:
            self._state.discard(served, metadata.get("namespace", ""), metadata["name"])
        if served.deletes_to_object:
            return entry.copy()
        return status.success(served.resource, metadata["name"], metadata["uid"])

    def _mark(self, served: Served, entry: Entry, grace: int, options: Options) -> Json:
        obj = entry.copy()
        metadata = obj["metadata"]
        if "deletionTimestamp" not in metadata:
            metadata |= {"deletionTimestamp": self._state.timestamp()}
            if served.key != NAMESPACES:
                metadata |= {"deletionGracePeriodSeconds": grace}
            if served.key == NAMESPACES:
                obj["status"] = {"phase": "Terminating"}
        if options.dry_run:
            return obj
        kept = self._state.save(served, obj)
        if served.key == NAMESPACES:
            self._state.later(0, self._empty, served, metadata["name"])
        elif grace:
            self._state.later(_KUBELET_SECONDS, self._stopped, served, kept)
        return kept.copy()

    def _stopped(self, served: Served, entry: Entry) -> None:
        metadata = entry.object["metadata"]
        now = self._state.store.get(served.key, metadata.get("namespace", ""), metadata["name"])
        if now is not None and now.object["metadata"]["uid"] == metadata["uid"]:
            self.delete(served, now, Options(grace=0))

    def _empty(self, served: Served, namespace: str) -> None:
        store = self._state.store
        for key in store.keys_in(namespace):
            resource = self._served(key)
            for entry in store.select(key, namespace):
                self.delete(resource, entry, Options(grace=0))
        if store.keys_in(namespace):
            self._state.later(_KUBELET_SECONDS, self._empty, served, namespace)
        else:
            self._state.discard(served, "", namespace)

    def _served(self, key: Key) -> Served:
        return next(served for served in self._state.catalog if served.key == key)


def read_options(body: bytes, query: MultiMapping[str]) -> Options:
    """From the body or the query; 501 for what the sandbox does not do."""
    try:
        given = json.loads(body) if body else {}
    except ValueError as error:
        raise status.bad_request(f"the delete options cannot be read: {error}") from None
    policy = given.get("propagationPolicy") or query.get("propagationPolicy") or "Background"
    if policy != "Background":
        raise status.not_implemented(f"propagationPolicy {policy}")
    preconditions = given.get("preconditions") or {}
    grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    return Options(
        uid=preconditions.get("uid") or "",
        version=preconditions.get("resourceVersion") or "",
        grace=None if grace is None else int(grace),
        dry_run=dry_run(query.getall("dryRun", []) or given.get("dryRun") or []),
    )


def dry_run(values: list[str]) -> bool:
    """`dryRun=All`; any other value is refused, so that nobody takes a typing error for a rehearsal."""
    if not values:
        return False
    if values != ["All"]:
        cause = ("dryRun", "FieldValueNotSupported", f'Unsupported value: "{values[0]}": supported values: "All"')
        raise status.invalid("meta.k8s.io", "DeleteOptions", "", [cause])
    return True


def _check(served: Served, metadata: Json, options: Options) -> None:
    name = metadata["name"]
    if options.uid and options.uid != metadata["uid"]:
        why = f"Precondition failed: UID in precondition: {options.uid}, UID in object meta: {metadata['uid']}"
        raise status.conflict(served.resource, name, why)
    if options.version and options.version != metadata["resourceVersion"]:
        why = (
            f"Precondition failed: ResourceVersion in precondition: {options.version}, "
            f"ResourceVersion in object meta: {metadata['resourceVersion']}"
        )
        raise status.conflict(served.resource, name, why)


def _grace(served: Served, obj: Json, options: Options) -> int:
    """Seconds that a pod's containers get; nothing else has any, nor has a pod that no kubelet runs."""
    ended = obj.get("status", {}).get("phase") in ("Failed", "Succeeded")
    if served.key != _PODS or ended or not obj["spec"].get("nodeName"):
        return 0
    return obj["spec"].get("terminationGracePeriodSeconds", 30) if options.grace is None else options.grace
