"""One record a run: in the state, in every sink, and only then is its claim closed."""

from collections.abc import Mapping
from typing import Any, Protocol

from maintd.core.outcome import Run
from maintd.scheduling.entry import JobState, LastRun
from maintd.scheduling.ring import Ring
from maintd.scheduling.state import State
from maintd.scheduling.turns import Crowd

Memory = dict[str, Any] | None
"""What a job remembers from a run; None where that is what it remembered before."""


class Sink(Protocol):
    """Where records go. `emit` never raises; it returns what could not take the record, and why."""

    def started(self, ring: Ring) -> None: ...

    async def emit(self, run: Run) -> Mapping[str, str]: ...


class Records:
    """Keeps them, of runs that ended here and of those whose process did not live to tell."""

    def __init__(self, state: State, sink: Sink, crowd: Crowd) -> None:
        """Starts come before records: these give way to the `crowd`."""
        self._state = state
        self._sink = sink
        self.way = crowd.passed

    async def keep(self, ring: Ring, run: Run, memory: Memory = None) -> Run:
        """Keep the record of a ring, once there is time for it."""
        await self.way()
        if ring.job.remembers:
            last = LastRun.of(run)
            self._state.note(run.job, lambda entry: entry.listing(last) if ring.aside else entry.after(last, memory))
        await self._sink.emit(run)
        cancel = self._state.of(run.job).cancel
        if ring.claims or (cancel and cancel.run_id == run.run_id):  # who wished its end waits to see it
            await self.close(run)
        return run

    async def keep_orphan(self, run: Run, *, told: bool) -> None:
        """Keep the record of a run that was cut off with its process; what it had noted itself stands.

        `told`: its record is where records go, and only the state does not know.
        """
        last = LastRun.of(run)

        def noted(entry: JobState) -> JobState:
            known = any(one.run_id == run.run_id for one in entry.last_runs)
            return entry if known else entry.after(last, None)

        self._state.note(run.job, noted)
        if not told:
            await self._sink.emit(run)
        await self.close(run)

    async def close(self, run: Run) -> None:
        """Its record is where records go: the claim can be closed, in the home as soon as that takes it."""
        self._state.note(run.job, lambda entry: entry.closed(run.run_id))
        await self._state.flush()
