"""The path of one object, never of the collection it is in, and the other way round."""

from maintd.core.errors import Refused
from maintd.core.resource import Resource


def object_path(resource: Resource, namespace: str | None, name: str, subresource: str | None = None) -> str:
    """`/api/v1/namespaces/a/pods/b`.

    Raises Refused for a name that the API does not allow: without a name, or with `..` for one, the path would be
    that of something else, and a DELETE of a collection deletes all of it.
    """
    _check(resource, name)
    return resource.path(_namespace(resource, namespace), name, subresource)


def creation_path(resource: Resource, namespace: str | None) -> str:
    """`/api/v1/namespaces/a/pods`: where a new object is posted. Raises Refused."""
    return resource.path(_namespace(resource, namespace))


def _namespace(resource: Resource, namespace: str | None) -> str | None:
    if not resource.namespaced:
        return None
    _check(resource, namespace or "")
    return namespace


def _check(resource: Resource, part: str) -> None:
    if part in ("", ".", "..") or "/" in part or "%" in part:
        raise Refused(f"{resource.name}: {part!r} is not a name that the API allows; nothing was sent")
