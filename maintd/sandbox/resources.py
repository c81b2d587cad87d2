"""The resources this API server knows: the built-in table, and what CustomResourceDefinitions add to it."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from maintd.core.resource import Json, Resource

# [group/version], then: plural, kind, scope, short names, subresources, flags
# G: `generation` is counted · D: DELETE answers with the object instead of a Status · C: it can only be created
# V: an update must carry the version that was read
_BUILT_IN = """
[core/v1]
configmaps                        ConfigMap                        ns      cm       -          -
endpoints                         Endpoints                        ns      ep       -          -
events                            Event                            ns      ev       -          -
limitranges                       LimitRange                       ns      limits   -          -
namespaces                        Namespace                        cluster ns       status     -
nodes                             Node                             cluster no       status     -
persistentvolumeclaims            PersistentVolumeClaim            ns      pvc      status     D
persistentvolumes                 PersistentVolume                 cluster pv       status     D
pods                              Pod                              ns      po       log,status DG
podtemplates                      PodTemplate                      ns      -        -          DG
replicationcontrollers            ReplicationController            ns      rc       status     G
resourcequotas                    ResourceQuota                    ns      quota    status     D
secrets                           Secret                           ns      -        -          -
serviceaccounts                   ServiceAccount                   ns      sa       -          D
services                          Service                          ns      svc      status     D
[admissionregistration.k8s.io/v1]
mutatingwebhookconfigurations     MutatingWebhookConfiguration     cluster -        -          GV
validatingadmissionpolicies       ValidatingAdmissionPolicy        cluster -        status     GV
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding cluster -        -          GV
validatingwebhookconfigurations   ValidatingWebhookConfiguration   cluster -        -          GV
[apiextensions.k8s.io/v1]
customresourcedefinitions         CustomResourceDefinition         cluster crd,crds status     DGV
[apiregistration.k8s.io/v1]
apiservices                       APIService                       cluster -        status     V
[apps/v1]
controllerrevisions               ControllerRevision               ns      -        -          -
daemonsets                        DaemonSet                        ns      ds       status     G
deployments                       Deployment                       ns      deploy   status     G
replicasets                       ReplicaSet                       ns      rs       status     G
statefulsets                      StatefulSet                      ns      sts      status     G
[authentication.k8s.io/v1]
selfsubjectreviews                SelfSubjectReview                cluster -        -          C
[authorization.k8s.io/v1]
selfsubjectaccessreviews          SelfSubjectAccessReview          cluster -        -          C
subjectaccessreviews              SubjectAccessReview              cluster -        -          C
[autoscaling/v2]
horizontalpodautoscalers          HorizontalPodAutoscaler          ns      hpa      status     -
[batch/v1]
cronjobs                          CronJob                          ns      cj       status     G
jobs                              Job                              ns      -        status     G
[certificates.k8s.io/v1]
certificatesigningrequests        CertificateSigningRequest        cluster csr      status     -
[coordination.k8s.io/v1]
leases                            Lease                            ns      -        -          V
[discovery.k8s.io/v1]
endpointslices                    EndpointSlice                    ns      -        -          G
[events.k8s.io/v1]
events                            Event                            ns      ev       -          -
[flowcontrol.apiserver.k8s.io/v1]
flowschemas                       FlowSchema                       cluster -        status     G
prioritylevelconfigurations       PriorityLevelConfiguration       cluster -        status     G
[networking.k8s.io/v1]
ingressclasses                    IngressClass                     cluster -        -          G
ingresses                         Ingress                          ns      ing      status     G
ipaddresses                       IPAddress                        cluster ip       -          -
networkpolicies                   NetworkPolicy                    ns      netpol   -          G
servicecidrs                      ServiceCIDR                      cluster -        status     -
[node.k8s.io/v1]
runtimeclasses                    RuntimeClass                     cluster -        -          V
[policy/v1]
poddisruptionbudgets              PodDisruptionBudget              ns      pdb      status     GV
[rbac.authorization.k8s.io/v1]
clusterrolebindings               ClusterRoleBinding               cluster -        -          -
clusterroles                      ClusterRole                      cluster -        -          -
rolebindings                      RoleBinding                      ns      -        -          -
roles                             Role                             ns      -        -          -
[resource.k8s.io/v1]
deviceclasses                     DeviceClass                      cluster -        -          DG
resourceclaims                    ResourceClaim                    ns      -        status     D
resourceclaimtemplates            ResourceClaimTemplate            ns      -        -          D
resourceslices                    ResourceSlice                    cluster -        -          DG
[scheduling.k8s.io/v1]
priorityclasses                   PriorityClass                    cluster pc       -          G
[storage.k8s.io/v1]
csidrivers                        CSIDriver                        cluster -        -          DV
csinodes                          CSINode                          cluster -        -          DV
csistoragecapacities              CSIStorageCapacity               ns      -        -          V
storageclasses                    StorageClass                     cluster sc       -          D
volumeattachments                 VolumeAttachment                 cluster -        status     DV
volumeattributesclasses           VolumeAttributesClass            cluster vac      -          D
"""

Key = tuple[str, str]
"""Where objects are stored: (group, plural). Versions of a resource share it."""

VERBS = frozenset({"create", "delete", "get", "list", "patch", "update"})
"""What the sandbox does; it never claims `watch` or `deletecollection` in discovery."""


@dataclass(frozen=True, slots=True)
class Served:
    """One resource in one version, and how the server treats it."""

    resource: Resource
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    counts_generation: bool = False
    deletes_to_object: bool = False
    needs_version: bool = False
    custom: bool = False

    @property
    def key(self) -> Key:
        """Events have one storage under two groups, as in the real server."""
        group = "" if self.resource.group == "events.k8s.io" else self.resource.group
        return group, self.resource.plural

    @property
    def has_status(self) -> bool:
        """True where `status` is written through its own subresource only."""
        return "status" in self.subresources


class Catalog:
    """What is served now."""

    def __init__(self) -> None:
        self._built_in = tuple(_parse(_BUILT_IN))
        self._custom: dict[str, tuple[Served, ...]] = {}
        self._index()

    def _index(self) -> None:
        everything = [*self._built_in, *(served for found in self._custom.values() for served in found)]
        self._by_path = {(s.resource.group, s.resource.version, s.resource.plural): s for s in everything}
        self._by_kind = {(s.resource.api_version, s.resource.kind): s for s in everything}

    def find(self, group: str, version: str, plural: str) -> Served | None:
        return self._by_path.get((group, version, plural))

    def of(self, obj: Json) -> Served | None:
        """The resource of an object, by its apiVersion and kind."""
        return self._by_kind.get((str(obj.get("apiVersion")), str(obj.get("kind"))))

    def __iter__(self) -> Iterator[Served]:
        return iter(self._by_path.values())

    def knows(self, group: str) -> bool:
        """True where something of the group is served."""
        return any(served.resource.group == group for served in self)

    def groups(self) -> list[str]:
        """All but the core group."""
        return list(dict.fromkeys(served.resource.group for served in self if served.resource.group))

    def versions(self, group: str) -> list[str]:
        """The versions of a group, the preferred one first."""
        return list(dict.fromkeys(served.resource.version for served in self if served.resource.group == group))

    def within(self, group: str, version: str) -> list[Served]:
        return [s for s in self if (s.resource.group, s.resource.version) == (group, version)]

    def define(self, definition: Json) -> None:
        """Serve what a CustomResourceDefinition describes, every served version of it."""
        self._custom[definition["metadata"]["name"]] = tuple(_defined(definition["spec"]))
        self._index()

    def forget(self, name: str) -> tuple[Key, ...]:
        """Stop serving a CustomResourceDefinition; returns what was stored under it."""
        gone = self._custom.pop(name, ())
        self._index()
        return tuple({served.key for served in gone})


def _parse(table: str) -> Iterable[Served]:
    group = version = ""
    for row in table.strip().splitlines():
        if row.startswith("["):
            group, _, version = row.strip("[]").partition("/")
            group = "" if group == "core" else group
            continue
        plural, kind, scope, short, subresources, flags = row.split()
        verbs = frozenset({"create"}) if "C" in flags else VERBS
        yield Served(
            Resource(group, version, plural, kind, scope == "ns", verbs),
            short_names=_names(short),
            subresources=_names(subresources),
            counts_generation="G" in flags,
            deletes_to_object="D" in flags,
            needs_version="V" in flags,
        )


def _names(cell: str) -> tuple[str, ...]:
    return () if cell == "-" else tuple(cell.split(","))


def _maturity(version: str) -> tuple[int, int, int, str]:
    """The server prefers v2 to v1, v1 to v1beta1, v1beta1 to v1alpha9, and all of them to `foo`."""
    found = re.fullmatch(r"v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?", version)
    if found is None:
        return (3, 0, 0, version)
    stage = {None: 0, "beta": 1, "alpha": 2}[found[2]]
    return (stage, -int(found[1]), -int(found[3] or 0), version)


def _defined(spec: Json) -> Iterable[Served]:
    names = spec["names"]
    for version in sorted(spec["versions"], key=lambda one: _maturity(one["name"])):
        if not version.get("served"):
            continue
        yield Served(
            Resource(
                spec["group"], version["name"], names["plural"], names["kind"], spec["scope"] == "Namespaced", VERBS
            ),
            short_names=tuple(names.get("shortNames", ())),
            subresources=("status",) if "status" in version.get("subresources", {}) else (),
            counts_generation=True,
            needs_version=True,
            custom=True,
        )
