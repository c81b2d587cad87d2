"""Restoring into a namespace of another name: what is rewritten, and what cannot be.

Rewritten: the object's own namespace, a Namespace's name, the subjects of bindings, and which claim a volume is for.
Everything else that mentions the namespace (an address like `db.omtx-hub.svc` in a ConfigMap or in an environment
variable, a selector) is text that only its owner can judge: it stays, and is named.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from maintd.core.errors import ConfigError
from maintd.core.resource import NAMESPACES, Json
from maintd.objects.fields import mapping, mappings

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_OWN = ("apiVersion", "kind", "metadata.name")


def parsed(given: tuple[str, ...]) -> dict[str, str]:
    """From `a=b`, as often as it was given. Raises ConfigError."""
    found: dict[str, str] = {}
    for each in given:
        old, equals, new = each.partition("=")
        if not equals or not _NAME.fullmatch(old) or not _NAME.fullmatch(new):
            raise ConfigError(f"--map-namespace {each}: write OLD=NEW, the names of two namespaces")
        if found.setdefault(old, new) != new:
            raise ConfigError(f"--map-namespace {each}: {old} is to become {found[old]} already")
    if len(set(found.values())) < len(found):
        raise ConfigError("--map-namespace: two namespaces cannot become one; restore one after the other")
    return found


def moved(document: Json, names: Mapping[str, str]) -> Json:
    """The object as it belongs into its new namespace; what is passed in stays as it is."""
    metadata = mapping(document, "metadata")
    found = dict(document)
    if metadata.get("namespace") in names:
        found["metadata"] = metadata | {"namespace": names[metadata["namespace"]]}
    elif document.get("kind") == NAMESPACES.kind and document.get("apiVersion") == "v1":
        found["metadata"] = metadata | {"name": names.get(metadata["name"], metadata["name"])}
    if str(document.get("kind")).endswith("RoleBinding"):
        found["subjects"] = [_renamed(subject, names) for subject in mappings(document, "subjects")]
    if document.get("kind") == "PersistentVolume" and "claimRef" in mapping(document, "spec"):
        spec = mapping(document, "spec")
        found["spec"] = spec | {"claimRef": _renamed(mapping(spec, "claimRef"), names)}
    return found


def mentions(document: Json, names: Mapping[str, str]) -> tuple[str, ...]:
    """The paths of the fields that still mention an old name, in an object that was moved."""
    words = "|".join(re.escape(name) for name in names)
    said = re.compile(rf"(?:{words})|.*(?<![-\w.])[\w-]+\.(?:{words})(?![-\w]).*", re.DOTALL)
    return tuple(_mentions(document, "", said)) if names else ()


def _renamed(reference: Json, names: Mapping[str, str]) -> Json:
    space = reference.get("namespace")
    return reference | {"namespace": names[space]} if isinstance(space, str) and space in names else reference


def _mentions(value: Any, path: str, said: re.Pattern[str]) -> Iterator[str]:
    """An address has the name as its second label; anything else is the name and nothing but."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _mentions(each, f"{path}.{key}" if path else key, said)
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _mentions(each, f"{path}[{number}]", said)
    elif isinstance(value, str) and path not in _OWN and said.fullmatch(value):
        yield path
