"""What keeps acting jobs from starting where somebody restores: an entry of the state, with an end for each restore.

It is written by the command line and read by whoever is about to act. Whoever dies with it leaves it behind for a few
minutes and no longer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from maintd.config.jobs import Job
from maintd.core.errors import MaintdError
from maintd.core.ports import Log
from maintd.core.rules import READING
from maintd.scheduling.entry import BLANK, JobState
from maintd.scheduling.state import State

KEY = "restore.hold"
"""No job can be called so: their names have no dots."""
LASTS = timedelta(minutes=5)
_RENEWED = timedelta(minutes=1)


class Hold(BaseModel):
    """Who holds, where, and until when unless it is renewed."""

    model_config = ConfigDict(frozen=True, extra="allow")

    by: str
    """A run id."""
    until: datetime
    namespaces: tuple[str, ...] = ()
    """Those that are written to; what is in none is held in any case."""

    def covers(self, job: Job) -> bool:
        """Whether this job could change what is being restored: its rights say where it writes.

        A right to the whole cluster reaches everything, and of a job that names no right nobody knows where it acts.
        """
        places = {
            rule.namespace for rule in job.kind.rules(job.params, job.target) if not READING.issuperset(rule.verbs)
        }
        return not places or None in places or not places.isdisjoint(self.namespaces)


def hold_on(entries: Mapping[str, JobState], job: Job, now: datetime) -> Hold | None:
    """The hold that lasts and covers this job, if one does."""
    return next((hold for hold in _lasting(entries.get(KEY, BLANK), now) if hold.covers(job)), None)


@asynccontextmanager
async def held(
    state: State, by: str, namespaces: Collection[str], clock: Callable[[], datetime], log: Log
) -> AsyncIterator[None]:
    """Hold the jobs that act there as long as this lasts. Where that cannot be written it is said, and none is held."""

    async def write() -> None:
        now = clock()
        own = Hold(by=by, until=now + LASTS, namespaces=tuple(sorted(namespaces)))
        await state.update(KEY, lambda entry: _with(entry, [own, *_others(entry, by, now)]))

    async def renew() -> None:
        while True:
            await asyncio.sleep(_RENEWED.total_seconds())
            with contextlib.suppress(MaintdError):  # it lasts for some attempts more
                await write()

    try:
        await write()
    except MaintdError as error:
        remedy = "scale the daemon down while you restore: kubectl scale -n maintd deployment/maintd --replicas=0"
        log.warning("acting jobs are not held", error=str(error), remedy=remedy)
        yield
        return
    renewing = asyncio.create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with contextlib.suppress(MaintdError):  # it ends by itself
            await state.update(KEY, lambda entry: _with(entry, _others(entry, by, clock())))


def _lasting(entry: JobState, now: datetime) -> list[Hold]:
    held = ({"by": by} | terms for by, terms in (entry.hold or {}).items())
    return [hold for hold in map(Hold.model_validate, held) if hold.until > now]


def _others(entry: JobState, by: str, now: datetime) -> list[Hold]:
    return [hold for hold in _lasting(entry, now) if hold.by != by]


def _with(entry: JobState, holds: list[Hold]) -> JobState:
    written: dict[str, Any] = {hold.by: hold.model_dump(mode="json", exclude={"by"}) for hold in holds}
    return entry.model_copy(update={"hold": written or None})
