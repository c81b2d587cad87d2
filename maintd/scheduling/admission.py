"""From a ring to its start: the run before it, its claim, its turn; or what was in the way."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from maintd.core.errors import MaintdError, NotLeading
from maintd.core.outcome import Status
from maintd.core.ports import Log
from maintd.core.units import format_duration
from maintd.scheduling.claims import LATER, Claims
from maintd.scheduling.judgement import unwanted
from maintd.scheduling.obstacle import Obstacle
from maintd.scheduling.ring import Ring
from maintd.scheduling.state import State
from maintd.scheduling.turns import Crowd, Turns, Waits

BY_HAND = timedelta(seconds=5)
"""How long somebody who typed waits for a state that is away."""


@dataclass(slots=True)
class _Place:
    """A ring that waits for the run before it of the same job."""

    ring: Ring
    turn: asyncio.Future[None]


class Admission:
    """Of one runner. `busy` has what is under way or waits for its turn, by job."""

    def __init__(
        self, state: State, claims: Claims, crowd: Crowd, log: Log, *, clock: Callable[[], datetime], size: int
    ) -> None:
        """`crowd` is told who waits for a turn. `size`: so many run at once."""
        self.busy: dict[str, Ring] = {}
        self.waits = Waits()
        self._turns = Turns(size)
        self._taken: dict[str, Turns] = {}
        self._queued: dict[str, _Place] = {}
        self._state = state
        self._claims = claims
        self._crowd = crowd
        self._log = log
        self._clock = clock

    async def enter(self, ring: Ring) -> Ring | Obstacle | None:
        """The ring, under the reign it will run in: whoever gets it owes a `give` and a `leave`. None: say
        nothing of it, for the next maintd will ring it.
        """
        name = ring.job.name
        if name in self.busy:
            if ring.job.overlap == "skip" or name in self._queued:
                return self._before_it(name)
            place = self._queued[name] = _Place(ring, asyncio.get_running_loop().create_future())
            if not await self.waits.until(place.turn):
                return self._cut(ring)
        self.busy[name] = ring
        try:
            found = await self._inside(ring)
        except BaseException:
            self.leave(name)
            raise
        if not isinstance(found, Ring):
            self.leave(name)
        return found

    def resize(self, size: int) -> None:
        """So many run at once from now on; what runs already is not counted again."""
        self._turns = Turns(size)

    def give(self, ring: Ring) -> None:
        """Its turn is over."""
        self._taken.pop(ring.run_id).give()

    def leave(self, name: str) -> None:
        """Hand the job over to the ring that waits for it, or free it."""
        place = self._queued.pop(name, None)
        if place is None or place.turn.done():
            del self.busy[name]
        else:
            self.busy[name] = place.ring
            place.turn.set_result(None)

    async def _inside(self, ring: Ring) -> Ring | Obstacle | None:
        claimed = await self._claimed(ring) if ring.claims else self._looked(ring)
        if not isinstance(claimed, Ring):
            return claimed
        turns = self._turns
        if not await self._took(turns):
            return self._cut(ring)
        late = self._late(claimed)
        if isinstance(late, Ring):
            self.busy[ring.job.name] = late
            self._taken[ring.run_id] = turns
        else:
            turns.give()
        return late

    def _looked(self, ring: Ring) -> Ring | Obstacle:
        return unwanted(self._state.entries, ring, self._clock()) or ring

    async def _claimed(self, ring: Ring) -> Ring | Obstacle | None:
        patience = ring.latest - self._clock() if ring.latest else BY_HAND
        taking = asyncio.create_task(self._claims.take(ring, patience), name=f"claim {ring.run_id}")
        if not await self.waits.until(taking):
            return self._cut(ring)
        try:
            found = taking.result()
        except LATER as error:
            return self._unclaimed(ring, error, Status.MISSED if ring.due else Status.FAILED)
        except MaintdError as error:
            return self._unclaimed(ring, error, Status.FAILED)
        finally:
            del taking  # an error of the task's would hold this frame, which holds the task
        return found if isinstance(found, Obstacle) else replace(ring, guard=found)

    def _unclaimed(self, ring: Ring, error: MaintdError, status: Status) -> Ring | Obstacle:
        if ring.due is None and ring.mode != "act":  # a backup by hand is worth more than its claim
            self._log.warning("run not claimed", run_id=ring.run_id, error=str(error))
            return ring
        return Obstacle(f"its start could not be written down before it: {error}", status=status, error=str(error))

    async def _took(self, turns: Turns) -> bool:
        turn = turns.take()
        if turn.done():
            return True
        self._crowd.join()
        try:
            return await self.waits.until(turn)
        finally:
            self._crowd.leave()

    def _late(self, ring: Ring) -> Ring | Obstacle | None:
        """What became of the ring while it waited."""
        if self.waits.over:
            return self._cut(ring)
        deadline = ring.job.start_deadline
        if deadline and ring.due and self._clock() - ring.due > deadline:
            return Obstacle(
                f"could not start within its start_deadline of {format_duration(deadline)}", status=Status.MISSED
            )
        try:
            ring.guard.seconds_left()
        except NotLeading:
            return None  # its claim is there, and the next reign gives it its record
        return unwanted(self._state.entries, ring, self._clock()) or ring

    def _cut(self, ring: Ring) -> Obstacle | None:
        if not self.waits.over:
            return None  # the reign is over: the next one finds what was due
        if not ring.made_up_for:
            return Obstacle("maintd was stopping before its turn came", status=Status.MISSED)
        self._state.note(ring.job.name, lambda entry: entry.unclaimed(ring.run_id))
        return None

    def _before_it(self, name: str) -> Obstacle:
        place = self._queued.get(name)
        other = place.ring.run_id if place else self.busy[name].run_id
        return Obstacle(f"{other} of the same job {'waits to run next' if place else 'is still running'}", other)
