"""What kinds measured, as metrics: under a name of its own where dashboards expect one, else as `maintd_job_figure`.

A kind returns `Outcome.metrics`, plain names and numbers. Each replaces what the job's last run measured; a run that
measured nothing leaves it standing, and `maintd_job_last_success_timestamp_seconds` says how old it is.
"""

import re
from itertools import islice
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from maintd.core.outcome import Run

_NAMED: Final = (
    (r"backup/objects", "maintd_backup_objects", "Objects in the job's last backup."),
    (r"backup/bytes", "maintd_backup_size_bytes", "Size of the job's last backup."),
    (
        r"version-check/worst_pool_minors_behind",
        "maintd_node_version_skew",
        "Minor versions that the pool furthest behind is behind the API server.",
    ),
    (r"[^/]+/up", "maintd_probe_up", "1 when the target answered."),
    (
        r"[^/]+/(?P<phase>dns|connect|tls|first_byte|total)_median_seconds",
        "maintd_probe_phase_seconds",
        "Median time from the start of a request to the end of the phase.",
    ),
    (
        r"[^/]+/certificate_expiry_timestamp_seconds",
        "maintd_certificate_expiry_timestamp_seconds",
        "When the first of the target's certificates expires.",
    ),
)
"""`<kind>/<figure>`, the metric's name, what it says. What the pattern names becomes a label."""
_MOST = 50
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Figures:
    """The gauges behind `Outcome.metrics`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._named: list[tuple[re.Pattern[str], Gauge]] = []
        for pattern, name, about in _NAMED:
            compiled = re.compile(pattern)
            labels = ("job", "target", *compiled.groupindex)
            self._named.append((compiled, Gauge(name, about, labels, registry=registry)))
        labels = ("job", "kind", "target", "figure")
        self._others = Gauge("maintd_job_figure", "What the job's last run measured.", labels, registry=registry)

    def observe(self, run: Run) -> None:
        """Take the figures of a run."""
        figures = {name: value for name, value in run.metrics.items() if _NAME.fullmatch(name)}
        if figures:
            self.forget(run.job)
        for name, value in islice(figures.items(), _MOST):
            self._set(run, name, value)

    def forget(self, job: str) -> None:
        """The job's series end."""
        for gauge in (self._others, *(gauge for _, gauge in self._named)):
            gauge.remove_by_labels({"job": job})

    def _set(self, run: Run, name: str, value: float) -> None:
        for pattern, gauge in self._named:
            if found := pattern.fullmatch(f"{run.kind}/{name}"):
                gauge.labels(job=run.job, target=run.target, **found.groupdict()).set(value)
                return
        self._others.labels(run.job, run.kind, run.target, name).set(value)
