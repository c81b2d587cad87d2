"""What must be in the cluster: the namespaces that jobs work in, and the ConfigMap that keeps the state."""

import asyncio

from maintd.app.doctor.line import Line, ok, problem, warning
from maintd.app.doctor.visit import Cluster
from maintd.app.grants import grants_for
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Denied, Missing
from maintd.core.resource import NAMESPACES
from maintd.core.text import counted
from maintd.scheduling.homes import ConfigMapHome


async def namespaces(cluster: Cluster) -> list[Line]:
    """Of all that is asked of a namespace that is not there, the answer is an empty list, and not an error."""
    asked = grants_for(cluster.visit.settings, cluster.visit.file).asked()
    names = sorted({rule.namespace for rule, _ in asked if rule.namespace})
    return list(await asyncio.gather(*(_namespace(cluster, name) for name in names)))


async def _namespace(cluster: Cluster, name: str) -> Line:
    kubectl = cluster.visit.kubectl
    try:
        found = await ClusterReader(cluster.api).get(NAMESPACES, name)
    except Missing:
        remedy = f"{kubectl} create namespace {name}  # or correct the target in jobs.yaml"
        return problem(name, "there is no such namespace", remedy)
    except Denied:
        said = "not known whether it is there: that takes the right to get it"
        return warning(name, said, f"{kubectl} get namespace {name}")
    if "deletionTimestamp" in found["metadata"]:
        return problem(name, "it is being deleted", f"{kubectl} describe namespace {name}")
    return ok(name, "it is there")


async def state(cluster: Cluster) -> list[Line]:
    """Without it jobs forget what they counted, and nothing keeps two daemons from the same job."""
    settings = cluster.visit.settings
    reader = ClusterReader(cluster.api)
    home = ConfigMapHome(reader, ClusterWriter(cluster.api), settings.state_namespace or settings.namespace)
    try:
        entries, there = await home.load()
    except Denied as error:
        if cluster.account:
            return [warning(home.describe(), "you may not read it; whether maintd may, the rights say")]
        return [problem(home.describe(), str(error))]
    if there is None:
        return [ok(home.describe(), "not there yet; the first run makes it")]
    return [ok(home.describe(), f"remembers {counted(len(entries), 'job')}")]
