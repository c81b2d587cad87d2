"""The daemon: rings jobs, takes an edited jobs.yaml, answers probes, and drains when it is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from maintd.app.backup_watch import BackupWatch
from maintd.app.contexts import now
from maintd.app.house import House
from maintd.app.housekeeping import Housekeeper, server_time
from maintd.config.jobs import Job, JobsFile
from maintd.core.errors import ConfigError, JobError
from maintd.scheduling.alarm import Alarm
from maintd.storage.open import open_pruner
from maintd.telemetry import logs
from maintd.telemetry.health import Health
from maintd.telemetry.lag import Pulse
from maintd.web.server import Server

Edits = AsyncIterator[JobsFile | ConfigError]
"""What becomes of jobs.yaml: a good file, or why it is not one."""


class Daemon:
    """One `serve`."""

    def __init__(self, house: House, jobs: JobsFile) -> None:
        self._house = house
        self._first = jobs
        self._jobs: dict[str, Job] = {}
        self._bad_file = ""
        self._log = logs.get("maintd")
        self._alarm = Alarm(self._ring, log=self._log)
        self.housekeeper = self._hired(house)
        self._backups = BackupWatch(house.store, house.metrics, self._log)
        self._pulse = Pulse(house.metrics.observe_lag)
        self._health = Health(self._pulse.silent_seconds, self._alarm.overdue, self._troubles())
        self._server = Server(house.settings.http_address, self._health, house.metrics.exposition)
        house.metrics.watch(
            last_wakeup=lambda: self._alarm.last_wakeup,
            overdue=self._alarm.overdue,
            next_due=self._alarm.next_due,
            dropped_lines=logs.dropped,
        )

    @property
    def url(self) -> str:
        """Where the endpoints are, once `run` has called `ready`."""
        return self._server.url

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs as they are now, by name."""
        return self._jobs

    def next_due(self, name: str) -> datetime | None:
        """When the job rings next."""
        return self._alarm.next_due(name)

    async def run(self, edits: Edits, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`, then drain. Raises ConfigError where the HTTP address cannot be had."""
        await self._server.start()
        tasks = [asyncio.create_task(self._pulse.run(), name="pulse")]
        try:
            await self._house.state.load()
            self._take(self._first)
            self._alarm.start()
            tasks.append(asyncio.create_task(self._follow(edits), name="jobs.yaml"))
            tasks.append(asyncio.create_task(self.housekeeper.run(), name="housekeeping"))
            tasks.append(asyncio.create_task(self._backups.run(), name="backup watch"))
            self._health.started()
            self._log.info("daemon started", jobs=len(self._jobs), url=self.url, storage=self._house.store.url(""))
            ready()
            await stop.wait()
        finally:
            await self._shut_down(tasks)

    def hurry(self) -> None:
        """Do not wait out the grace: interrupt what still runs."""
        self._house.runner.interrupt()

    def _hired(self, house: House) -> Housekeeper:
        return Housekeeper(
            name=house.settings.cluster,
            pruner=open_pruner(house.settings.storage, house.settings.cluster),
            clock=now,
            server_time=lambda: server_time(house.api),
            kept_runs=self._last_runs,
            metrics=house.metrics,
            log=self._log,
        )

    def _last_runs(self) -> frozenset[str]:
        """What the state shows of each job must be there to be looked up. Raises JobError."""
        state = self._house.state
        if state.problem:
            raise JobError(f"it is not known which runs were the last of each job: {state.problem}")
        return frozenset(run.run_id for name in self._jobs for run in state.of(name).last_runs)

    def _ring(self, name: str, due: datetime, folded: int) -> None:
        self._house.runner.ring(self._jobs[name], due, folded)

    async def _shut_down(self, tasks: list[asyncio.Task[None]]) -> None:
        grace = self._house.settings.grace.total_seconds()
        self._health.stopping()
        self._alarm.stop()
        running = self._house.runner.running()
        self._log.info("daemon stopping", running=sorted(running), grace_seconds=grace)
        await self._house.runner.drain(grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.stop()
        self._log.info("daemon stopped")

    async def _follow(self, edits: Edits) -> None:
        async for edit in edits:
            if isinstance(edit, JobsFile):
                self._take(edit)
            else:
                self._refuse(edit)

    def _refuse(self, bad: ConfigError) -> None:
        lines = str(bad).splitlines()
        self._bad_file = f"the file was edited and is not used, the jobs before it run on: {lines[0]}"
        self._house.metrics.config_reloaded(successful=False)
        self._log.error("jobs file refused", why=lines, consequence="the jobs before it run on")

    def _take(self, file: JobsFile) -> None:
        """Use these jobs. An unchanged job keeps its due time; what runs already runs on as it was."""
        new = {job.name: job for job in file.jobs}
        added, removed = new.keys() - self._jobs.keys(), self._jobs.keys() - new.keys()
        changed = {name for name in new.keys() & self._jobs.keys() if new[name] != self._jobs[name]}
        # The alarm first rings what had fallen due under a schedule that goes: those jobs must still be there.
        self._alarm.set({name: job.schedule for name, job in new.items() if job.schedule and job.enabled})
        self._jobs = new
        self._house.runner.resize(file.max_running)
        self.housekeeper.terms = file.retention.terms
        self._tell_metrics(new, removed)
        self._backups.jobs = frozenset(name for name, job in new.items() if job.kind.name == "backup")
        self._bad_file = ""
        self._log.info(
            "jobs taken",
            file=str(file.path),
            sha256=file.sha256[:12],
            jobs=len(new),
            added=sorted(added),
            changed=sorted(changed),
            removed=sorted(removed),
        )

    def _tell_metrics(self, jobs: dict[str, Job], removed: set[str]) -> None:
        metrics = self._house.metrics
        metrics.config_reloaded(successful=True)
        for name in removed:
            metrics.forget_job(name)
        for name, job in jobs.items():
            entry = self._house.state.of(name)
            failures = entry.consecutive_failures
            metrics.know_job(name, job.kind.name, last_success=entry.last_success, consecutive_failures=failures)

    def _store_trouble(self) -> str:
        failing = (f"{sink}: {why}" for sink, why in self._house.fanout.failing.items())
        return "; ".join(filter(None, (self._house.unsaved, *failing, self.housekeeper.problem)))

    def _troubles(self) -> dict[str, Callable[[], str]]:
        house = self._house
        return {
            "config": lambda: self._bad_file,
            "store": self._store_trouble,
            "state": lambda: house.state.problem,
            "cluster": lambda: house.api if isinstance(house.api, str) else house.api.problem,
        }
