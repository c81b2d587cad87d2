"""What people ask of a running maintd through the state: to end a run, to stop all that acts; and the dead to bury."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from maintd.core.guard import Guard
from maintd.core.ports import Log
from maintd.scheduling.judgement import EVERYTHING
from maintd.scheduling.runner import Runner
from maintd.scheduling.state import State

BUSY_SECONDS, IDLE_SECONDS = 2.0, 15.0
"""How often the state is read while something acts or protects, and while nothing does."""


class Orders:
    """Of one process."""

    def __init__(
        self,
        state: State,
        runner: Runner,
        log: Log,
        *,
        clock: Callable[[], datetime],
        reign: Callable[[], Guard | None],
    ) -> None:
        """`reign`: this process's own, while it leads."""
        self._state = state
        self._runner = runner
        self._log = log
        self._clock = clock
        self._reign = reign

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        clock, looked = asyncio.get_running_loop().time, 0.0
        while True:
            await asyncio.sleep(BUSY_SECONDS)
            if not self._runner.claiming() and clock() - looked < IDLE_SECONDS - BUSY_SECONDS / 2:
                continue
            looked = clock()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 - the next look must come, whatever happened in this one
                self._log.error("orders not read", error=repr(error), exc_info=error)

    async def look(self) -> None:
        """Read the state now, and obey."""
        await self._state.look()
        self._end_what_is_unwanted()
        reign = self._reign()
        if reign is not None and reign.epoch:  # who types has another store perhaps, and must not bury for the leader
            for job, claim in self._runner.orphans.found():
                await self._runner.orphans.settle(job, claim)

    def _end_what_is_unwanted(self) -> None:
        pause = self._state.of(EVERYTHING).paused
        for ring in self._runner.under_way():
            cancel = self._state.of(ring.job.name).cancel
            if cancel is not None and cancel.run_id == ring.run_id:
                self._runner.interrupt(ring.run_id, str(cancel))
            elif pause is not None and pause.until > self._clock() and ring.mode == "act":
                self._runner.interrupt(ring.run_id, f"all that acts is {pause}")
