"""What is asked of the GKE API, and the permission that each question takes."""

from dataclasses import dataclass

from maintd.core.target import GkeCluster

GET, LIST, OPERATIONS = "container.clusters.get", "container.clusters.list", "container.operations.list"
"""Google's permissions, by method: https://cloud.google.com/kubernetes-engine/docs/reference/api-permissions"""


@dataclass(frozen=True, slots=True)
class Question:
    """One call of the API: its method in the client, and the permission that Google asks for."""

    method: str
    request: dict[str, str]
    permission: str
    about: GkeCluster
