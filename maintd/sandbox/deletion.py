"""DELETE: preconditions, finalizers, a pod's grace, and what a controller or a kubelet does a moment later."""

import json
from dataclasses import dataclass

from multidict import MultiMapping

from maintd.core.resource import Json
from maintd.sandbox import status
from maintd.sandbox.defaults import PROTECTED_BY
from maintd.sandbox.resources import Key, Served
from maintd.sandbox.state import NAMESPACES, State
from maintd.sandbox.store import Entry

_PODS = ("", "pods")
_ORPHANED_BY_DEFAULT = {("batch", "jobs"), ("", "replicationcontrollers")}
_IMMORTAL = ("default", "kube-system", "kube-public")
_POLICIES = ("Foreground", "Background", "Orphan")
_MOMENT_SECONDS = 0.1
"""How long the controllers and the kubelet of the sandbox take."""


@dataclass(frozen=True, slots=True)
class Options:
    """The part of `DeleteOptions` that the sandbox keeps to."""

    uid: str = ""
    version: str = ""
    grace: int | None = None
    policy: str = ""
    dry_run: bool = False


class Deleter:
    """Removes objects, now or as soon as nothing holds them."""

    def __init__(self, state: State) -> None:
        self._state = state

    def delete(self, served: Served, entry: Entry, options: Options) -> Entry | None:
        """The object as it was left, or None where the server answers with a mere Status.

        Raises 409 for a precondition that fails, 501 for a policy that would need a garbage collector.
        """
        metadata = entry.object["metadata"]
        _check(served, metadata, options)
        if served.key == NAMESPACES and metadata["name"] in _IMMORTAL:
            raise status.forbidden(served.resource, metadata["name"], "this namespace may not be deleted")
        policy = options.policy or ("Orphan" if served.key in _ORPHANED_BY_DEFAULT else "Background")
        if policy != "Background":
            raise status.not_implemented(f"propagationPolicy {policy} for {served.resource.plural}; ask for Background")
        grace = _grace(served, entry.object, options)
        if metadata.get("finalizers") or grace or served.key == NAMESPACES:
            marked = self._marked(served, entry, grace)
            unchanged = options.dry_run or marked.object == entry.object
            return marked if unchanged else self._hold(served, marked, grace)
        if not options.dry_run:
            self._state.discard(served, metadata.get("namespace", ""), metadata["name"])
        if served.key == _PODS:
            return self._marked(served, entry, grace)
        return entry if served.deletes_to_object else None

    def _marked(self, served: Served, entry: Entry, grace: int) -> Entry:
        obj = entry.copy()
        metadata = obj["metadata"]
        if served.key != NAMESPACES:
            metadata["deletionGracePeriodSeconds"] = min(grace, metadata.get("deletionGracePeriodSeconds", grace))
        if "deletionTimestamp" not in metadata:
            metadata["deletionTimestamp"] = self._state.timestamp()
            if "generation" in metadata:
                metadata["generation"] += 1
        if served.key == NAMESPACES:
            obj["status"] = {"phase": "Terminating"}
        return Entry.of(obj)

    def _hold(self, served: Served, marked: Entry, grace: int) -> Entry:
        kept = self._state.save(served, marked.copy())
        if served.key == NAMESPACES:
            self._state.later(_MOMENT_SECONDS, self._empty, served, kept.object["metadata"]["name"])
        elif grace or served.key in PROTECTED_BY:
            self._state.later(_MOMENT_SECONDS, self._release, served, kept)
        return kept

    def _release(self, served: Served, entry: Entry) -> None:
        """The kubelet has stopped the containers, or the controller has found that nobody uses the volume."""
        metadata = entry.object["metadata"]
        now = self._state.store.get(served.key, metadata.get("namespace", ""), metadata["name"])
        if now is None or now.object["metadata"]["uid"] != metadata["uid"]:
            return
        obj = now.copy()
        protection = PROTECTED_BY.get(served.key)
        obj["metadata"]["finalizers"] = [one for one in obj["metadata"].get("finalizers", []) if one != protection]
        self.delete(served, self._state.save(served, obj), Options(grace=0))

    def _empty(self, served: Served, namespace: str) -> None:
        store = self._state.store
        if store.get(served.key, "", namespace) is None:
            return
        for key in store.keys_in(namespace):
            resource = self._served(key)
            for entry in store.select(key, namespace):
                if "deletionTimestamp" not in entry.object["metadata"]:
                    self.delete(resource, entry, Options(grace=0, policy="Background"))
        if store.keys_in(namespace):
            self._state.later(_MOMENT_SECONDS, self._empty, served, namespace)
        else:
            self._state.discard(served, "", namespace)

    def _served(self, key: Key) -> Served:
        return next(served for served in self._state.catalog if served.key == key)


def read_options(body: bytes, query: MultiMapping[str]) -> Options:
    """From the body or the query. Raises 400 for what is not JSON, 422 for a value that is not one of its field's."""
    try:
        given = json.loads(body) if body else {}
    except ValueError as error:
        raise status.bad_request(f"couldn't get version/kind; json parse error: {error}") from None
    preconditions = given.get("preconditions") or {}
    grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    policy = given.get("propagationPolicy") or query.get("propagationPolicy") or ""
    if policy and policy not in _POLICIES:
        supported = ", ".join(f'"{one}"' for one in (*_POLICIES, "nil"))
        cause = f'Unsupported value: "{policy}": supported values: {supported}'
        field = ("propagationPolicy", "FieldValueNotSupported", cause)
        raise status.invalid("meta.k8s.io", "DeleteOptions", "", [field])
    return Options(
        uid=preconditions.get("uid") or "",
        version=preconditions.get("resourceVersion") or "",
        grace=None if grace is None else int(grace),
        policy=policy,
        dry_run=dry_run(given.get("dryRun") or list(query.getall("dryRun", [])), "DeleteOptions"),
    )


def dry_run(values: list[str], kind: str) -> bool:
    """`dryRun=All`; any other value is refused, so that nobody takes a typing error for a rehearsal."""
    if values not in ([], ["All"]):
        cause = f'Unsupported value: {json.dumps(values)}: supported values: "All"'
        raise status.invalid("meta.k8s.io", kind, "", [("dryRun", "FieldValueNotSupported", cause)])
    return bool(values)


def _check(served: Served, metadata: Json, options: Options) -> None:
    name, uid, version = metadata["name"], metadata["uid"], metadata["resourceVersion"]
    if options.uid and options.uid != uid:
        why = f"the UID in the precondition ({options.uid}) does not match the UID in record ({uid}). "
        why += "The object might have been deleted and then recreated"
        raise status.precondition_failed(served.resource, name, why)
    if options.version and options.version != version:
        why = f"the ResourceVersion in the precondition ({options.version}) does not match the ResourceVersion "
        why += f"in record ({version}). The object might have been modified"
        raise status.precondition_failed(served.resource, name, why)


def _grace(served: Served, obj: Json, options: Options) -> int:
    """Seconds that a pod's containers get; nothing else has any, nor has a pod that no kubelet runs."""
    ended = obj.get("status", {}).get("phase") in ("Failed", "Succeeded")
    if served.key != _PODS or ended or not obj["spec"].get("nodeName"):
        return 0
    asked = obj["spec"].get("terminationGracePeriodSeconds", 30) if options.grace is None else options.grace
    return max(int(asked), 0)
