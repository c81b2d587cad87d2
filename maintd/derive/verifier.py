"""Roles for whoever asks by dry runs whether backups could be restored: to write what the backup jobs read.

RBAC knows no dry run: these rights are harmless only beside the ValidatingAdmissionPolicy that refuses everything else.
So what no such policy is asked about is not among them: what admission itself is made of, and whatever another server
than the API server serves.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maintd.config.jobs import JobsFile
from maintd.core.limits import is_system_namespace
from maintd.core.ports import Discovery
from maintd.core.resource import NAMESPACES
from maintd.core.rules import Rule, reading
from maintd.derive.rbac import Holder, comment, roles
from maintd.objects.builtin import NAMESPACED, UNNAMESPACED

ACCOUNT = "maintd-verifier"
_ADMISSION = "admissionregistration.k8s.io"
_SECRETS = "secrets"


@dataclass(frozen=True, slots=True)
class Verifier:
    """What its Roles follow from."""

    file: JobsFile
    namespace: str
    """maintd's own."""
    state: Iterable[Rule]
    """What it takes to keep maintd's state, of which the verifier reads alone."""
    found: Discovery | None = None
    """What the cluster has, where it was asked."""
    defined: frozenset[str] = frozenset()
    """Names of the CustomResourceDefinitions that the cluster has."""

    @property
    def read(self) -> Iterator[tuple[Rule, str]]:
        """What the backup jobs may read, with who asks for it: they alone read whatever discovery finds."""
        for job in self.file.jobs:
            if job.enabled and job.kind.needs_found:
                yield from ((rule, job.name) for rule in job.kind.rules(job.params, job.target, self.found))

    def asked(self) -> Iterator[tuple[Rule, str]]:
        """Every rule, with who asks for it."""
        yield from ((rule, "maintd itself, for its state") for rule in reading(self.state))
        yield from ((writing, job) for rule, job in self.read for writing in self._writing(rule))

    def unguarded(self, resource: str) -> bool:
        """Whether another server than the API server may serve it, and takes what no policy has looked at."""
        return resource not in (*NAMESPACED, *UNNAMESPACED, _SECRETS) and resource not in self.defined

    def _writing(self, read: Rule) -> Iterator[Rule]:
        """What it takes to ask about the objects that somebody with this rule backs up."""
        if read.resource == NAMESPACES.name and read.names:
            own = tuple(name for name in read.names if not is_system_namespace(name))
            yield from (read, Rule(read.resource, "create"))
            yield from [Rule(read.resource, "update", names=own)] if own else ()
        elif read.resource != _SECRETS and not self.unguarded(read.resource):
            verbs = ("list",) if read.group == _ADMISSION else ("create", "get", "list", "update")
            yield Rule(read.resource, *verbs, namespace=read.namespace)


def text(verifier: Verifier) -> str:
    """As rbac.text has it for maintd itself."""
    holder = Holder(verifier.namespace, ACCOUNT)
    return "".join([*_head(verifier), *roles(holder, verifier.asked()).values()])


def _head(verifier: Verifier) -> Iterator[str]:
    yield from comment(
        "What the verifier may ask of the API server: to write what is backed up. That it only asks, by dry runs, is "
        "for policy.yaml to enforce: never apply this without it."
    )
    yield "# Written by `maintd render verifier`; edit the jobs and render again. Above each rule: who needs it.\n"
    if verifier.found is None:
        yield "# Without the custom resources of the cluster; to list them, render with --live.\n"
    unguarded = sorted({rule.resource for rule, _ in verifier.read if verifier.unguarded(rule.resource)})
    if unguarded:
        yield from comment(f"Not in here, since no policy may be asked about them: {', '.join(unguarded)}")
