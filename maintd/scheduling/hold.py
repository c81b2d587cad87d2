"""What keeps acting jobs from starting while somebody restores: an entry of the state, with an end.

It is written by the command line and read by whoever is about to act. Whoever dies with it leaves it behind for a few
minutes and no longer.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from maintd.core.errors import MaintdError
from maintd.core.ports import Log
from maintd.scheduling.state import JobState, State

KEY = "restore.hold"
"""No job can be called so: their names have no dots."""
LASTS = timedelta(minutes=5)
_RENEWED = timedelta(minutes=1)
_PATIENCE = timedelta(seconds=5)


class Hold(BaseModel):
    """Who holds, and until when unless it is renewed."""

    model_config = ConfigDict(frozen=True, extra="allow")

    by: str
    """A run id."""
    until: datetime


async def holding(state: State, now: datetime) -> Hold | None:
    """The hold that lasts, if one does; a state that cannot be read holds nobody: the gate will say so itself."""
    try:
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            hold = (await state.fresh(KEY)).hold
    except (MaintdError, TimeoutError):
        return None
    found = Hold.model_validate(hold) if hold else None
    return found if found and found.until > now else None


@asynccontextmanager
async def held(state: State, by: str, clock: Callable[[], datetime], log: Log) -> AsyncIterator[None]:
    """Hold acting jobs as long as this lasts. Where that cannot be written it is said, and nothing is held."""

    async def write() -> None:
        hold = Hold(by=by, until=clock() + LASTS).model_dump(mode="json")
        await state.update(KEY, lambda entry: entry.model_copy(update={"hold": hold}))

    def free(entry: JobState) -> JobState:
        return entry.model_copy(update={"hold": None}) if (entry.hold or {}).get("by") == by else entry

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
            await state.update(KEY, free)
