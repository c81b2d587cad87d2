"""What the objects of a restore need that is not in the restore: Secrets and volumes that somebody must bring."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maintd.core.resource import Json, Resource
from maintd.objects.fields import mapping, mappings, text

SECRETS = Resource("", "v1", "secrets", "Secret")
CLAIMS = Resource("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim")
_TEMPLATES = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"))


@dataclass(frozen=True, slots=True, order=True)
class Dependency:
    """Something that an object refers to by name."""

    resource: Resource
    namespace: str
    name: str


def needed(document: Json) -> frozenset[Dependency]:
    """The Secrets and claims that this object cannot do without. Raises Unreadable."""
    space = text(mapping(document, "metadata"), "namespace")
    names: set[tuple[Resource, str]] = set()
    for spec in _pod_specs(document):
        names.update((SECRETS, name) for name in _secrets(spec))
        names.update((CLAIMS, name) for name in _claims(spec))
    if document.get("kind") == "Ingress":
        names.update((SECRETS, text(entry, "secretName")) for entry in mappings(mapping(document, "spec"), "tls"))
    if document.get("kind") == "ServiceAccount":
        names.update((SECRETS, text(entry, "name")) for entry in mappings(document, "imagePullSecrets"))
    return frozenset(Dependency(resource, space, name) for resource, name in names if name)


def missing(documents: Iterable[Json], known: Iterable[Dependency]) -> list[Dependency]:
    """What is needed and not among what is known to be there afterwards."""
    wanted: set[Dependency] = set().union(*map(needed, documents))
    return sorted(wanted.difference(known), key=lambda each: (each.namespace, each.resource.name, each.name))


def _pod_specs(document: Json) -> Iterator[Json]:
    if document.get("kind") == "Pod":
        yield mapping(document, "spec")
        return
    if document.get("kind") == "CustomResourceDefinition":
        return
    for steps in _TEMPLATES:
        found: Json = document
        for step in steps:
            inner = found.get(step)
            found = inner if isinstance(inner, dict) else {}
        yield found


def _secrets(spec: Json) -> Iterator[str]:
    for entry in mappings(spec, "imagePullSecrets"):
        yield text(entry, "name")
    for volume in mappings(spec, "volumes"):
        yield _unless_optional(mapping(volume, "secret"), "secretName")
        for source in mappings(mapping(volume, "projected"), "sources"):
            yield _unless_optional(mapping(source, "secret"), "name")
    for container in (*mappings(spec, "initContainers"), *mappings(spec, "containers")):
        for source in mappings(container, "envFrom"):
            yield _unless_optional(mapping(source, "secretRef"), "name")
        for variable in mappings(container, "env"):
            yield _unless_optional(mapping(mapping(variable, "valueFrom"), "secretKeyRef"), "name")


def _unless_optional(reference: Json, key: str) -> str:
    return "" if reference.get("optional") is True else text(reference, key)


def _claims(spec: Json) -> Iterator[str]:
    for volume in mappings(spec, "volumes"):
        yield text(mapping(volume, "persistentVolumeClaim"), "claimName")
