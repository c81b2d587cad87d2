"""The path of one object, never of the collection it is in."""

from maintd.core.errors import Refused
from maintd.core.resource import Resource


def object_path(resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> str:
    """`/api/v1/namespaces/a/pods/b`.

    Raises Refused for a name that the API does not allow: without a name, or with `..` for one, the path would be
    that of something else, and a DELETE of a collection deletes all of it.
    """
    parts = [name, *([namespace or ""] if resource.namespaced else [])]
    if any(part in ("", ".", "..") or "/" in part or "%" in part for part in parts):
        raise Refused(f"{resource.name} {namespace or ''}/{name}: not the name of one object")
    return resource.path(namespace if resource.namespaced else None, name, subresource)
