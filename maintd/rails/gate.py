"""The gate: the only way by which a kind changes the cluster.

plan (never-list, limits) → rights → ledger → evidence of all → changes → ledger → one Event when the run is over.
A dry run ends after the plan and what the ledger would grant, which are the same.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, JobError, Missing, NotLeading, Refused, Transient, Unreadable
from maintd.core.failpoints import reach
from maintd.core.outcome import Change
from maintd.core.ports import Deletion, Log, Store
from maintd.core.resource import Json
from maintd.objects.metadata import differs
from maintd.rails.announcement import announce
from maintd.rails.evidence import Evidence
from maintd.rails.flight import each
from maintd.rails.fuse import Fuse
from maintd.rails.ledger import Ledger, Quota, Reservation
from maintd.rails.plan import leave, plan
from maintd.rails.rights import check_rights
from maintd.rails.scope import Scope
from maintd.rails.ticket import Ticket

_ANNOUNCE_SECONDS = 5.0


class RailGate:
    """core.ports.Gate for one run; whoever makes it calls `close` when the run is over, however it ended."""

    def __init__(self, scope: Scope, api: Api, store: Store, ledger: Ledger, log: Log) -> None:
        self._scope = scope
        self._api = api
        self._reader = ClusterReader(api)
        self._writer = ClusterWriter(api)
        self._store = store
        self._evidence = Evidence(api, store, scope)
        self._quota = Quota(ledger, scope.limits)
        self._log = log
        self._fuse = Fuse()
        self._tickets: list[Ticket] = []
        self._begun = False
        self._deposed: NotLeading | None = None

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change so far: for the record of a run that ended before its kind could return them."""
        return tuple(ticket.change() for ticket in self._tickets)

    async def delete(self, wishes: Sequence[Deletion], *, population: int, now: datetime) -> tuple[Change, ...]:
        """As core.ports.Gate has it."""
        if self._begun:
            raise Refused("a run asks the gate once, with all it wishes for; limits are of all changes together")
        tickets = self._tickets = [Ticket(wish) for wish in wishes]
        try:
            chosen = plan(
                tickets, self._scope.limits, population=population, now=now, own_namespace=self._scope.own_namespace
            )
            if chosen:
                await (self._act(chosen, now) if self._scope.mode == "act" else self._rehearse(chosen, now))
        except JobError:
            leave([ticket for ticket in tickets if ticket.result is None], "the run ended before its first change")
            raise
        return self.changes

    async def close(self, now: datetime) -> None:
        """Say in one Kubernetes Event what the run changed. Never raises: the changes are made, and in the record."""
        try:
            async with asyncio.timeout(_ANNOUNCE_SECONDS):
                await announce(self._api, self._scope, self._tickets, self._store.url(self._evidence.folder), now)
        except (JobError, TimeoutError) as error:
            self._log.warning("event not written", error=str(error) or f"no answer in {_ANNOUNCE_SECONDS:.0f} s")

    async def _rehearse(self, chosen: Sequence[Ticket], now: datetime) -> None:
        granted = self._within_quota(chosen, await self._quota.foresee(len(chosen), now))
        self._begun = True
        for ticket in granted:
            ticket.close("planned")

    async def _act(self, chosen: Sequence[Ticket], now: datetime) -> None:
        await check_rights(self._api, [ticket.wish for ticket in chosen])
        started = asyncio.get_running_loop().time()
        entered = await self._quota.reserve(len(chosen), now)
        granted = self._within_quota(chosen, entered.number)
        self._begun = True
        try:
            reach("gate-reserved")
            await self._evidence.gather_events([ticket.wish for ticket in granted])
            await self._phase("evidence written", granted, self._prove)
            reach("gate-evidence-after")
            await self._phase("changes tried", [one for one in granted if one.result is None], self._change)
            if self._deposed:
                raise self._deposed
        finally:
            ended = now + timedelta(seconds=asyncio.get_running_loop().time() - started)
            await self._settle(entered, made=sum(ticket.sent for ticket in granted), ended=ended)

    async def _phase(self, event: str, tickets: Sequence[Ticket], work: Callable[[Ticket], Awaitable[None]]) -> None:
        started = asyncio.get_running_loop().time()
        await each(tickets, work, width=self._scope.in_flight)
        seconds = round(asyncio.get_running_loop().time() - started, 3)
        self._log.info(event, objects=len(tickets), seconds=seconds)

    def _within_quota(self, chosen: Sequence[Ticket], number: int) -> Sequence[Ticket]:
        leave(chosen[number:], f"over per_day {self._scope.limits.per_day}: the oldest go first")
        return chosen[:number]

    async def _prove(self, ticket: Ticket) -> None:
        """Write the evidence of an object that is still what was judged; where that fails, close its ticket."""
        obj = await self._as_judged(ticket)
        if obj is None:
            return
        try:
            ticket.evidence = await self._evidence.write(ticket.wish, obj)
        except JobError as error:
            ticket.close("failed", f"evidence could not be written, so it was left alone: {error}")

    async def _as_judged(self, ticket: Ticket) -> Json | None:
        """The object, read again; None, and the ticket closed, where it is not what was judged."""
        wish = ticket.wish
        try:
            with self._fuse.guard("the API server"):
                obj = await self._reader.get(wish.resource, wish.object.name, wish.object.namespace or None)
        except Missing:
            ticket.close("gone", "it was no longer there")
            return None
        except JobError as error:
            ticket.close("failed", f"could not be read before the change: {error}")
            return None
        changed = differs(wish, obj)
        if changed:
            ticket.close("kept", changed)
            return None
        return obj

    async def _change(self, ticket: Ticket) -> None:
        wish = ticket.wish
        try:
            with self._fuse.guard("the API server"):
                reach("gate-delete-before")
                ticket.sent = True
                result = await self._writer.delete(wish.resource, wish.object, wish.resource_version)
                reach("gate-delete-after")
        except (Transient, Unreadable) as error:  # it may have been made: it counts for the limits
            ticket.close("failed", str(error))
        except Conflict:
            ticket.sent = False
            ticket.close("kept", "it changed since it was judged")
        except NotLeading as error:  # the others are left, too: each is asked about by itself
            ticket.sent, self._deposed = False, error
            ticket.close("left", str(error))
        except JobError as error:
            ticket.sent = False
            ticket.close("failed", str(error))
        else:
            ticket.close(result, "" if result == "done" else "it was no longer there")
        self._log.info("change tried", **ticket.summary())

    async def _settle(self, entered: Reservation, *, made: int, ended: datetime) -> None:
        try:
            reach("gate-settle-before")
            await self._quota.settle(entered, made, ended)
        except JobError as error:
            self._log.warning("ledger not settled", error=str(error), consequence="today's count is too high")
