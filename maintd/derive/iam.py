"""What maintd needs in Google Cloud, as gcloud lines that a person reads and runs."""

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from shlex import quote

from maintd.config.jobs import Job
from maintd.derive import verifier
from maintd.derive.rbac import ACCOUNT

_PREDEFINED: Mapping[str, frozenset[str]] = {
    "roles/container.clusterViewer": frozenset({"container.clusters.get", "container.clusters.list"}),
}
"""Google's own roles that hold little else: https://cloud.google.com/iam/docs/roles-permissions/container. Wider ones
(roles/container.viewer) let their holder read the objects in the cluster as well, past its RBAC."""
_CUSTOM = "maintd"
"""The project's own role, for what no narrow role of Google's holds."""
_PRUNER = "maintdPruner"
"""Another, for the one right that is bound to a part of the bucket."""
_SAID = """\
# What {who} may do in Google Cloud: no more than {what}. Read it, then run it as somebody who
# may grant roles. It can be run again. Written by `{how}`."""

Wanted = Mapping[str, tuple[str, ...]]
"""Permissions, each with the jobs that need it."""


def text(
    jobs: Iterable[Job], bucket: str, namespace: str, pruned: Sequence[str] = (), erased: Sequence[str] = ()
) -> str:
    """A script for a POSIX shell. `bucket` empty: whoever runs it says which; `namespace` is maintd's own.

    `pruned`: what the names of the objects begin with that `retention` may delete, as storage.open.pruned_names has
    it; `erased`: those that go with backups.
    """
    projects = _projects(job for job in jobs if job.enabled)
    said = _SAID.format(who="maintd", what="its jobs and its store need", how="maintd render iam")
    member = _member(sorted(projects), namespace, ACCOUNT)
    lines = [said, "", *member, _bucket(bucket), *_bucket_roles(), *_pruning(pruned, erased)]
    for project in sorted(projects):
        lines += _project_roles(project, projects[project])
    return "\n".join(lines) + "\n"


def verifier_text(jobs: Iterable[Job], bucket: str, namespace: str) -> str:
    """As `text`, for the account of the verifier: what it writes and reads is in the bucket, and nowhere else."""
    projects = sorted(_projects(job for job in jobs if job.enabled))
    said = _SAID.format(who="maintd's verifier", what="the store needs", how="maintd render iam --verifier")
    member = _member(projects, namespace, verifier.ACCOUNT)
    return "\n".join([said, "", *member, _bucket(bucket), *_bucket_roles()]) + "\n"


def _projects(jobs: Iterable[Job]) -> Mapping[str, Wanted]:
    """Every project that a target's cluster is in, and what is needed there."""
    found = defaultdict[str, defaultdict[str, list[str]]](lambda: defaultdict(list))
    for job in jobs:
        if job.target.gke:
            wanted = found[job.target.gke.project]
            for permission in job.kind.permissions(job.params, job.target):
                wanted[permission.name].append(job.name)
    return {project: {name: tuple(who) for name, who in sorted(found[project].items())} for project in found}


def _member(projects: Sequence[str], namespace: str, account: str) -> Iterator[str]:
    own = quote(projects[0]) if len(projects) == 1 else _asked("PROJECT", "the id of that project")
    yield f"# The project of the cluster that maintd runs in, and its ServiceAccount {account} (Workload Identity)."
    yield f"PROJECT={own}"
    yield """PROJECT_NUMBER="$(gcloud projects describe "$PROJECT" --format='value(projectNumber)')\""""
    pool = "projects/${PROJECT_NUMBER:?}/locations/global/workloadIdentityPools/${PROJECT:?}.svc.id.goog"
    yield f'MEMBER="principal://iam.googleapis.com/{pool}/subject/ns/{namespace}/sa/{account}"'


def _bucket(name: str) -> str:
    return f"BUCKET={quote(name) if name else _asked('BUCKET', 'the name of the bucket, without gs://')}"


def _asked(variable: str, meaning: str) -> str:
    """The variable as it is, or an error that says what to put into it."""
    return f'"${{{variable}:?set it first: {meaning}}}"'


def _bucket_roles() -> Iterator[str]:
    line = 'gcloud storage buckets add-iam-policy-binding "gs://${BUCKET:?}" --member="${MEMBER:?}" --condition=None'
    yield from ("", "# The store: add objects to this bucket. It holds no right to overwrite or delete one.")
    yield f"{line} --role=roles/storage.objectCreator"
    yield from ("", "# The store: read and list the objects of this bucket.")
    yield f"{line} --role=roles/storage.objectViewer"


def _pruning(pruned: Sequence[str], erased: Sequence[str]) -> Iterator[str]:
    """https://cloud.google.com/iam/docs/conditions-resource-attributes: an object's name begins with its bucket's."""
    prefixes = [*pruned, *erased]
    if not prefixes:
        return
    why = " and ".join(["retention"] * bool(pruned) + ["backup-prune"] * bool(erased))
    spared = "backups are AMONG them." if erased else "backups are not among them."
    project = f'"--project=${{BUCKET_PROJECT:?}}" --title={_PRUNER} --permissions=storage.objects.delete'
    begins = " || ".join(
        f"resource.name.startsWith('projects/_/buckets/${{BUCKET:?}}/objects/{name}')" for name in prefixes
    )
    yield from ("", f"# {why}: delete objects whose names begin so, and no others; {spared}")
    yield "# The condition needs uniform bucket-level access, and the role is of the project that the bucket is in."
    yield 'BUCKET_PROJECT="${BUCKET_PROJECT:-$PROJECT}"'
    yield f"gcloud iam roles create {_PRUNER} {project} ||"
    yield f"  gcloud iam roles update {_PRUNER} {project}"
    yield 'gcloud storage buckets add-iam-policy-binding "gs://${BUCKET:?}" --member="${MEMBER:?}" \\'
    yield f'  --role="projects/${{BUCKET_PROJECT:?}}/roles/{_PRUNER}" \\'
    yield f'  --condition="title={_PRUNER},expression={begins}"'


def _project_roles(project: str, wanted: Wanted) -> Iterator[str]:
    left = dict(wanted)
    for role, held in _PREDEFINED.items():
        covered = {name: left.pop(name) for name in wanted if name in held and name in left}
        if covered:
            yield from ("", *_comment(covered), _binding(project, role))
    if left:
        flags = f"{_CUSTOM} --project={quote(project)} --title={_CUSTOM} --permissions={','.join(left)}"
        yield from ("", *_comment(left), f"gcloud iam roles create {flags} ||", f"  gcloud iam roles update {flags}")
        yield _binding(project, f"projects/{project}/roles/{_CUSTOM}")


def _binding(project: str, role: str) -> str:
    line = f'gcloud projects add-iam-policy-binding {quote(project)} --member="${{MEMBER:?}}" --condition=None'
    return f"{line} --role={quote(role)}"


def _comment(wanted: Wanted) -> Iterator[str]:
    """Of names that jobs.yaml has checked alone: other text could end the comment and begin a command."""
    jobs = sorted({job for who in wanted.values() for job in who})
    said = f"{', '.join(jobs)}: {', '.join(wanted)} on the clusters of this project, and not what is in them."
    yield from (f"# {line}" for line in textwrap.wrap(said, 110, break_long_words=False, break_on_hyphens=False))
