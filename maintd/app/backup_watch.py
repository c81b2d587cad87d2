"""Tells the metrics what the store has of each backup job.

It looks into the store instead of counting runs: a backup may be made by another process, pruned, or found damaged, and
after a restart nobody would remember.
"""

import asyncio

from maintd.core.errors import JobError
from maintd.core.ports import Log, Store
from maintd.objects.freshness import Freshnesses
from maintd.telemetry.metrics import Metrics

_LOOK_SECONDS = 60.0


class BackupWatch:
    """Of one store. `jobs` are the names of the backup jobs, as jobs.yaml has them now."""

    def __init__(self, store: Store, metrics: Metrics, log: Log) -> None:
        self.jobs: frozenset[str] = frozenset()
        self._freshnesses = Freshnesses(store)
        self._metrics = metrics
        self._log = log
        self._said = ""

    async def run(self) -> None:
        """Look once a minute, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Look now. Where the store cannot be read the metrics stay as they are: 0 from the start on."""
        try:
            found = await self._freshnesses.look(self.jobs)
        except Exception as error:  # noqa: BLE001 - the next look must come, whatever happened this time
            why = str(error) if isinstance(error, JobError) else f"a defect of maintd, {error!r}; report it"
            if why != self._said:
                self._log.warning("backups not looked at", why=why)
            self._said = why
            return
        self._said = ""
        for job in found.keys() & self.jobs:
            self._metrics.backups_are(job, complete=found[job].complete, verified=found[job].verified)
