"""All that the sandbox's API server knows, and the few things that follow from a write by themselves."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from maintd.core.resource import Json
from maintd.sandbox.defaults import Defaults
from maintd.sandbox.paging import Pager
from maintd.sandbox.resources import Catalog, Served
from maintd.sandbox.status import not_found
from maintd.sandbox.store import Entry, Store

CRDS = ("apiextensions.k8s.io", "customresourcedefinitions")
NAMESPACES = ("", "namespaces")
LogName = tuple[str, str, str, bool]
"""(namespace, pod, container, previous)."""


class State:
    """The objects, the catalog of resources, the pods' logs and the clock."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.store = Store()
        self.catalog = Catalog()
        self.pager = Pager(self.store, clock)
        self.defaults = Defaults()
        self.logs: dict[LogName, str] = {}

    def timestamp(self) -> str:
        """Now, as the API writes times."""
        return self.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def find(self, served: Served, namespace: str, name: str) -> Entry:
        """Raises a 404."""
        entry = self.store.get(served.key, namespace, name)
        if entry is None:
            raise not_found(served.resource, name)
        return entry

    def save(self, served: Served, obj: Json) -> Entry:
        """Store an object; a CustomResourceDefinition is served from here on, a new Namespace is furnished."""
        known = self.store.get(served.key, "", obj["metadata"]["name"]) is not None
        entry = self.store.put(served.key, obj)
        if served.key == CRDS:
            self.catalog.define(entry.object)
        if served.key == NAMESPACES and not known:
            self._furnish(obj["metadata"]["name"])
        return entry

    def discard(self, served: Served, namespace: str, name: str) -> None:
        """Remove an object, and with a CustomResourceDefinition all that it defined."""
        self.store.remove(served.key, namespace, name)
        if served.key == CRDS:
            for key in self.catalog.forget(name):
                self.store.drop_all(key)

    def served(self, api_version: str, kind: str) -> Served:
        """How a kind is served. Raises ValueError for one that is not."""
        found = self.catalog.of({"apiVersion": api_version, "kind": kind})
        if found is None:
            raise ValueError(f"the sandbox does not serve {api_version} {kind}")
        return found

    def _furnish(self, namespace: str) -> None:
        """What the controllers put into every new namespace."""
        certificates = {"ca.crt": "none: the sandbox speaks plain HTTP on loopback\n"}
        self.save(self.served("v1", "ServiceAccount"), {"metadata": self.born("default", namespace)})
        roots = {"metadata": self.born("kube-root-ca.crt", namespace), "data": certificates}
        self.save(self.served("v1", "ConfigMap"), roots)

    def born(self, name: str, namespace: str = "") -> Json:
        """The metadata that the server gives to a new object."""
        where = {"namespace": namespace} if namespace else {}
        return {"name": name, **where, "uid": str(uuid.uuid4()), "creationTimestamp": self.timestamp()}

    def later(self, seconds: float, step: Callable[..., None], *arguments: Any) -> None:
        """What a controller or a kubelet would do a moment after the reply."""
        asyncio.get_running_loop().call_later(seconds, step, *arguments)
