"""Roles and their bindings for the jobs of one jobs.yaml, as YAML that kubectl applies and a person reads."""

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from maintd.config.jobs import JobsFile
from maintd.core.limits import MANAGED_BY
from maintd.core.ports import Discovery
from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.derive.rights import Asked, Gate, Row, collected, of_job, rows
from maintd.objects.manifest_yaml import emit

ACCOUNT = "maintd"
"""The ServiceAccount that the rights are given to, in maintd's own namespace."""
_GROUP = "rbac.authorization.k8s.io"
_WIDTH = 110


@dataclass(frozen=True, slots=True)
class Holder:
    """The ServiceAccount that rights are given to."""

    namespace: str
    account: str = ACCOUNT

    @property
    def name(self) -> str:
        """What its Roles are called: two maintds in one cluster do not take each other's."""
        return self.account if self.namespace == ACCOUNT else f"{self.account}-{self.namespace}"


@dataclass(frozen=True, slots=True)
class Grants:
    """What the Roles of one jobs.yaml follow from."""

    file: JobsFile
    namespace: str
    """maintd's own."""
    gate: Gate
    own: Iterable[Rule]
    """What maintd needs whatever its jobs are."""
    found: Discovery | None = None
    """What the cluster has, where it was asked."""

    @property
    def name(self) -> str:
        """What the Roles are called."""
        return Holder(self.namespace).name

    def asked(self) -> Asked:
        """Every rule, with who asks for it; nothing is for a job that is not enabled."""
        yield from ((rule, "maintd itself, for its state") for rule in self.own)
        for job in self.file.jobs:
            if job.enabled:
                yield from of_job(job, self.gate, self.found)


def text(grants: Grants) -> str:
    """A Role and a RoleBinding in each namespace that a job needs rights in, a ClusterRole only where one needs it."""
    return "".join([*_head(grants), *by_namespace(grants).values()])


def by_namespace(grants: Grants) -> Mapping[str, str]:
    """The same, each Role with its binding under its namespace; the ClusterRole's is empty."""
    return roles(Holder(grants.namespace), grants.asked())


def roles(holder: Holder, asked: Asked) -> Mapping[str, str]:
    """Roles and their bindings for whoever holds the rights that are asked for, by their namespace."""
    written = groupby(rows(collected(asked)), key=lambda row: row.namespace)
    return {namespace: _role(holder, namespace, found) for namespace, found in written}


def _head(grants: Grants) -> Iterator[str]:
    yield f"# What maintd may do in the cluster: no more than the jobs of {grants.file.path.name} need.\n"
    yield "# Written by `maintd render rbac`; edit the jobs and render again. Above each rule: who needs it.\n"
    for note, jobs in _notes(grants).items():
        yield from comment(f"{note}: {', '.join(jobs)}") if jobs else ()


def _notes(grants: Grants) -> Mapping[str, list[str]]:
    jobs = [job for job in grants.file.jobs if job.enabled]
    of_cluster = [job.name for job in jobs if job.kind.needs_found]
    asked = grants.found is not None
    return {
        "Not enabled, so without rights": [job.name for job in grants.file.jobs if not job.enabled],
        "In dry-run, so without the right to change; render again after `mode: act`": [
            job.name for job in jobs if job.mode == "dry-run"
        ],
        "Without the custom resources of the cluster; to list them, render with --live": [] if asked else of_cluster,
        "With the custom resources that the cluster has": of_cluster if asked else [],
        "Not in here, since their API did not answer": sorted(grants.found.failed) if grants.found else [],
    }


def _role(holder: Holder, namespace: str, found: Iterable[Row]) -> str:
    kind = "Role" if namespace else "ClusterRole"
    subject = {"kind": "ServiceAccount", "name": holder.account, "namespace": holder.namespace}
    reference = {"apiGroup": _GROUP, "kind": kind, "name": holder.name}
    rules = "".join(line for row in found for line in _rule(row))
    binding = _object(holder, f"{kind}Binding", namespace) | {"roleRef": reference, "subjects": [subject]}
    return f"{emit(_object(holder, kind, namespace))}rules:\n{rules}{emit(binding)}"


def _object(holder: Holder, kind: str, namespace: str) -> Json:
    labels = {"app.kubernetes.io/name": "maintd", MANAGED_BY: "maintd"}
    where = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": kind,
        "metadata": {"name": holder.name, **where, "labels": labels},
    }


def _rule(row: Row) -> Iterator[str]:
    yield from comment(", ".join(row.needed_by), "  ")
    yield from _list("- apiGroups", (row.group,))
    yield from _list("  resources", row.resources)
    if row.names:
        yield from _list("  resourceNames", row.names)
    yield from _list("  verbs", row.verbs)


def comment(said: str, pad: str = "") -> Iterator[str]:
    """Lines that are not too long."""
    lines = textwrap.wrap(said, _WIDTH, break_long_words=False, break_on_hyphens=False)
    yield from (f"{pad}# {line}\n" for line in lines)


def _list(key: str, values: Iterable[str]) -> Iterator[str]:
    """In quotes throughout, as Kubernetes' own examples have it: a namespace may well be called `on` or `1e3`."""
    said = f"{key}: {json.dumps(list(values))}"
    lines = textwrap.wrap(said, _WIDTH, subsequent_indent=" " * 6, break_long_words=False, break_on_hyphens=False)
    yield from (f"  {line}\n" for line in lines)
