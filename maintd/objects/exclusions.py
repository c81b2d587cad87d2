"""What a backup leaves out, each by a rule with a name and a reason.

Two tables: whole kinds, and single objects. What a controller, the API server or a node makes again by itself is
left out, since a copy of it would be in the way of the new one; so is what would do harm when it is made again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from maintd.core.limits import MANAGED_BY
from maintd.core.resource import Json, Resource
from maintd.objects import jobs, pods
from maintd.objects.fields import mapping, mappings
from maintd.objects.owners import controller_of


@dataclass(frozen=True, slots=True, order=True)
class Exclusion:
    """Why something is not in a backup."""

    rule: str
    reason: str


SECRETS = Exclusion("secrets", "the job names no recipients to encrypt them for, and in clear they must not be here")
TOKENS = Exclusion("tokens", "the token of a ServiceAccount, which a controller makes again")
LEASES = Exclusion("leases", "who leads right now; a restored one would name a holder that is gone")
UNLISTABLE = Exclusion("unlistable", "it cannot be both listed and created, so there is nothing to keep or restore")

KINDS: tuple[tuple[Exclusion, tuple[str, ...]], ...] = (
    (SECRETS, ("secrets",)),
    (Exclusion("events", "what happened; they expire within hours"), ("events", "events.events.k8s.io")),
    (LEASES, ("leases.coordination.k8s.io", "leasecandidates.coordination.k8s.io")),
    (Exclusion("metrics", "measurements, which are made anew"), ("*.metrics.k8s.io",)),
    (
        Exclusion("node-made", "nodes and their agents register themselves; a restored one would name a machine"),
        (
            "nodes",
            "csinodes.storage.k8s.io",
            "csistoragecapacities.storage.k8s.io",
            "resourceslices.resource.k8s.io",
            "volumeattachments.storage.k8s.io",
            "ciliumendpoints.cilium.io",
            "ciliumidentities.cilium.io",
            "ciliumnodes.cilium.io",
        ),
    ),
    (
        Exclusion("allocations", "the API server allocates them again for each Service"),
        ("ipaddresses.networking.k8s.io",),
    ),
    (
        Exclusion("signing-requests", "asked and answered once; they expire within the day"),
        ("certificatesigningrequests.certificates.k8s.io",),
    ),
)
"""Whole kinds, spelled as kubectl does; `*` stands for anything."""


def left_out_kind(resource: Resource) -> Exclusion | None:
    """The rule that leaves out every object of this kind, if one does."""
    if not {"list", "create"} <= resource.verbs:
        return UNLISTABLE
    return left_out_name(resource.name)


def left_out_name(name: str) -> Exclusion | None:
    """The same by name alone: `*.metrics.k8s.io` for a whole group that could not be discovered."""
    for exclusion, names in KINDS:
        if any(fnmatchcase(name, pattern) for pattern in names):
            return exclusion
    return None


Test = Callable[[Json], bool]


def _labels(obj: Json) -> Json:
    return mapping(mapping(obj, "metadata"), "labels")


def _annotations(obj: Json) -> Json:
    return mapping(mapping(obj, "metadata"), "annotations")


def _name(obj: Json) -> str:
    return str(mapping(obj, "metadata").get("name"))


def _terminating(obj: Json) -> bool:
    return mapping(obj, "metadata").get("deletionTimestamp") is not None


def _owned(obj: Json) -> bool:
    return controller_of(obj) is not None


def _made_by_endpoints_controller(obj: Json) -> bool:
    """Kubernetes 1.33 and later say so in a label; before that only the controller's annotation tells."""
    return _labels(obj).get(
        "endpoints.kubernetes.io/managed-by"
    ) == "endpoint-controller" or "endpoints.kubernetes.io/last-change-trigger-time" in _annotations(obj)


def _lock(obj: Json) -> bool:
    """How leaders were elected before there were Leases."""
    return "control-plane.alpha.kubernetes.io/leader" in _annotations(obj)


def _state_of_maintd(obj: Json) -> bool:
    return _name(obj) == "maintd-state" and _labels(obj).get(MANAGED_BY) == "maintd"


def _api_servers_own(obj: Json) -> bool:
    return _name(obj) == "kubernetes" and mapping(obj, "metadata").get("namespace", "default") == "default"


def _root_certificate(obj: Json) -> bool:
    return _name(obj) == "kube-root-ca.crt"


def _untouched_default_account(obj: Json) -> bool:
    """Somebody's annotations, pull secrets or settings on it are worth keeping."""
    touched = _labels(obj) or _annotations(obj) or mappings(obj, "imagePullSecrets")
    return _name(obj) == "default" and not touched and "automountServiceAccountToken" not in obj


def _account_token(obj: Json) -> bool:
    """Also what OpenShift makes of one, to pull images with."""
    made = obj.get("type") == "kubernetes.io/service-account-token"
    return made or "kubernetes.io/service-account.name" in _annotations(obj)


def _bootstrap_token(obj: Json) -> bool:
    return obj.get("type") == "bootstrap.kubernetes.io/token"


def _reconciled_role(obj: Json) -> bool:
    """With autoupdate off, somebody changed it and means to keep it so."""
    updated = _annotations(obj).get("rbac.authorization.kubernetes.io/autoupdate") == "true"
    return updated and _labels(obj).get("kubernetes.io/bootstrapping") == "rbac-defaults"


def _reconciled_flow(obj: Json) -> bool:
    return _annotations(obj).get("apf.kubernetes.io/autoupdate-spec") == "true"


def _system_priority(obj: Json) -> bool:
    return _name(obj).startswith("system-")


def _automanaged(obj: Json) -> bool:
    return "kube-aggregator.kubernetes.io/automanaged" in _labels(obj)


def _finished_pod(obj: Json) -> bool:
    return pods.phase(obj) in ("Succeeded", "Failed")


_RBAC = tuple(f"{plural}.rbac.authorization.k8s.io" for plural in ("clusterroles", "clusterrolebindings", "roles"))
_FLOWS = ("flowschemas.flowcontrol.apiserver.k8s.io", "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io")
_API_SERVERS = ("services", "endpoints", "endpointslices.discovery.k8s.io", "servicecidrs.networking.k8s.io")
_BY_API_SERVER = "the API server makes it by itself"

OBJECTS: tuple[tuple[Exclusion, tuple[str, ...], Test], ...] = (
    (Exclusion("terminating", "it is being deleted"), (), _terminating),
    (Exclusion("owned", "the controller that owns it makes it again"), (), _owned),
    (TOKENS, ("secrets",), _account_token),
    (Exclusion("bootstrap-tokens", "they let machines join for a day"), ("secrets",), _bootstrap_token),
    (
        Exclusion("endpoints", "the controller makes them again for each Service with a selector"),
        ("endpoints",),
        _made_by_endpoints_controller,
    ),
    (LEASES, ("configmaps", "endpoints"), _lock),
    (
        Exclusion("own-state", "what maintd remembers of its runs; an older one would have it run jobs again"),
        ("configmaps",),
        _state_of_maintd,
    ),
    (Exclusion("api-server", _BY_API_SERVER), _API_SERVERS, _api_servers_own),
    (
        Exclusion("root-certificate", "it is this cluster's, and published in every namespace"),
        ("configmaps",),
        _root_certificate,
    ),
    (
        Exclusion("default-account", "every namespace gets one, and nobody changed this one"),
        ("serviceaccounts",),
        _untouched_default_account,
    ),
    (
        Exclusion("default-roles", _BY_API_SERVER),
        (*_RBAC, "rolebindings.rbac.authorization.k8s.io"),
        _reconciled_role,
    ),
    (Exclusion("default-flows", _BY_API_SERVER), _FLOWS, _reconciled_flow),
    (Exclusion("system-priorities", _BY_API_SERVER), ("priorityclasses.scheduling.k8s.io",), _system_priority),
    (Exclusion("automanaged", _BY_API_SERVER), ("apiservices.apiregistration.k8s.io",), _automanaged),
    (Exclusion("finished", "made again, it would run again"), ("pods",), _finished_pod),
    (Exclusion("finished", "made again, it would run again"), ("jobs.batch",), jobs.has_finished),
)
"""Single objects: the rule, the kinds that it looks at (none: all), and what it looks for. The first one counts."""


def left_out(resource: Resource, obj: Json) -> Exclusion | None:
    """The rule that leaves out this object, if one does. Raises Unreadable."""
    for exclusion, applies in _tests(resource.name):
        if applies(obj):
            return exclusion
    return None


@cache
def _tests(kind: str) -> tuple[tuple[Exclusion, Test], ...]:
    return tuple((exclusion, applies) for exclusion, kinds, applies in OBJECTS if not kinds or kind in kinds)
