"""The NetworkPolicy that lets probes out to what they ask, from the URLs in jobs.yaml."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from maintd.config.jobs import JobsFile
from maintd.core.kind import Params
from maintd.core.resource import Json
from maintd.core.target import Target
from maintd.derive.rbac import ACCOUNT
from maintd.objects.endpoints import Endpoint
from maintd.objects.manifest_yaml import emit

_LABELS = {"app.kubernetes.io/name": ACCOUNT}
_PORTS = {"http": 80, "https": 443}
_WHEREVER = "0.0.0.0/0"
_LINK_LOCAL = "169.254.0.0/16"
Place = tuple[str, int | None]
"""A namespace, with None; or an address block and a port."""


def text(file: JobsFile, namespace: str) -> str:
    """The policy for maintd in its `namespace`, with who needs what above it."""
    places = _places(file, namespace)
    policy: Json = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": f"{ACCOUNT}-probes", "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": _LABELS},
            "policyTypes": ["Egress"],
            "egress": [_rule(*place) for place in places],
        },
    }
    return "".join(_head(places)) + emit(policy)


def _places(file: JobsFile, own: str) -> Mapping[Place, tuple[str, ...]]:
    """Where jobs that are enabled ask, each with their names, and where the heartbeat goes."""
    found = defaultdict[Place, set[str]](set)
    for job in file.jobs:
        for url in urls(job.params, job.target) if job.enabled else ():
            found[_place(url, job.target, own)].add(job.name)
    if file.heartbeat:
        found[_place(file.heartbeat.url, Target(), own)].add("(heartbeat)")
    return {place: tuple(sorted(found[place])) for place in sorted(found, key=str)}


def urls(params: Params, target: Target) -> Iterator[str]:
    """What a job probes is in its parameters: an endpoint, or several of them."""
    if isinstance(params, Endpoint):
        yield params.address(target)
    for _, value in params:
        for part in value if isinstance(value, tuple) else ():
            if isinstance(part, Endpoint):
                yield part.address(target)


def _place(url: str, target: Target, own: str) -> Place:
    parts = urlsplit(url)
    host = (parts.hostname or "").rstrip(".")
    port = parts.port or _PORTS[parts.scheme]
    with suppress(ValueError):
        return _block(host), port
    labels = host.split(".")
    if len(labels) == 1:
        return own, None
    if "svc" in labels[2:]:
        return labels[labels.index("svc", 2) - 1], None
    if len(labels) == 2 and labels[1] == target.namespace:
        return labels[1], None
    return _WHEREVER, port


def _block(host: str) -> str:
    address = ip_address(host)
    return f"{address}/{address.max_prefixlen}"


def _rule(where: str, port: int | None) -> Json:
    """In the cluster any port: a policy sees the one that the container listens on, not the Service's."""
    if port is None:
        return {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": where}}}]}
    block: Json = {"cidr": where} | ({"except": [_LINK_LOCAL]} if where == _WHEREVER else {})
    return {"to": [{"ipBlock": block}], "ports": [{"port": port, "protocol": "TCP"}]}


def _head(places: Mapping[Place, tuple[str, ...]]) -> Iterator[str]:
    yield "# What the probes of jobs.yaml ask. Written by `maintd render deploy`; edit the jobs and render again.\n"
    for (where, port), who in places.items():
        place = f"namespace {where}" if port is None else f"{where} port {port}"
        yield f"# {place}: {', '.join(who)}\n"
