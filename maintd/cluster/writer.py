"""Changes objects, each only as it was when it was read. For the rails and the state; kinds go through the gate."""

from typing import Literal

from maintd.cluster.addresses import creation_path, object_path
from maintd.cluster.api import Api
from maintd.cluster.request import Request
from maintd.core.errors import Conflict, JobError, Missing, Refused
from maintd.core.resource import Json, ObjectRef, Resource
from maintd.core.rules import Rule


class ClusterWriter:
    """Every change carries its preconditions, so that a request that is sent twice changes nothing twice."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def delete(
        self, resource: Resource, ref: ObjectRef, resource_version: str, *, dry_run: bool = False
    ) -> Literal["done", "gone"]:
        """Delete this very object; its dependents are left to the garbage collector.

        `gone`: it is no longer there, or on its way out already. Raises Conflict when it changed since it was read.
        """
        if not ref.uid or not resource_version:
            raise Refused(f"{ref}: without uid and resourceVersion it may be another object by now; not deleted")
        request = Request(
            method="DELETE",
            path=object_path(resource, ref.namespace, ref.name),
            body=_delete_options(ref, resource_version, dry_run),
            repeatable=True,
            needs=Rule(resource.name, "delete", namespace=ref.namespace or None),
        )
        try:
            await self._api.call(request)
        except Missing:
            return "gone"
        except Conflict:
            if await self._leaving(resource, ref):
                return "gone"
            raise
        return "done"

    async def create(self, resource: Resource, manifest: Json, *, dry_run: bool = False) -> Json:
        """Create it and return it as the server stored it.

        Raises Conflict when one of that name exists. After Transient it may exist: the request is not sent twice, and
        whoever calls tells its own object by what it wrote into it.
        """
        namespace = manifest["metadata"].get("namespace")
        request = Request(
            method="POST",
            path=creation_path(resource, namespace),
            query=_dry(dry_run),
            body=manifest,
            needs=Rule(resource.name, "create", namespace=namespace),
        )
        return (await self._api.call(request)).json

    async def replace(self, resource: Resource, manifest: Json, *, dry_run: bool = False) -> Json:
        """Write the whole object over the version that `metadata.resourceVersion` names, and return it as stored.

        Raises Conflict when it changed since. A reply may be lost: Conflict can also mean that our own write was the
        one that came first, which whoever calls tells by what it wrote into it.
        """
        metadata = manifest["metadata"]
        path = object_path(resource, metadata.get("namespace"), metadata["name"])
        if not metadata.get("resourceVersion"):
            raise Refused(f"{path}: without a resourceVersion a change of someone else could be lost; not written")
        request = Request(
            method="PUT",
            path=path,
            query=_dry(dry_run),
            body=manifest,
            repeatable=True,
            needs=Rule(resource.name, "update", namespace=metadata.get("namespace")),
        )
        return (await self._api.call(request)).json

    async def _leaving(self, resource: Resource, ref: ObjectRef) -> bool:
        """Whether what could not be deleted is gone or going: by our own request whose reply was lost, say."""
        needs = Rule(resource.name, "get", namespace=ref.namespace or None)
        path = object_path(resource, ref.namespace, ref.name)
        try:
            found = (await self._api.call(Request(method="GET", path=path, needs=needs))).json.get("metadata", {})
        except Missing:
            return True
        except JobError:
            return False
        return bool(found.get("uid") != ref.uid or found.get("deletionTimestamp"))


def _delete_options(ref: ObjectRef, resource_version: str, dry_run: bool) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": ref.uid, "resourceVersion": resource_version},
        **({"dryRun": ["All"]} if dry_run else {}),
    }


def _dry(dry_run: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry_run else {}
