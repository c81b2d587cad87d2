"""Starts that are written down before they happen, so that what acts or protects is started once a due instant.

A claim is made in the home of the state by compare-and-swap, all that fell due together in one write. It names the
process and its reign: under a later reign it is dead, and under none may an older reign claim.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from maintd.core.errors import Conflict, NotLeading, Transient, Unreadable
from maintd.core.failpoints import reach
from maintd.core.guard import Guard
from maintd.scheduling.entry import BLANK, Claim, Entries, JobState
from maintd.scheduling.judgement import Orphan, obstacle
from maintd.scheduling.obstacle import Obstacle
from maintd.scheduling.ring import Ring
from maintd.scheduling.state import State

FENCE = "leader.epoch"
"""The entry that holds the last reign's number. No job can be called so: their names have no dots."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 5.0
"""Seconds between attempts while the state cannot be written, or nobody leads."""
LATER = (Transient, Conflict, NotLeading, Unreadable)
"""What may be otherwise at the next attempt."""
_AFTER_TIMEOUT = timedelta(minutes=1)
"""How much longer than its timeout a run may take to end."""


class Leadership(Protocol):
    """Whose reign it is."""

    identity: str
    """This process's name among all that share the state."""

    def current(self) -> Guard:
        """Raises NotLeading where nothing may be claimed."""
        ...


@dataclass(slots=True)
class _Ask:
    """`found` is taken out of it: an error that it kept would hold the frames of the write, which hold it."""

    ring: Ring
    answer: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    found: Obstacle | Orphan | Guard | Exception | None = None


class Claims:
    """Of one process. `settle` gives a claim whose process is gone its record, and closes it."""

    def __init__(
        self,
        state: State,
        leadership: Leadership,
        *,
        clock: Callable[[], datetime],
        settle: Callable[[str, Claim], Awaitable[None]],
    ) -> None:
        self._state = state
        self._leadership = leadership
        self._clock = clock
        self._settle = settle
        self._asks: list[_Ask] = []
        self._waiting: dict[str, float] = {}
        """Run id → since when its start waits to be written down, on the loop's clock."""
        self._writer: asyncio.Task[None] | None = None

    def waiting_seconds(self) -> float:
        """How long the oldest start has waited to be written down; 0 where none waits."""
        now = asyncio.get_running_loop().time()
        return max((now - since for since in self._waiting.values()), default=0.0)

    async def take(self, ring: Ring, patience: timedelta) -> Obstacle | Guard:
        """The reign in which the start is written down. Waits so long for a home that is away, or to be the leader.

        Raises what the last attempt raised.
        """
        self._waiting[ring.run_id] = asyncio.get_running_loop().time()
        try:
            return await self._taken(ring, patience)
        finally:
            del self._waiting[ring.run_id]

    async def _taken(self, ring: Ring, patience: timedelta) -> Obstacle | Guard:
        clock, pause = asyncio.get_running_loop().time, FIRST_PAUSE
        end = clock() + patience.total_seconds()
        while True:
            try:
                found = await self._asked(ring)
            except LATER:
                if clock() + pause >= end:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            if not isinstance(found, Orphan):
                return found
            await self._settle(ring.job.name, found.claim)

    async def _asked(self, ring: Ring) -> Obstacle | Orphan | Guard:
        ask = _Ask(ring)
        self._asks.append(ask)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="claims")
        await ask.answer
        found, ask.found = ask.found, None
        if found is None:
            raise RuntimeError(f"nobody judged the claim of {ring.run_id}")
        try:
            if isinstance(found, Exception):
                raise found
            return found
        finally:
            del found  # an error would hold this frame, which holds it

    async def _write(self) -> None:
        """All asks that came meanwhile in one write, until there are no more."""
        while self._asks:
            asks, self._asks = [ask for ask in self._asks if not ask.answer.done()], []
            try:
                reach("claim-before")
                await self._state.change(partial(self._enter, asks))
                reach("claim-after")
            except Exception as error:  # noqa: BLE001 - each who asked is told
                _answer(asks, error)
            else:
                _answer(asks)

    def _enter(self, asks: list[_Ask], entries: Entries) -> None:
        guard, now = self._leadership.current(), self._clock()
        epoch = fenced(entries, guard.epoch)
        for ask in asks:
            ask.found = found = _judged(entries, ask.ring, epoch, now) or guard
            if found is guard:
                name = ask.ring.job.name
                entries[name] = self._claimed(entries.get(name, BLANK), ask.ring, guard.epoch, now)

    def _claimed(self, entry: JobState, ring: Ring, epoch: int, now: datetime) -> JobState:
        if entry.open_claim and entry.open_claim.run_id == ring.run_id:
            return entry
        claim = Claim(
            run_id=ring.run_id,
            due=ring.due,
            holder=self._leadership.identity,
            epoch=epoch,
            at=now,
            until=now + ring.job.timeout + _AFTER_TIMEOUT,
            before=entry.last_due,
            rerun_of=ring.rerun_of,
            kind=ring.job.kind.name,
            mode=ring.mode,
            level=ring.job.kind.level,
            target=ring.job.target_name,
        )
        return entry.model_copy(update={"open_claim": claim, "last_due": ring.due or entry.last_due})


def _answer(asks: list[_Ask], error: Exception | None = None) -> None:
    for ask in asks:
        if not ask.answer.done():
            ask.found = error or ask.found
            ask.answer.set_result(None)


def _judged(entries: Entries, ring: Ring, epoch: int, now: datetime) -> Obstacle | Orphan | Exception | None:
    """As `obstacle`; what it raises is about this ring and no other, which are written down with it."""
    try:
        return obstacle(entries, ring, epoch, now)
    except Exception as error:  # noqa: BLE001 - a damaged hold, the rights of a kind from elsewhere
        return error


def begin(entries: Entries, epoch: int) -> None:
    """Let no reign before this one claim anything any more. Raises NotLeading where this one is not the latest."""
    if entries.get(FENCE, BLANK).epoch >= epoch:
        raise NotLeading(f"reign {epoch} is not the latest: {FENCE} in the state says {entries[FENCE].epoch}")
    entries[FENCE] = entries.get(FENCE, BLANK).model_copy(update={"epoch": epoch})


def fenced(entries: Entries, epoch: int) -> int:
    """The reign it is. Raises NotLeading where that is a later one than `epoch`; 0 is nobody's and never too early."""
    reigning = entries.get(FENCE, BLANK).epoch
    if epoch and reigning > epoch:
        raise NotLeading(f"another maintd leads since, in reign {reigning}; this one was reign {epoch}")
    return reigning
