"""The daemon: rings jobs, takes an edited jobs.yaml, answers probes, and drains when it is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from maintd.app import garbage
from maintd.app.backup_watch import BackupWatch
from maintd.app.contexts import now
from maintd.app.duty import Duty
from maintd.app.heartbeat import Heart
from maintd.app.house import House
from maintd.app.housekeeping import Housekeeper, server_time
from maintd.config.jobs import Job, JobsFile
from maintd.core.errors import ConfigError, JobError, NotLeading
from maintd.election.elector import Elector
from maintd.scheduling.claims import FENCE
from maintd.storage.open import open_pruner
from maintd.telemetry import logs
from maintd.telemetry.health import LONGEST_SILENCE_SECONDS, Health
from maintd.telemetry.lag import Pulse
from maintd.telemetry.metrics import Metrics
from maintd.web.server import Server

Edits = AsyncIterator[JobsFile | ConfigError]
"""What becomes of jobs.yaml: a good file, or why it is not one."""


class Daemon:
    """One `serve`: a candidate, and the leader while it is elected."""

    def __init__(self, house: House, jobs: JobsFile) -> None:
        house.leadership.end()  # nobody leads before an election
        self._house = house
        self._first = jobs
        self._bad_file = ""
        self._stop = asyncio.Event()
        self._log = logs.get("maintd")
        settings, state = house.settings, house.state
        self._alone = settings.replicas == 1
        self._elector = Elector(
            house.lease, house.leadership.identity, settings.lease, self._log, floor=lambda: state.of(FENCE).epoch
        )
        self._duty = Duty(house, self._stop, self._log, alone=self._alone)
        self._duty.others_lead = lambda: self._elector.leader not in ("", house.leadership.identity)
        self.housekeeper = self._hired(house)
        self._duty.chores = self.housekeeper.run
        self._backups = BackupWatch(house.store, house.metrics, self._log)
        self._heart = Heart(house.http, self._duties(), lambda: house.metrics.heartbeat_sent(now()), self._log)
        self._pulse = Pulse(house.metrics.observe_lag)
        self._health = Health(self._pulse.silent_seconds, self._duty.overdue, self._troubles(), self._who_leads)
        self._server = Server(settings.http_address, self._health, house.metrics.exposition)
        self._inform(house.metrics)

    @property
    def url(self) -> str:
        """Where the endpoints are, once `run` has called `ready`."""
        return self._server.url

    @property
    def jobs(self) -> dict[str, Job]:
        """The jobs as they are now, by name."""
        return self._duty.jobs

    def next_due(self, name: str) -> datetime | None:
        """When the job rings next."""
        return self._duty.next_due(name)

    async def run(self, edits: Edits, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until `stop`, then drain. Raises ConfigError where the HTTP address cannot be had."""
        await self._server.start()
        tasks = [asyncio.create_task(self._pulse.run(), name="pulse")]
        try:
            await self._house.state.load()
            self._take(self._first)
            if self._alone:
                self._duty.begin_to_ring()
            tasks += [
                asyncio.create_task(self._follow(edits), name="jobs.yaml"),
                asyncio.create_task(self._backups.run(), name="backup watch"),
                asyncio.create_task(self._house.orders.run(), name="orders"),
                asyncio.create_task(self._heart.run(), name="heartbeat"),
                asyncio.create_task(garbage.collect(garbage.PERIOD_SECONDS), name="garbage"),
            ]
            self._health.started()
            self._log.info("daemon started", jobs=len(self.jobs), url=self.url, storage=self._house.store.url(""))
            ready()
            await self._serve()
        finally:
            await self._shut_down(tasks)

    def stop(self) -> None:
        """End `run`; what runs is given its grace. The second time it is interrupted at once."""
        if self._stop.is_set():
            self._house.runner.interrupt()
        self._health.stopping()
        self._stop.set()

    async def _serve(self) -> None:
        """Stand for election, again and again, until told to stop; the lease is given back at last."""
        campaign = asyncio.create_task(self._elector.run(self._duty.lead), name="campaign")
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({campaign, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        self._elector.retire()
        if self._elector.reign is None:
            await self._duty.drain()
        await campaign
        await self._duty.drain()  # where the reign was lost meanwhile

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
        return frozenset(run.run_id for name in self.jobs for run in state.of(name).last_runs)

    async def _shut_down(self, tasks: list[asyncio.Task[None]]) -> None:
        self._health.stopping()
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
        old, new = self.jobs, {job.name: job for job in file.jobs}
        added, removed = new.keys() - old.keys(), old.keys() - new.keys()
        changed = {name for name in new.keys() & old.keys() if new[name] != old[name]}
        self._duty.take(new)
        self._house.runner.resize(file.max_running)
        self.housekeeper.terms = file.retention.terms
        self._heart.take(file.heartbeat)
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

    def _inform(self, metrics: Metrics) -> None:
        metrics.watch(
            last_wakeup=lambda: self._duty.last_wakeup,
            overdue=self._duty.overdue,
            next_due=self.next_due,
            dropped_lines=logs.dropped,
        )
        metrics.watch_state(
            epoch=lambda: self._elector.reign.epoch if self._elector.reign else 0,
            failures=lambda name: self._house.state.of(name).consecutive_failures,
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

    def _who_leads(self) -> str:
        reign = self._elector.reign
        if reign is not None:
            return f"leads, in reign {reign.epoch}"
        return f"follows {self._elector.leader}" if self._elector.leader else "nobody leads"

    def _unkept(self) -> str:
        failing = (f"{sink}: {why}" for sink, why in self._house.fanout.failing.items())
        return "; ".join(filter(None, (self._house.unsaved, *failing)))

    def _store_trouble(self) -> str:
        return "; ".join(filter(None, (self._unkept(), self.housekeeper.problem)))

    def _unclaimed(self) -> str:
        waiting = self._house.runner.claims.waiting_seconds() > LONGEST_SILENCE_SECONDS
        return "the start of a job waits to be written down" if waiting else ""

    def _unthroned(self) -> str:
        try:
            self._house.leadership.current()
        except NotLeading as error:
            return str(error)
        return ""

    def _still(self) -> str:
        live = self._health.live()
        return "" if live.good else live.text

    def _duties(self) -> dict[str, Callable[[], str]]:
        """What must be done for all to be well. A follower has no duties, and is silent: the leader speaks."""
        return {
            "lead": self._unthroned,
            "ring": self._still,
            "claim": self._unclaimed,
            "keep state": lambda: self._house.state.problem,
            "keep records": self._unkept,
            "use jobs.yaml": lambda: self._bad_file,
        }

    def _troubles(self) -> dict[str, Callable[[], str]]:
        house = self._house
        return {
            "config": lambda: self._bad_file,
            "store": self._store_trouble,
            "state": lambda: house.state.problem,
            "lease": lambda: self._elector.problem,
            "cluster": lambda: house.api if isinstance(house.api, str) else house.api.problem,
        }
