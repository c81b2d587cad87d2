"""One candidate's dealings with the Lease: it looks at it, claims it, renews it and gives it back."""

import contextlib
import math
import secrets
from dataclasses import replace

from maintd.core.errors import Conflict
from maintd.core.ports import Log
from maintd.election.lease_homes import LeaseHome
from maintd.election.lease_record import Record, stamp
from maintd.election.reign import Clock, Reign
from maintd.election.sighting import Sighting

_RACES = 3
"""How often others may change the Lease while we write."""


class Tenant:
    """Knows a write of its own again when it sees it, so that a lost reply costs nothing. Raises what the home raises.

    Every write counts from when it was begun: the server cannot have taken it before.
    """

    def __init__(self, home: LeaseHome, identity: str, seconds: float, sighting: Sighting, clock: Clock) -> None:
        self._home = home
        self._identity = identity
        self._seconds = seconds
        self._sighting = sighting
        self._clock = clock
        self._mine = Record()
        self._begun = -math.inf
        self._reigned = 0

    @property
    def elected(self) -> bool:
        """A claim of ours stands, and was begun so lately that there is time to act."""
        fresh = self._clock() - self._begun < self._seconds / 3
        return fresh and self._mine.epoch > self._reigned and self._standing

    @property
    def _standing(self) -> bool:
        """What we wrote last, and have not taken back, is what the Lease was seen to say."""
        return bool(self._mine.holder) and self._sighting.record == self._mine

    async def look(self) -> bool:
        """See what the Lease says; True when it is news."""
        return self._sighting.see(*await self._home.load())

    async def claim(self) -> None:
        """Write ourselves in. Raises Conflict where another was faster."""
        old, now, epoch = self._sighting.record, stamp(), self._sighting.next_epoch
        transitions = old.transitions + 1 if old else 0
        await self._write(Record(self._identity, epoch, self._seconds, now, now, transitions))

    def reign(self) -> Reign:
        """What the claim is good for: two thirds of the lease. One reign a claim."""
        self._reigned = self._mine.epoch
        return Reign(self._mine.epoch, self._begun, self._seconds * 2 / 3, self._clock)

    async def renew(self, reign: Reign) -> str:
        """Empty, or why it is no longer ours. One PUT while no reply is lost and nobody else touches the Lease."""
        sure = self._standing
        for _ in range(_RACES):
            if not sure:
                await self.look()
                if why := self._usurped(reign.epoch):
                    return why
                if self._standing:
                    reign.renewed(self._begun)
            try:
                await self._write(replace(self._mine, renewed=stamp()))
            except Conflict:
                sure = False
                continue
            reign.renewed(self._begun)
            return ""
        raise Conflict(f"{self._home.describe()} was changed by others {_RACES} times while it was renewed")

    async def release(self, log: Log) -> None:
        """Give it back, so that others need not wait, where it may be ours. Whoever calls has stopped acting before."""
        mine = self._mine
        for _ in range(_RACES if mine.holder else 0):
            if self._sighting.holder == self._identity:
                with contextlib.suppress(Conflict):
                    await self._write(replace(mine, holder="", seconds=1.0, released=True))
                    log.info("leadership released", epoch=mine.epoch, lease=self._home.describe())
                    return
            await self.look()
            if self._sighting.holder != self._identity:
                return

    def forgo(self) -> None:
        """Give nothing back: others are to wait until the lease has run out."""
        self._mine = Record()

    async def _write(self, record: Record) -> None:
        self._mine, self._begun = replace(record, write=secrets.token_hex(8)), self._clock()
        self._sighting.see(self._mine, await self._home.save(self._mine, self._sighting.token))

    def _usurped(self, epoch: int) -> str:
        found, what = self._sighting.record, self._home.describe()
        if found is None:
            return f"{what} was deleted"
        if (found.holder, found.epoch) == (self._identity, epoch):
            return ""
        return f"{what} says that {found.holder or 'nobody'} leads, epoch {found.epoch}"
