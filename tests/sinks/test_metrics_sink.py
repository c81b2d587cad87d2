"""What Prometheus hears of a run."""

from maintd.core.outcome import Status
from maintd.sinks.metrics import MetricsSink
from maintd.telemetry.metrics import Metrics


async def test_a_run_is_seen_from_its_start_to_its_end_with_what_the_state_counts(run_of, ring):
    metrics = Metrics()
    metrics.know_job("tidy", "cleanup-pods", last_success=None, consecutive_failures=0)
    sink = MetricsSink(metrics, {"tidy": 4}.__getitem__)

    sink.started(ring)
    during = (await metrics.exposition()).decode().splitlines()
    await sink.emit(run_of(status=Status.FAILED))
    after = (await metrics.exposition()).decode().splitlines()

    assert 'maintd_job_running{job="tidy"} 1.0' in during
    assert 'maintd_job_running{job="tidy"} 0.0' in after
    assert 'maintd_job_runs_total{job="tidy",kind="cleanup-pods",status="failed"} 1.0' in after
    assert 'maintd_job_consecutive_failures{job="tidy"} 4.0' in after
