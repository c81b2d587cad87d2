"""What a job works on: a part of a cluster, named once in jobs.yaml and used by many jobs."""

from pydantic import BaseModel, ConfigDict, Field

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"


class GkeCluster(BaseModel):
    """Where the cluster lives in Google Cloud."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    project: str = Field(min_length=1, max_length=63, description="Google Cloud project id.")
    location: str = Field(min_length=1, max_length=63, description="Zone or region: us-central1-a.")
    cluster: str = Field(min_length=1, max_length=63, description="Name of the GKE cluster.")


class Target(BaseModel):
    """One entry under `targets:`."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    namespace: str | None = Field(default=None, pattern=DNS_LABEL, description="The namespace that the jobs work in.")
    deployment: str | None = Field(
        default=None, pattern=DNS_LABEL, description="The Deployment that serves the application."
    )
    url: str | None = Field(
        default=None,
        max_length=2048,
        description="Base URL of the application inside the cluster: http://SERVICE.NAMESPACE.svc",
    )
    gke: GkeCluster | None = Field(default=None, description="The GKE cluster, for kinds that ask Google about it.")
