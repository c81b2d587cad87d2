"""The GKE API, for each cluster that some job asks Google about."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from maintd.app.doctor.line import Line, ok, problem, warning
from maintd.app.doctor.visit import Visit
from maintd.core.errors import Denied, JobError
from maintd.core.ports import Gke
from maintd.core.target import GkeCluster
from maintd.gcp.question import GET, LIST, OPERATIONS

_QUESTIONS: Mapping[str, Callable[[Gke], Awaitable[object]]] = {
    GET: lambda gke: gke.cluster(),
    LIST: lambda gke: gke.server_config(),
    OPERATIONS: lambda gke: gke.operations(),
}
"""What can only be answered with each of Google's permissions."""


async def gke(visit: Visit) -> list[Line]:
    """A line a cluster, or one a permission that is missing; where even the first is refused, one is enough."""
    asked: dict[GkeCluster, set[str]] = {}
    for job in visit.jobs:
        if job.target.gke:
            wanted = {permission.name for permission in job.kind.permissions(job.params, job.target)}
            asked.setdefault(job.target.gke, set()).update(wanted & _QUESTIONS.keys())
    found = await asyncio.gather(*(_cluster(visit, where, sorted(each)) for where, each in asked.items() if each))
    return [line for lines in found for line in lines]


async def _cluster(visit: Visit, where: GkeCluster, permissions: list[str]) -> list[Line]:
    subject = f"{where.project}/{where.location}/{where.cluster}"
    reader = visit.google.of(where)
    first, *others = permissions
    if error := await _error(_QUESTIONS[first](reader)):
        return [_line(visit, subject, error)]
    errors = await asyncio.gather(*(_error(_QUESTIONS[each](reader)) for each in others))
    refused = [_line(visit, subject, error) for error in errors if error]
    return refused or [ok(subject, f"Google answers ({', '.join(permissions)})")]


async def _error(question: Awaitable[object]) -> JobError | None:
    try:
        await question
    except JobError as error:
        return error
    return None


def _line(visit: Visit, subject: str, error: JobError) -> Line:
    if isinstance(error, Denied) and not visit.in_pod:
        remedy = f"{visit.kubectl} exec -n {visit.settings.namespace} deploy/maintd -- maintd doctor"
        return warning(subject, f"Google refuses you, which says nothing about maintd: {error}", remedy)
    return problem(subject, str(error))
