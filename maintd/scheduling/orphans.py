"""Runs whose process is gone: each gets the record that it could not write itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

from maintd import __version__
from maintd.core.errors import MaintdError
from maintd.core.outcome import Run, Status
from maintd.scheduling.claims import FENCE
from maintd.scheduling.entry import Claim, JobState
from maintd.scheduling.records import Records
from maintd.scheduling.state import State

RECALL_SECONDS = 5.0
"""How long the store is asked for a record that may be there already."""


class Orphans:
    """Of one state."""

    def __init__(
        self,
        state: State,
        records: Records,
        clock: Callable[[], datetime],
        recall: Callable[[str], Awaitable[Run]],
        abandoned: Callable[[Claim], bool],
    ) -> None:
        """`recall` reads a record. `abandoned`: a claim of this very process, which works on it no more."""
        self._state = state
        self._records = records
        self._clock = clock
        self._recall = recall
        self._abandoned = abandoned
        self._settling: dict[str, asyncio.Lock] = {}

    def found(self) -> list[tuple[str, Claim]]:
        """Jobs and their claims whose process is gone, as far as the state was read."""
        epoch, now = self._state.of(FENCE).epoch, self._clock()
        claims = ((job, entry.open_claim) for job, entry in self._state.entries.items())
        return [(job, claim) for job, claim in claims if claim and self._dead(claim, epoch, now)]

    def _dead(self, claim: Claim, epoch: int, now: datetime) -> bool:
        return not claim.alive(epoch, now) or self._abandoned(claim)

    async def settle(self, job: str, claim: Claim) -> None:
        """Keep the record of the run behind this claim, unless it wrote that itself before its end; then close it.

        Whoever takes over finds it, and so does the next start of the job at the same time: one of them does it.
        """
        async with self._settling.setdefault(claim.run_id, asyncio.Lock()):
            still = self._state.of(job).open_claim
            if still and still.run_id == claim.run_id:
                kept = await self._kept(claim.run_id)
                await self._records.keep_orphan(kept or self._record(job, claim), told=kept is not None)
        self._settling.pop(claim.run_id, None)

    async def _kept(self, run_id: str) -> Run | None:
        try:
            async with asyncio.timeout(RECALL_SECONDS):
                return await self._recall(run_id)
        except (MaintdError, TimeoutError):
            return None  # where it is there and cannot be read now, it is not written over later

    def _record(self, job: str, claim: Claim) -> Run:
        now = self._clock()
        run = Run(
            run_id=claim.run_id,
            job=job,
            kind=claim.kind,
            target=claim.target,
            level=claim.level,
            mode=claim.mode,
            trigger="schedule" if claim.due else "manual",
            epoch=claim.epoch,
            due=claim.due,
            started=claim.at,
            ended=max(now, claim.at),
            late_seconds=round((claim.at - claim.due).total_seconds(), 3) if claim.due else 0,
            status=Status.INTERRUPTED,
            summary=f"{claim.holder}, where it ran, is gone; {_look(claim)}",
            maintd_version=__version__,
        )
        return _as_noted(run, self._state.of(job))


def _look(claim: Claim) -> str:
    if claim.mode == "act":
        return f"what it had changed by then is in its log lines, its evidence lies under evidence/{claim.run_id}/"
    return "what it had written by then is not whole, and nothing takes it for that"


def _as_noted(run: Run, entry: JobState) -> Run:
    """A run that had ended, and whose record was on its way: how it ended is in the state."""
    last = next((one for one in entry.last_runs if one.run_id == run.run_id), None)
    if last is None:
        return run
    said = f"{last.summary} (its own record was lost with {run.run_id}'s process)"
    return run.model_copy(update={"status": last.status, "ended": last.ended, "summary": said})
