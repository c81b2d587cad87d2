"""Whether the API server answers, who it takes us for, and what time it has."""

from datetime import datetime, timedelta

from maintd.app.doctor.line import Line, ok, problem
from maintd.app.doctor.visit import Cluster, Visit
from maintd.cluster.access import whoami
from maintd.cluster.api import Api
from maintd.cluster.request import Request
from maintd.core.errors import Denied, Missing
from maintd.objects.fields import printable

_VERSION = Request(method="GET", path="/version")
_TICK = timedelta(seconds=1)
"""A `Date` is cut to whole seconds."""
_TOLERATED = timedelta(seconds=5)


async def reach(visit: Visit, api: Api) -> Cluster:
    """Raises JobError where it does not answer."""
    version = printable(str((await api.call(_VERSION)).json.get("gitVersion", "of no version")), 60)
    try:
        user = await whoami(api)
    except (Missing, Denied):  # from before Kubernetes 1.28, or one that keeps it to itself
        user = ""
    return Cluster(visit, api, await api.server(), version, user)


async def server(cluster: Cluster) -> list[Line]:
    """Who is asked, by whom, and about whom."""
    who, daemon = cluster.user or "somebody it cannot name", cluster.daemon.user
    reached = ok(cluster.url, f"{cluster.version}; it takes us for {who}")
    if cluster.account:
        return [reached, ok(daemon, "its rights are asked for in what follows, not yours")]
    if cluster.user not in ("", daemon):
        wrong = f"this pod is {cluster.user}, and the Roles are given to {daemon}"
        patch = f'{{"spec":{{"template":{{"spec":{{"serviceAccountName":"{cluster.daemon.name}"}}}}}}}}'
        remedy = f"kubectl patch deployment maintd -n {cluster.daemon.namespace} -p '{patch}'"
        return [reached, problem(daemon, wrong, remedy)]
    return [reached]


async def clock(cluster: Cluster) -> list[Line]:
    """Jobs ring by our clock; ages of objects go by the server's. Who leads goes by nobody's."""
    before = cluster.visit.now()
    reply = await cluster.api.call(_VERSION)
    off = drift(before, cluster.visit.now(), reply.server_time)
    if abs(off) <= _TOLERATED:
        return [ok("", f"within {_TOLERATED.total_seconds():g} s of the API server's")]
    way = "ahead of" if off > timedelta(0) else "behind"
    said = f"at least {abs(off).total_seconds():.0f} s {way} the API server's: jobs ring at the wrong time"
    remedy = "# on the node (in GKE: replace it), and on the API server's machine\ntimedatectl status"
    return [problem("", said, remedy)]


def drift(before: datetime, after: datetime, server: datetime) -> timedelta:
    """The least that our clock is ahead (negative: behind), given a `Date` that was set between two looks at ours."""
    if before > server + _TICK:
        return before - (server + _TICK)
    return min(after - server, timedelta(0))
