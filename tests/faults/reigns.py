"""What the API server's history says of reigns: whose writes came when another had begun, and on what terms."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from maintd.sandbox.audit import Request

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})

Begun = Mapping[int, datetime]
"""Epoch → when the Lease was first seen to say it."""


def late(requests: Iterable[Request], begun: Begun) -> Iterator[tuple[Request, float]]:
    """Writes of a reign that came when a later one had begun, and how many seconds after that."""
    for each in requests:
        if not each.epoch or each.verb not in _WRITES or each.dry_run:
            continue
        since = min((at for epoch, at in begun.items() if epoch > each.epoch), default=each.time)
        if since < each.time:
            yield each, (each.time - since).total_seconds()


def overlap(requests: Iterable[Request], begun: Begun) -> float:
    """For how many seconds at most two reigns wrote; 0: never."""
    return max((seconds for _, seconds in late(requests, begun)), default=0.0)


def trespasses(requests: Sequence[Request], begun: Begun, longest: float) -> Iterator[str]:
    """What no reign may do. `longest`: seconds that a write may be under way."""
    for each, seconds in late(requests, begun):
        if not (each.uid or each.resource_version):
            yield f"{_said(each)} came {seconds:.2f} s after its reign, and with no precondition"
    for each in requests:
        if each.verb == "delete" and not each.dry_run and not (each.uid and each.resource_version):
            yield f"{_said(each)} demands no uid and version"
    if overlap(requests, begun) > longest:
        yield f"two reigns wrote for {overlap(requests, begun):.2f} s"


def _said(request: Request) -> str:
    return f"{request.verb} {request.path} of {request.user_agent}"
