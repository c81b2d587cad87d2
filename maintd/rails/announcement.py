"""One Kubernetes Event a run, on maintd's own Deployment: `kubectl describe deployment maintd` tells what it did."""

from collections.abc import Sequence
from datetime import datetime

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, JobError
from maintd.core.resource import Resource
from maintd.core.text import counted
from maintd.objects.events import EVENTS_V1, RunNote, Subject, run_event
from maintd.objects.fields import mapping, text
from maintd.rails.needs import DEPLOYMENT
from maintd.rails.scope import Scope
from maintd.rails.ticket import Ticket

_DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment")


async def announce(api: Api, scope: Scope, tickets: Sequence[Ticket], evidence: str, now: datetime) -> None:
    """Say what the run changed; nothing where it changed nothing. Raises JobError."""
    done = [ticket.wish for ticket in tickets if ticket.result == "done"]
    if not done:
        return
    first = min(done, key=lambda wish: wish.since)
    failed = sum(1 for ticket in tickets if ticket.result == "failed")
    note = RunNote(
        run_id=scope.run_id,
        reason=f"{first.resource.plural.capitalize()}Deleted",
        action="Delete",
        note=f"job {scope.job} deleted {counted(len(done), first.resource.kind.lower())}"
        + (f", {failed:,} failed" if failed else "")
        + f"; first {first.object}; run {scope.run_id}; evidence: {evidence}",
        warning=failed > 0,
        instance=scope.instance,
    )
    related = Subject.of(first.resource, first.object)
    event = run_event(note, await _deployment(api, scope.own_namespace), related, now)
    try:
        await ClusterWriter(api).create(EVENTS_V1, event)
    except Conflict:
        return  # the run's own, whose reply was lost: its name is the run's id


async def _deployment(api: Api, namespace: str) -> Subject:
    """With its uid, by which kubectl looks for Events; without where it cannot be read."""
    try:
        found = await ClusterReader(api).get(_DEPLOYMENTS, DEPLOYMENT, namespace)
        uid = text(mapping(found, "metadata"), "uid")
    except JobError:
        uid = ""
    return Subject(_DEPLOYMENTS.api_version, _DEPLOYMENTS.kind, namespace, DEPLOYMENT, uid)
