"""Refusals as the API server words them: every error is a `Status` object with its code, reason and details."""

import json
from collections.abc import Sequence
from typing import Any

from maintd.core.resource import Json, Resource


class ApiError(Exception):
    """A request that ends in a `Status`."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Json | None = None,
        metadata: Json | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": metadata or {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": details,
            "code": code,
        }

    def body(self) -> bytes:
        """The Status as it goes over the wire: a reason or details that are not there are not written."""
        return json.dumps({key: value for key, value in self.status.items() if value not in ("", None)}).encode()


def details_of(resource: Resource, name: str = "", **more: Any) -> Json:
    """`details` of a Status: empty fields are left out, as the server does."""
    fields = {"name": name, "group": resource.group, "kind": resource.plural, **more}
    return {key: value for key, value in fields.items() if value}


def success(resource: Resource, name: str, uid: str) -> Json:
    """What a DELETE of most kinds answers."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details_of(resource, name, uid=uid),
    }


def not_found(resource: Resource, name: str) -> ApiError:
    """404 for one object."""
    return ApiError(404, "NotFound", f'{resource.name} "{name}" not found', details=details_of(resource, name))


def no_such_resource() -> ApiError:
    """404 for a path within a group that is served."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", details={})


def already_exists(resource: Resource, name: str) -> ApiError:
    """409 of a create."""
    message = f'{resource.name} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=details_of(resource, name))


def conflict(resource: Resource, name: str, why: str) -> ApiError:
    """409 of an update: it is not the object, or not the version, that the client saw."""
    message = f'Operation cannot be fulfilled on {resource.name} "{name}": {why}'
    return ApiError(409, "Conflict", message, details=details_of(resource, name))


def precondition_failed(resource: Resource, name: str, why: str) -> ApiError:
    """A DELETE that names another uid or version; unlike every other conflict it names the kind."""
    message = f'Operation cannot be fulfilled on {_kind(resource)} "{name}": {why}'
    details = details_of(resource, name) | {"kind": resource.kind}
    return ApiError(409, "Conflict", message, details=details)


def forbidden(resource: Resource, name: str, why: str) -> ApiError:
    """403; an empty name means the whole collection."""
    subject = f'{resource.name} "{name}"' if name else resource.name
    return ApiError(403, "Forbidden", f"{subject} is forbidden: {why}", details=details_of(resource, name))


def namespace_terminating(resource: Resource, name: str, namespace: str) -> ApiError:
    """403 for what is created in a namespace that ends."""
    error = forbidden(
        resource, name, f"unable to create new content in namespace {namespace} because it is being terminated"
    )
    message = f"namespace {namespace} is being terminated"
    cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
    error.status["details"]["causes"] = [cause]
    return error


def _kind(resource: Resource) -> str:
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind


def unauthorized() -> ApiError:
    """401 for a token that is unknown."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def bad_request(message: str) -> ApiError:
    """400."""
    return ApiError(400, "BadRequest", message)


def integer(text: str) -> int:
    """A number from the query. Raises a 400 in the words of the server's own parser."""
    try:
        return int(text)
    except ValueError:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def unrecognized(resource: Resource, why: str) -> ApiError:
    """400 for a body that is not an object of this resource."""
    return bad_request(f"the object provided is unrecognized (must be of type {resource.kind}): {why}")


def internal(message: str) -> ApiError:
    """500; the server gives no reason for these."""
    return ApiError(500, "", message)


def unsupported_media_type(accepted: str) -> ApiError:
    """415."""
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError(415, "UnsupportedMediaType", message)


def method_not_allowed() -> ApiError:
    """405."""
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, details={})


def invalid(group: str, kind: str, name: str, causes: Sequence[tuple[str, str, str]]) -> ApiError:
    """422; each cause is (field, reason such as `FieldValueRequired`, message)."""
    lines = [f"{field}: {message}" for field, _, message in causes]
    said = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    subject = f"{kind}.{group}" if group else kind
    found = [{"reason": reason, "message": message, "field": field} for field, reason, message in causes]
    details = {"name": name, "group": group, "kind": kind, "causes": found}
    return ApiError(
        422,
        "Invalid",
        f'{subject} "{name}" is invalid: {said}',
        details={key: value for key, value in details.items() if value},
    )


def not_implemented(what: str) -> ApiError:
    """501: the sandbox says what it does not do, so that nobody takes silence for an answer."""
    return ApiError(501, "NotImplemented", f"the sandbox does not do this: {what}")
