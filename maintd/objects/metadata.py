"""What every object says of itself, and how a wish to delete one is made of it."""

from datetime import datetime

from maintd.core.errors import Unreadable
from maintd.core.limits import KEEP_UNTIL, MANAGED_BY, PROTECT
from maintd.core.ports import Deletion
from maintd.core.resource import Json, ObjectRef, Resource
from maintd.objects.fields import instant, mapping, text


def reference(resource: Resource, obj: Json) -> ObjectRef:
    """Which object this is. Raises Unreadable where it has no name or uid."""
    metadata = mapping(obj, "metadata")
    name, uid = text(metadata, "name"), text(metadata, "uid")
    if not (name and uid):
        raise Unreadable(f"an object without name or uid among the {resource.name}: {ascii(metadata)[:80]}")
    return ObjectRef(resource=resource.name, namespace=text(metadata, "namespace"), name=name, uid=uid)


def blank(resource: Resource, name: str, namespace: str) -> Json:
    """The manifest of an object of maintd's own, with nothing in it yet."""
    labels = {MANAGED_BY: "maintd", "app.kubernetes.io/name": "maintd"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}


def deletion(resource: Resource, obj: Json, *, since: datetime, rule: str) -> Deletion:
    """The wish to delete this object as it is now. Raises Unreadable where it cannot be told from another.

    Of the annotations only those that protect are kept: others may be large, and there may be many wishes.
    """
    metadata = mapping(obj, "metadata")
    version, created = text(metadata, "resourceVersion"), instant(metadata, "creationTimestamp")
    if not version or created is None:
        raise Unreadable("it has no resourceVersion or no creationTimestamp")
    annotations = mapping(metadata, "annotations")
    return Deletion(
        resource=resource,
        object=reference(resource, obj),
        resource_version=version,
        created=created,
        since=since,
        annotations={key: str(value) for key, value in annotations.items() if key in (PROTECT, KEEP_UNTIL)},
        deleting=metadata.get("deletionTimestamp") is not None,
        rule=rule,
    )


def differs(wish: Deletion, obj: Json) -> str:
    """How the object that now has this name is not the one that was judged; empty where it is."""
    metadata = mapping(obj, "metadata")
    if metadata.get("uid") != wish.object.uid:
        return "it was replaced since it was judged: another object has its name now"
    if metadata.get("resourceVersion") != wish.resource_version:
        return "it changed since it was judged"
    return ""
