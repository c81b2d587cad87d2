"""All checks at once, each with a bound, told in the same order every time."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from maintd.app.doctor.bucket import bucket
from maintd.app.doctor.environment import environment
from maintd.app.doctor.gke import gke
from maintd.app.doctor.jobsfile import hosts, mount, schedules
from maintd.app.doctor.line import Examined, Line, problem, unknown
from maintd.app.doctor.places import namespaces, state
from maintd.app.doctor.rights import rights
from maintd.app.doctor.server import clock, reach, server
from maintd.app.doctor.store import store
from maintd.app.doctor.verifier import verifier
from maintd.app.doctor.visit import Cluster, Visit
from maintd.cluster.api import Api
from maintd.core.errors import MaintdError

T = TypeVar("T")

PATIENCE_SECONDS = 12.0
"""Longer than it takes to find out that there is no metadata server, and no longer than somebody waits."""

_CLUSTER: Mapping[str, Callable[[Cluster], Awaitable[list[Line]]]] = {
    "api server": server,
    "clock": clock,
    "rights": rights,
    "verifier": verifier,
    "state": state,
    "namespaces": namespaces,
}
_REST: Mapping[str, Callable[[Visit], Awaitable[list[Line]]]] = {
    "store": store,
    "bucket": bucket,
    "gke": gke,
    "jobs.yaml": mount,
    "schedules": schedules,
    "hosts": hosts,
    "environment": environment,
}


async def examine(visit: Visit, api: Api | str, patience: float = PATIENCE_SECONDS) -> list[Examined]:
    """Every check with what it found; one that found nothing to look at has no lines. Never raises."""
    rest = [asyncio.create_task(_bounded(name, check(visit), patience)) for name, check in _REST.items()]
    return [*await _of_cluster(visit, api, patience), *await asyncio.gather(*rest)]


async def _of_cluster(visit: Visit, api: Api | str, patience: float) -> list[Examined]:
    first, *others = _CLUSTER
    if isinstance(api, str):
        return _unasked(problem("", api), first, others)
    to_reach = patience / 3
    cluster = await _answer(reach(visit, api), to_reach)
    if isinstance(cluster, Line):
        remedy = f"{visit.kubectl} get --raw /readyz"
        return _unasked(replace(cluster, subject=await api.server(), remedy=remedy), first, others)
    found = (_bounded(name, check(cluster), patience - to_reach) for name, check in _CLUSTER.items())
    return list(await asyncio.gather(*found))


def _unasked(line: Line, first: str, others: list[str]) -> list[Examined]:
    """Without an answer to the first question the others are not asked, and not well either."""
    silent = unknown("", "not known: the API server did not answer")
    return [Examined(first, (line,)), *(Examined(name, (silent,)) for name in others)]


async def _bounded(name: str, lines: Awaitable[list[Line]], patience: float) -> Examined:
    found = await _answer(lines, patience)
    return Examined(name, (found,) if isinstance(found, Line) else tuple(found))


async def _answer(question: Awaitable[T], patience: float) -> T | Line:
    """The answer, or a line that says why there is none."""
    try:
        async with asyncio.timeout(patience):
            return await question
    except TimeoutError:
        return problem("", f"no answer within {patience:g} s; look at the network and DNS")
    except MaintdError as error:
        return problem("", str(error))
    except Exception as error:  # noqa: BLE001 - whoever looks for a fault must hear of the others too
        said = f"the check itself failed with {type(error).__name__}: that is a defect of maintd; report it"
        return unknown("", said)
