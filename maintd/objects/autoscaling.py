"""Which workloads an autoscaler scales: their replicas are its to say."""

from collections.abc import Iterable
from dataclasses import dataclass

from maintd.core.resource import Json, Resource
from maintd.objects.fields import mapping, text

AUTOSCALERS = Resource("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler")


@dataclass(frozen=True, slots=True)
class Scaled:
    """A workload as an autoscaler names it: the version of its group does not count."""

    namespace: str
    group: str
    kind: str
    name: str


def scaled_by(autoscalers: Iterable[Json]) -> frozenset[Scaled]:
    """What HorizontalPodAutoscalers, of any version and cleaned or not, scale. Raises Unreadable."""
    return frozenset(map(_target, autoscalers))


def _target(autoscaler: Json) -> Scaled:
    target = mapping(mapping(autoscaler, "spec"), "scaleTargetRef")
    group, slash, _ = text(target, "apiVersion").partition("/")
    namespace = text(mapping(autoscaler, "metadata"), "namespace")
    return Scaled(namespace, group if slash else "", text(target, "kind"), text(target, "name"))


def as_scaled(resource: Resource, obj: Json) -> Scaled:
    """How an autoscaler would name this object."""
    metadata = mapping(obj, "metadata")
    return Scaled(text(metadata, "namespace"), resource.group, resource.kind, text(metadata, "name"))
