"""What the API server's history says of reigns: whose writes came, in what order, and on what terms."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from maintd.sandbox.audit import Request

_WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


def writes(requests: Iterable[Request]) -> list[Request]:
    """What was sent under a reign to change something."""
    return [each for each in requests if each.epoch and each.verb in _WRITES and not each.dry_run]


def late(requests: Iterable[Request]) -> Iterator[Request]:
    """Writes of a reign that came when a later one was seen to write already."""
    newest = 0
    for each in writes(requests):
        epoch = each.epoch or 0
        if epoch < newest:
            yield each
        newest = max(newest, epoch)


def overlap(requests: Sequence[Request]) -> float:
    """For how many seconds at most the writes of two reigns were mixed."""
    spans: dict[int, list[Request]] = {}
    for each in writes(requests):
        spans.setdefault(each.epoch or 0, []).append(each)
    ordered = [spans[epoch] for epoch in sorted(spans)]
    mixed = ((one[-1].time - after[0].time).total_seconds() for one, after in pairwise(ordered))
    return max(mixed, default=0.0)


def trespasses(requests: Sequence[Request], longest: float) -> Iterator[str]:
    """What no reign may do. `longest`: seconds that a write may be under way."""
    for each in late(requests):
        if not (each.uid or each.resource_version):
            yield f"{_said(each)} came under a reign that was over, and with no precondition"
    for each in requests:
        if each.verb == "delete" and not each.dry_run and not (each.uid and each.resource_version):
            yield f"{_said(each)} demands no uid and version"
    mixed = overlap(requests)
    if mixed > longest:
        yield f"the writes of two reigns are mixed for {mixed:.2f} s"


def _said(request: Request) -> str:
    return f"{request.verb} {request.path} of {request.user_agent}"
