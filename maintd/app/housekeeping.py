"""Once a day: what is older than `retention` in jobs.yaml goes from the store.

Not a job: a record of it would be one more thing to delete, and there is nothing to schedule, limit or run by hand. It
leaves one log line and its metrics.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from maintd.cluster.api import Api
from maintd.cluster.request import Request
from maintd.core.errors import JobError, Refused
from maintd.core.ports import Log
from maintd.core.units import format_duration
from maintd.scheduling.every import Every
from maintd.storage.pruning import Pruner
from maintd.storage.sweep import Sweep
from maintd.telemetry.metrics import Metrics

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_LARGEST_DIFFERENCE = timedelta(days=1)
_LOOK_SECONDS = 60.0


async def server_time(api: Api | str) -> datetime:
    """The API server's clock: the second one, without which nothing is deleted. Raises JobError."""
    if isinstance(api, str):
        raise JobError(f"no API server confirms what time it is: {api}")
    return (await api.call(Request(method="GET", path="/version"))).server_time


@dataclass(slots=True)
class Housekeeper:
    """Deletes from one store, at a time of the day that its name decides: no restart is a reason to delete."""

    name: str
    pruner: Pruner
    clock: Callable[[], datetime]
    server_time: Callable[[], Awaitable[datetime]]
    kept_runs: Callable[[], frozenset[str]]
    """Ids of the runs that stay, however old they are. Raises JobError where that is not known."""
    metrics: Metrics
    log: Log
    terms: Mapping[str, timedelta] = field(default_factory=dict)
    """By area of the store, how long it keeps things; an area that is not named is left alone."""
    most: int = 100_000
    """Deletions an area and time."""
    _problem: str = ""

    @property
    def problem(self) -> str:
        """Why the store was not pruned the last time; empty where it was, or need not be."""
        return self._problem if self.terms else ""

    async def run(self) -> None:
        """Once a day, and hourly while it cannot or has too much to do, until cancelled."""
        beat, seen = Every(_DAY, self.name), self.clock()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            seen = min(seen, self.clock())  # a clock that was set back must not stop it for years
            due = beat.after(seen)
            if due and due <= self.clock():
                beat = Every(_DAY if await self.prune() else _HOUR, self.name)
                seen = self.clock()

    async def prune(self) -> bool:
        """Delete what is too old. False where that is not done yet: the log and `problem` tell why."""
        try:
            whole, problem = await self._prune() if self.terms else (True, "")
        except Exception as error:  # noqa: BLE001 - the next time must come, whatever happened this time
            said = str(error) if isinstance(error, JobError) else f"a defect of maintd, {error!r}; report it"
            whole, problem = False, f"nothing was deleted from it: {said}"
        if problem and problem != self._problem:
            self.log.warning("store not pruned", why=problem)
        self._problem = problem
        return whole and not problem

    async def _prune(self) -> tuple[bool, str]:
        """Whether all was seen, and what was in the way of some of it."""
        started = asyncio.get_running_loop().time()
        now, keep = await self._agreed_time(), self.kept_runs()
        sweeps = {area: Sweep(self.pruner, now - term, keep, self.most) for area, term in self.terms.items()}
        problems = [await self._swept(area, sweep) for area, sweep in sweeps.items()]
        whole = all(sweep.complete for sweep in sweeps.values())
        self.log.info(
            "store pruned",
            deleted={area: sweep.deleted for area, sweep in sweeps.items()},
            left_alone={area: sweep.left_alone for area, sweep in sweeps.items() if sweep.left_alone},
            complete=whole and not any(problems),
            seconds=round(asyncio.get_running_loop().time() - started, 1),
        )
        return whole, "; ".join(sorted(set(filter(None, problems))))

    async def _swept(self, area: str, sweep: Sweep) -> str:
        """Why it ended early, or nothing. What one area refuses, another may allow."""
        try:
            await sweep.run(area)
        except JobError as error:
            return str(error)
        finally:
            self.metrics.store_pruned(area, sweep.deleted)
        return ""

    async def _agreed_time(self) -> datetime:
        """The earlier of two clocks. Raises JobError where one is missing, Refused where they are too far apart."""
        theirs = await self.server_time()
        ours = self.clock()
        if abs(ours - theirs) > _LARGEST_DIFFERENCE:
            apart = format_duration(timedelta(seconds=round(abs(ours - theirs).total_seconds())))
            raise Refused(f"this machine's clock and the API server's are {apart} apart; set the one that is wrong")
        return min(ours, theirs)
