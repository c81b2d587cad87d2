"""The metrics: what Prometheus is told of each run."""

from collections.abc import Callable

from maintd.core.outcome import Run
from maintd.sinks.fanout import Start
from maintd.telemetry.metrics import Metrics


class MetricsSink:
    """Counts each run."""

    name = "metrics"

    def __init__(self, metrics: Metrics, consecutive_failures: Callable[[str], int]) -> None:
        """`consecutive_failures` of a job, as the state has them once the run is noted there."""
        self._metrics = metrics
        self._consecutive_failures = consecutive_failures

    def started(self, start: Start) -> None:
        """The job runs."""
        self._metrics.run_started(start.job.name, start.run_id)

    async def emit(self, run: Run) -> None:
        """The run has ended."""
        self._metrics.observe_run(run, consecutive_failures=self._consecutive_failures(run.job))
