"""What /metrics says. Labels come from jobs.yaml and from small closed sets, never from the cluster.

Names follow https://prometheus.io/docs/practices/naming/ and pass `promtool check metrics`.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from maintd import __version__
from maintd.core.outcome import Run, Status
from maintd.telemetry.elsewhere import CountedElsewhere
from maintd.telemetry.figures import Figures

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)
_LAG_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)

# A series with the birth date beside each counter would double what is scraped.
disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves this one function untyped


class Metrics:
    """The daemon's figures, in a registry of their own."""

    def __init__(self, *, revision: str = "") -> None:
        self.registry = CollectorRegistry()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
        self._at_each_scrape: list[Callable[[], None]] = []
        self._jobs: dict[str, str] = {}
        """The kind of each job that is known."""
        self._running: dict[str, str] = {}
        self._make_job_series()
        self._make_backup_series()
        self._make_daemon_series()
        self._figures = Figures(self.registry)
        build = self._gauge("maintd_build_info", "Always 1; what runs here.", "version", "revision")
        build.labels(__version__, revision).set(1)

    def _make_job_series(self) -> None:
        self._info = self._gauge("maintd_job_info", "Always 1; which kind the job is of.", "job", "kind")
        self._runs = self._counter("maintd_job_runs_total", "Runs by how they ended.", "job", "kind", "status")
        self._durations = Histogram(
            "maintd_job_duration_seconds",
            "How long runs took.",
            ("job", "kind"),
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._success = self._gauge(
            "maintd_job_last_success_timestamp_seconds",
            "When the job last ended ok or with attention; 0: never.",
            "job",
        )
        self._next = self._gauge("maintd_job_next_run_timestamp_seconds", "When the job is due next.", "job")
        self._active = self._gauge("maintd_job_running", "1 while the job runs.", "job")
        self._missed = self._counter("maintd_job_missed_total", "Due instants at which the job did not start.", "job")
        self._failures = self._gauge(
            "maintd_job_consecutive_failures", "Runs that failed since the last good one.", "job"
        )
        self._deleted = self._counter("maintd_pods_deleted_total", "Pods that the job has deleted.", "job")

    def _make_backup_series(self) -> None:
        self._complete = self._gauge(
            "maintd_backup_last_complete_timestamp_seconds",
            "When the job's newest complete backup was begun; 0: there is none, or the store was not reached yet.",
            "job",
        )
        self._verified = self._gauge(
            "maintd_backup_last_verified_timestamp_seconds",
            "When the job's newest backup that is complete and could be read back was read back; 0: never.",
            "job",
        )

    def _make_daemon_series(self) -> None:
        self._unkept = self._counter("maintd_store_failures_total", "Records that a sink did not take.", "sink")
        self._reload = self._gauge("maintd_config_last_reload_successful", "1 when jobs.yaml as it is now is in use.")
        self._wakeup = self._gauge("maintd_scheduler_last_wakeup_timestamp_seconds", "When the scheduler last looked.")
        self._overdue = self._gauge("maintd_scheduler_overdue_seconds", "How late the next wake-up is.")
        self._leader = self._gauge("maintd_leader", "1 while this process leads.")
        self._epoch = self._gauge("maintd_leader_epoch", "The number of its reign; 0 while it does not lead.")
        self._dropped = self._counted_elsewhere(
            "maintd_log_lines_dropped", "Log lines that nobody read, or that could not be said."
        )
        self._heartbeat = self._gauge(
            "maintd_heartbeat_last_sent_timestamp_seconds", "When the receiver last took a heartbeat; 0: never."
        )
        self._spooled = self._gauge("maintd_spool_bytes", "Of records and samples that wait for the store.")
        self._lost = self._counted_elsewhere(
            "maintd_spool_dropped", "Records and samples that neither the store nor the spool could keep."
        )
        self._pruned = self._counter("maintd_store_pruned_total", "Objects deleted by `retention`.", "area")
        self._lag = Histogram(
            "maintd_loop_lag_seconds",
            "How late the event loop got round to a timer.",
            buckets=_LAG_SECONDS,
            registry=self.registry,
        )

    async def exposition(self) -> bytes:
        """The text that Prometheus scrapes, of CONTENT_TYPE."""
        for refresh in self._at_each_scrape:
            refresh()
        # A thousand jobs have ten thousand series: written in a thread, they hold up no job.
        return await asyncio.get_running_loop().run_in_executor(self._thread, generate_latest, self.registry)

    def know_job(self, job: str, kind: str, *, last_success: datetime | None, consecutive_failures: int) -> None:
        """A job that is in jobs.yaml, with what its state says: counted on from there after a restart.

        A job that is known already keeps its figures: the state remembers fewer runs than were seen here.
        """
        known, self._jobs[job] = self._jobs.get(job), kind
        if known and known != kind:
            self._info.remove(job, known)
        self._info.labels(job, kind).set(1)
        if known:
            return
        self._success.labels(job).set(_seconds(last_success))
        self._failures.labels(job).set(consecutive_failures)
        self._active.labels(job)
        self._missed.labels(job)
        if kind == "backup":
            self.backups_are(job, complete=None, verified=None)

    def forget_job(self, job: str) -> None:
        """The job is no longer in jobs.yaml: its series end."""
        self._jobs.pop(job, None)
        self._running.pop(job, None)
        figures = (self._runs, self._durations, self._success, self._next, self._active, self._missed, self._failures)
        for series in (self._info, *figures, self._deleted, self._complete, self._verified):
            series.remove_by_labels({"job": job})
        self._figures.forget(job)

    def run_started(self, job: str, run_id: str) -> None:
        """The job runs."""
        if job not in self._jobs:
            return
        self._running[job] = run_id
        self._active.labels(job).set(1)

    def observe_run(self, run: Run, *, consecutive_failures: int) -> None:
        """A run has ended, or has not even started. One of a job that is no longer known starts no series."""
        if run.job not in self._jobs:
            return
        self._runs.labels(run.job, run.kind, run.status).inc()
        self._failures.labels(run.job).set(consecutive_failures)
        if run.status is Status.MISSED:
            self._missed.labels(run.job).inc(run.count)
        if run.status.good:
            self._success.labels(run.job).set(run.ended.timestamp())
        if self._running.get(run.job) == run.run_id:
            del self._running[run.job]
            self._active.labels(run.job).set(0)
            self._durations.labels(run.job, run.kind).observe(run.seconds)
        if gone := sum(change.result == "done" and change.object.resource == "pods" for change in run.changes):
            self._deleted.labels(run.job).inc(gone)
        self._figures.observe(run)

    def backups_are(self, job: str, *, complete: datetime | None, verified: datetime | None) -> None:
        """What the store has of a backup job now."""
        self._complete.labels(job).set(_seconds(complete))
        self._verified.labels(job).set(_seconds(verified))

    def sink_failed(self, sink: str) -> None:
        """A sink did not take a record."""
        self._unkept.labels(sink).inc()

    def heartbeat_sent(self, at: datetime) -> None:
        """The receiver took a heartbeat."""
        self._heartbeat.set(at.timestamp())

    def store_pruned(self, area: str, objects: int) -> None:
        """So many objects of a folder of the store were older than it keeps them."""
        self._pruned.labels(area).inc(objects)

    def config_reloaded(self, *, successful: bool) -> None:
        """jobs.yaml was read, and taken or not."""
        self._reload.set(successful)

    def observe_lag(self, seconds: float) -> None:
        """How late the loop was this time."""
        self._lag.observe(seconds)

    def watch(
        self,
        *,
        last_wakeup: Callable[[], datetime | None],
        overdue: Callable[[], timedelta],
        next_due: Callable[[str], datetime | None],
        dropped_lines: Callable[[], int],
    ) -> None:
        """Ask the scheduler and the log at each scrape."""

        def refresh() -> None:
            self._wakeup.set(_seconds(last_wakeup()))
            self._overdue.set(overdue().total_seconds())
            for job in self._jobs:
                self._set_next_due(job, next_due(job))

        self._dropped.ask = dropped_lines
        self._at_each_scrape.append(refresh)

    def watch_state(self, *, epoch: Callable[[], int], failures: Callable[[str], int]) -> None:
        """Ask who leads, and the state for what other processes saw fail, at each scrape."""

        def refresh() -> None:
            self._leader.set(epoch() > 0)
            self._epoch.set(epoch())
            for job in self._jobs:
                self._failures.labels(job).set(failures(job))

        self._at_each_scrape.append(refresh)

    def watch_spool(self, *, waiting_bytes: Callable[[], int], lost: Callable[[], int]) -> None:
        """Ask the spool at each scrape."""
        self._spooled.set_function(waiting_bytes)
        self._lost.ask = lost

    def _set_next_due(self, job: str, due: datetime | None) -> None:
        if due:
            self._next.labels(job).set(due.timestamp())
        else:
            self._next.remove(job)

    def _counted_elsewhere(self, name: str, about: str) -> CountedElsewhere:
        counter = CountedElsewhere(name, about)
        self.registry.register(counter)
        return counter

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)


def _seconds(at: datetime | None) -> float:
    return at.timestamp() if at else 0.0
