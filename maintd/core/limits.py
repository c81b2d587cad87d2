"""How much one job may change, and what no job may touch: the figures that the gate keeps."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from maintd.core.units import CountOrPercent, Duration, parse_percent

PROTECT = "maintd.dev/protect"
"""Annotation: `"true"` keeps the object from every change by maintd."""
KEEP_UNTIL = "maintd.dev/keep-until"
"""Annotation: a date like `2026-12-24`; the object is kept through that day in UTC."""
RUN_ID = "maintd.dev/run-id"
"""Annotation on objects that maintd makes: the run that made them."""
MANAGED_BY = "app.kubernetes.io/managed-by"


def is_system_namespace(name: str) -> bool:
    """True for the namespaces that Kubernetes and GKE keep for themselves; maintd changes nothing there."""
    return name.startswith(("kube-", "gke-"))


class Limits(BaseModel):
    """`limits:` of a job that changes things. What a job does not say is the kind's own default."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    max_count: int = Field(
        default=20,
        ge=1,
        le=100_000,
        description="At most this many changes in one run, oldest first; the rest is named and the run is partial.",
    )
    abort_over: CountOrPercent | None = Field(
        default=None,
        description="With more candidates than this (a count, or a percentage of all objects of the kind that were "
        "listed) nothing at all is changed and the run is refused.",
    )
    min_age: Duration = Field(
        default=timedelta(0), description="Objects created less than this long ago are never changed."
    )
    per_day: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="At most this many changes by this job in one UTC day; dry runs do not count.",
    )
    cool_down: Duration = Field(
        default=timedelta(0), description="No change within this time after the job's last one."
    )

    def ceiling(self, population: int) -> int | None:
        """The number of candidates above which `abort_over` stops the run, or None."""
        if isinstance(self.abort_over, str):
            return int(population * parse_percent(self.abort_over) / 100)
        return self.abort_over
