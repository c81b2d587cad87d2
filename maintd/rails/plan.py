"""What of all wishes a run may try: pure decisions, the same for a dry run and for acting."""

from collections.abc import Sequence
from datetime import datetime

from maintd.core.errors import Refused
from maintd.core.limits import Limits
from maintd.core.text import counted
from maintd.rails.protection import why_kept
from maintd.rails.ticket import Ticket


def plan(
    tickets: Sequence[Ticket], limits: Limits, *, population: int, now: datetime, own_namespace: str
) -> list[Ticket]:
    """The tickets to go on with, oldest first; the others are closed as `kept` or `left`.

    Raises Refused where the candidates are more than `abort_over` allows; what a rail keeps is no candidate.
    """
    for ticket in tickets:
        reason = why_kept(ticket.wish, now=now, min_age=limits.min_age, own_namespace=own_namespace)
        if reason:
            ticket.close("kept", reason)
    candidates = [ticket for ticket in tickets if ticket.result is None]
    _check_abort_over(len(candidates), limits, population)
    candidates.sort(key=lambda ticket: (ticket.wish.since, ticket.wish.object.namespace, ticket.wish.object.name))
    leave(candidates[limits.max_count :], f"over max_count {limits.max_count}: the oldest go first")
    return candidates[: limits.max_count]


def leave(tickets: Sequence[Ticket], reason: str) -> None:
    """Close tickets as left for the next run."""
    for ticket in tickets:
        ticket.close("left", reason)


def _check_abort_over(candidates: int, limits: Limits, population: int) -> None:
    ceiling = limits.ceiling(population)
    if ceiling is None or candidates <= ceiling:
        return
    allowed = (
        f"{limits.abort_over} of them, at most {ceiling:,}" if isinstance(limits.abort_over, str) else f"{ceiling:,}"
    )
    raise Refused(
        f"nothing was changed: {counted(candidates, 'candidate')} among {counted(population, 'object')} listed, and "
        f"abort_over is {allowed}; look at why they are so many, then narrow the job or raise limits.abort_over"
    )
