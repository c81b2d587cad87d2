"""The kinds that every Kubernetes serves and a backup reads: what rights to ask for before discovery can be asked."""

# group: kinds in namespaces | kinds in none
_TABLE = """
core: configmaps endpoints limitranges persistentvolumeclaims pods podtemplates replicationcontrollers resourcequotas \
 serviceaccounts services | namespaces persistentvolumes
admissionregistration.k8s.io: | mutatingwebhookconfigurations validatingadmissionpolicies \
 validatingadmissionpolicybindings validatingwebhookconfigurations
apiextensions.k8s.io: | customresourcedefinitions
apiregistration.k8s.io: | apiservices
apps: controllerrevisions daemonsets deployments replicasets statefulsets |
autoscaling: horizontalpodautoscalers |
batch: cronjobs jobs |
discovery.k8s.io: endpointslices |
flowcontrol.apiserver.k8s.io: | flowschemas prioritylevelconfigurations
networking.k8s.io: ingresses networkpolicies | ingressclasses servicecidrs
node.k8s.io: | runtimeclasses
policy: poddisruptionbudgets |
rbac.authorization.k8s.io: rolebindings roles | clusterrolebindings clusterroles
resource.k8s.io: resourceclaims resourceclaimtemplates | deviceclasses
scheduling.k8s.io: | priorityclasses
storage.k8s.io: | csidrivers storageclasses volumeattributesclasses
"""


def _names(side: int) -> tuple[str, ...]:
    found = []
    for row in _TABLE.strip().splitlines():
        group, _, kinds = row.partition(":")
        suffix = "" if group == "core" else f".{group}"
        found += [plural + suffix for plural in kinds.split("|")[side].split()]
    return tuple(found)


NAMESPACED = _names(0)
"""Spelled as kubectl does: `pods`, `deployments.apps`."""
UNNAMESPACED = _names(1)
