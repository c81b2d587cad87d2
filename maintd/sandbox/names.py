"""Names of objects: what the server accepts, and what it appends to a `generateName`."""

import re

from maintd.core.resource import Resource
from maintd.sandbox.status import invalid

SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
"""No vowels and no digits that look like letters, so that no word comes of it."""

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_RBAC = re.compile(r"(?!\.{1,2}$)[^/%]+")
_SAID = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


def check_name(resource: Resource, name: str) -> None:
    """Raises a 422 for a name that is missing or malformed."""
    if not name:
        cause = ("metadata.name", "FieldValueRequired", "Required value: name or generateName is required")
        raise invalid(resource.group, resource.kind, "", [cause])
    if not _pattern(resource).fullmatch(name):
        cause = ("metadata.name", "FieldValueInvalid", f'Invalid value: "{name}": {_SAID}')
        raise invalid(resource.group, resource.kind, name, [cause])


def _pattern(resource: Resource) -> re.Pattern[str]:
    if resource.group.startswith("rbac."):
        return _RBAC
    return {"Namespace": _LABEL, "Service": _SERVICE}.get(resource.kind, _SUBDOMAIN)
