"""Each job and each right that it needs, asked of the API server one by one."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby
from shlex import quote

from maintd.app.doctor.line import Line, ok, problem, unknown, warning
from maintd.app.doctor.visit import Cluster
from maintd.app.grants import grants_for
from maintd.cluster.access import allowed
from maintd.cluster.discovery import discover
from maintd.core.errors import Denied, JobError
from maintd.core.ports import Discovery
from maintd.core.rules import merged
from maintd.core.text import counted
from maintd.derive.rbac import Grants, by_namespace
from maintd.derive.rights import Right, collected, of_job, rows

_OWN = "maintd itself"
_AT_A_TIME = 32
"""Questions: each is small, there are hundreds, and from a laptop every one takes a while."""
_NAMED = 6
"""Resources that are named in a message; what follows it has them all."""


async def rights(cluster: Cluster) -> list[Line]:
    """A line a job; for each namespace where something is missing, its Role."""
    found, doubt = await _found(cluster)
    grants = grants_for(cluster.visit.settings, cluster.visit.file, found)
    needed = _needed(grants)
    asked = sorted({right for each in needed.values() for right in each})
    api = cluster.api.scoped(in_flight=_AT_A_TIME)
    try:
        answers = await asyncio.gather(*(allowed(api, right.rule, cluster.account) for right in asked))
    except Denied:
        return [_may_not_ask(cluster)]
    missing = {right for right, granted in zip(asked, answers, strict=True) if not granted}
    jobs = [_judged(who, [right for right in each if right in missing], len(each)) for who, each in needed.items()]
    roles = by_namespace(grants)
    return [*doubt, *jobs, *(_role(cluster, grants, where, roles[where]) for where in _namespaces(missing))]


async def _found(cluster: Cluster) -> tuple[Discovery | None, list[Line]]:
    """What the cluster has, where some job reads what not every cluster has."""
    if not any(job.kind.needs_found for job in cluster.visit.jobs):
        return None, []
    try:
        return await discover(cluster.api), []
    except JobError as error:
        return None, [warning("custom resources", f"not known, so no right to them is checked: {error}")]


def _needed(grants: Grants) -> Mapping[str, Collection[Right]]:
    """By who needs them; jobs in the order of jobs.yaml."""
    own = collected((rule, _OWN) for rule in grants.own)
    jobs = [job for job in grants.file.jobs if job.enabled]
    return {_OWN: own, **{job.name: collected(of_job(job, grants.gate, grants.found)) for job in jobs}}


def _judged(who: str, missing: list[Right], needed: int) -> Line:
    if not missing:
        return ok(who, f"has all {counted(needed, 'right')} that it needs" if needed else "needs no right")
    return problem(who, f"may not {_words(missing)}", _rules(missing))


def _words(missing: Iterable[Right]) -> str:
    """`list pods, jobs.batch in namespace a; get namespaces kube-system in the whole cluster`."""
    said = defaultdict[tuple[str, str, str], list[str]](list)
    for rule in merged(right.rule for right in missing):
        where = f"in namespace {rule.namespace}" if rule.namespace else "in the whole cluster"
        said[", ".join(rule.verbs), " ".join(["", *rule.names]), where].append(rule.resource)
    return "; ".join(f"{verbs} {_few(found)}{names} {where}" for (verbs, names, where), found in said.items())


def _few(resources: list[str]) -> str:
    more = [f"{len(resources) - _NAMED} more"] if len(resources) > _NAMED else []
    return ", ".join(resources[:_NAMED] + more)


def _rules(missing: Iterable[Right]) -> str:
    """What is missing and no more, to read; what is to be applied comes with the Role."""
    lines = ["# missing, as it stands in the Role that follows:"]
    for namespace, found in groupby(rows(dict.fromkeys(missing, ())), key=lambda row: row.namespace):
        lines.append(f"#   in namespace {namespace}:" if namespace else "#   in the whole cluster:")
        lines += [f"#   - {row.as_yaml()}" for row in found]
    return "\n".join(lines)


def _namespaces(missing: Iterable[Right]) -> list[str]:
    return sorted({right.namespace for right in missing})


def _role(cluster: Cluster, grants: Grants, namespace: str, role: str) -> Line:
    visit = cluster.visit
    live = " --live" if any(job.kind.needs_found for job in visit.jobs) else ""
    remedy = (
        f"{visit.maintd} render rbac{live} | {visit.kubectl} apply -f -\n"
        "# or this one alone; it grants what all jobs need there, what is missing included:\n"
        f"{visit.kubectl} apply -f - <<'EOF'\n{role}EOF"
    )
    subject = f"Role {grants.name} in {namespace}" if namespace else f"ClusterRole {grants.name}"
    return problem(subject, "is not there, or grants less than the jobs need", remedy)


def _may_not_ask(cluster: Cluster) -> Line:
    daemon, who = cluster.daemon, cluster.user or "USER"
    kubectl, role = cluster.visit.kubectl, "maintd-doctor"
    remedy = (
        "# ask where it runs:\n"
        f"{kubectl} exec -n {daemon.namespace} deploy/maintd -- maintd doctor\n"
        "# or have somebody who may grant rights let you ask about others:\n"
        f"{kubectl} create clusterrole {role} --verb=create --resource=subjectaccessreviews.authorization.k8s.io\n"
        f"{kubectl} create clusterrolebinding {role} --clusterrole={role} --user={quote(who)}"
    )
    return unknown(daemon.user, "none of its rights is known: you may not ask what others may", remedy)
