"""The elector: of all candidates at most one acts, and each knows before a write whether it is the one.

Who holds the Lease renews it every third of its duration and acts for two thirds, counted from the start of the last
renewal that worked. Who does not waits the whole duration, counted from when it saw the Lease change. What is left
between the two is for a write that is still under way.
"""

import asyncio
import contextlib
import random
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import timedelta
from typing import Any

from maintd.core.errors import Conflict, MaintdError, NotLeading
from maintd.core.guard import Guard
from maintd.core.ports import Log
from maintd.election.lease_homes import LeaseHome
from maintd.election.reign import Clock, Reign, boottime
from maintd.election.sighting import Sighting
from maintd.election.tenant import Tenant
from maintd.telemetry.complaints import Complaints

Lead = Callable[[Guard], Coroutine[Any, Any, None]]
"""The work of a leader, for one reign."""
LONGEST_POLL = 1.5
LONGEST_GOODBYE = 5.0
"""Seconds; a process that is told to stop has few of them."""
PATIENCE_WITH_WORK = 30.0
"""Seconds for work that was cancelled; a second reign beside work of the first would start jobs twice."""
_TICK = 0.001
"""Less than that may be nothing to a loop's clock, and who waits for nothing waits for ever."""
_JITTER = random.SystemRandom()


def identity() -> str:
    """A name for this process that no other has: `maintd-6b7f_4f9c2a10`."""
    return f"{socket.gethostname()}_{secrets.token_hex(4)}"


class Elector:
    """One candidate. `floor` is the highest epoch that is known from elsewhere: the state's."""

    def __init__(
        self,
        home: LeaseHome,
        identity: str,
        duration: timedelta,
        log: Log,
        *,
        floor: Callable[[], int] = lambda: 0,
        clock: Clock = boottime,
    ) -> None:
        self._where = home.describe()
        self._identity = identity
        self._lease = duration.total_seconds()
        self._log = log
        self._complaints = Complaints(log)
        self._sighting = Sighting(self._lease, floor, clock)
        self._tenant = Tenant(home, identity, self._lease, self._sighting, clock)
        self._reign: Reign | None = None
        self._retired = asyncio.Event()
        self.problem = ""
        """Why the lease could not be read or written the last time, or empty."""

    @property
    def leader(self) -> str:
        """The identity of who leads, as far as is known; empty for nobody."""
        return self._sighting.holder

    @property
    def reign(self) -> Guard | None:
        """Our own, while it lasts."""
        return self._reign if self._reign and self._reign.left > 0 else None

    async def run(self, lead: Lead) -> None:
        """Lead whenever elected, until `lead` returns or raises; then, and when cancelled, the lease is given back.

        `lead` is a task, cancelled and awaited when the reign is lost; the campaign goes on then, and also after
        NotLeading, until `retire`. Raises what `lead` raises, and RuntimeError where it does not end.
        """
        try:
            while (reign := await self._campaign()) and not await self._led(reign, lead):
                pass
        finally:
            await self._release()

    def retire(self) -> None:
        """Stand no more: `run` ends with the reign that there is, or soon where there is none."""
        self._retired.set()

    async def _campaign(self) -> Reign | None:
        while not self._retired.is_set():
            try:
                if await self._elected() and not self._retired.is_set():
                    return self._crowned()
            except Conflict:
                pass  # another was faster
            except (MaintdError, TimeoutError) as error:
                self._failed("lease out of reach", error)
            wait, poll = self._sighting.free_in, self._poll()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait + poll / 10 if 0 < wait < poll else poll):
                    await self._retired.wait()
        return None

    async def _elected(self) -> bool:
        before = self.leader
        async with asyncio.timeout(self._lease / 5):
            news = await self._tenant.look()
        self.problem = ""
        if news and self.leader not in ("", before, self._identity):
            self._log.info("leader seen", leader=self.leader, lease=self._where)
        if not self._tenant.elected and self._sighting.free_in <= 0:
            async with asyncio.timeout(self._lease / 5):
                await self._tenant.claim()
        return self._tenant.elected

    def _crowned(self) -> Reign:
        self._reign = self._tenant.reign()
        self._log.info("leadership gained", epoch=self._reign.epoch, holder=self._identity, lease=self._where)
        return self._reign

    async def _led(self, reign: Reign, lead: Lead) -> bool:
        """True when the work was done to its end."""
        async with self._kept(reign) as keeping:
            work = asyncio.create_task(lead(reign), name="leading")
            try:
                done, _ = await asyncio.wait((work, keeping), return_when=asyncio.FIRST_COMPLETED)
            finally:
                await self._stop(work)  # the lease is kept meanwhile: what was begun may be put in order
        if work in done:
            return await self._finished(work)
        keeping.result()
        return False

    @contextlib.asynccontextmanager
    async def _kept(self, reign: Reign) -> AsyncIterator[asyncio.Task[None]]:
        keeping = asyncio.create_task(self._keep(reign), name="lease")
        try:
            yield keeping
        finally:
            reign.end()
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)

    async def _stop(self, work: asyncio.Task[None]) -> None:
        if work.done():
            return
        work.cancel()
        await asyncio.wait((work,), timeout=PATIENCE_WITH_WORK)
        if not work.done():
            self._tenant.forgo()
            raise RuntimeError(f"the work of a leader had not ended {PATIENCE_WITH_WORK:g} s after it was cancelled")
        error = None if work.cancelled() else work.exception()
        if error and not isinstance(error, NotLeading):
            self._log.error("work failed while it was stopped", error=str(error), exc_info=error)

    async def _finished(self, work: asyncio.Task[None]) -> bool:
        try:
            work.result()
        except NotLeading as error:
            self._log.warning("leadership given up", why=str(error))
            await self._release()
            await asyncio.sleep(self._poll())
            return False
        return True

    async def _keep(self, reign: Reign) -> None:
        """Renew until the reign is over; a failure is tried again while there is time."""
        why, pause = "", self._until_renewal(reign)
        while reign.left > 0 and not why:
            await asyncio.sleep(min(pause, reign.left) + _TICK)
            try:
                async with asyncio.timeout(min(self._lease / 5, max(reign.left, 0.0))):
                    why = await self._tenant.renew(reign)
                self.problem = ""
                pause = self._until_renewal(reign)
            except (MaintdError, TimeoutError) as error:
                self._failed("lease not renewed", error)
                pause = self._lease / 15 * _JITTER.uniform(0.5, 1.0)
        reign.end()
        why = why or f"it could not be renewed in time: {self.problem or 'this process stood still'}"
        self._log.warning("leadership lost", epoch=reign.epoch, why=why, leader=self.leader)

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(min(self._lease, LONGEST_GOODBYE)):
                await self._tenant.release(self._log)
        except (MaintdError, TimeoutError) as error:
            self._failed("leadership not released", error)

    def _failed(self, event: str, error: Exception) -> None:
        self.problem = str(error) or f"no answer within {self._lease / 5:g} s"
        self._complaints.say(event, self.problem, lease=self._where)

    def _until_renewal(self, reign: Reign) -> float:
        return max(0.0, self._lease / 3 * _JITTER.uniform(0.9, 1.0) - reign.age)

    def _poll(self) -> float:
        return min(LONGEST_POLL, self._lease / 10) * _JITTER.uniform(0.7, 1.0)
