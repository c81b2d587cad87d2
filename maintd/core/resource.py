"""How objects and their kinds are addressed."""

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]
"""One Kubernetes object or reply, exactly as the API server sent it."""


@dataclass(frozen=True, order=True, slots=True)
class Resource:
    """A resource of the API as discovery describes it: `Resource("apps", "v1", "deployments", "Deployment")`."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True
    verbs: frozenset[str] = frozenset()
    short_names: frozenset[str] = field(default=frozenset(), compare=False)
    """As the server that was discovered has them; what was read from a backup has none."""

    @property
    def name(self) -> str:
        """As kubectl spells it: `pods`, `deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        """`v1`, `apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """The URL path: `/apis/apps/v1/namespaces/a/deployments/b/scale`."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        middle = f"/namespaces/{namespace}" if namespace else ""
        tail = "".join(f"/{part}" for part in (name, subresource) if part)
        return f"{root}{middle}/{self.plural}{tail}"


PODS = Resource("", "v1", "pods", "Pod")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
EVENTS = Resource("", "v1", "events", "Event")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
JOBS = Resource("batch", "v1", "jobs", "Job")
DEFINITIONS = Resource(
    "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", namespaced=False
)
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")


class ObjectRef(BaseModel):
    """Which object, beyond doubt: the uid tells it from a namesake that came later."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="ignore")

    resource: str
    namespace: str = ""
    name: str
    uid: str = ""

    def __str__(self) -> str:
        return f"{self.resource} {self.namespace}/{self.name}" if self.namespace else f"{self.resource} {self.name}"
