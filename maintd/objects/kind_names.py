"""The names that kubectl knows a kind by: plural, singular, Kind, with or without its group, and short names."""

from collections.abc import Iterable

from maintd.core.resource import Resource

_SHORT = {
    "certificatesigningrequests.certificates.k8s.io": ("csr",),
    "configmaps": ("cm",),
    "cronjobs.batch": ("cj",),
    "customresourcedefinitions.apiextensions.k8s.io": ("crd", "crds"),
    "daemonsets.apps": ("ds",),
    "deployments.apps": ("deploy",),
    "endpoints": ("ep",),
    "horizontalpodautoscalers.autoscaling": ("hpa",),
    "ingresses.networking.k8s.io": ("ing",),
    "limitranges": ("limits",),
    "namespaces": ("ns",),
    "networkpolicies.networking.k8s.io": ("netpol",),
    "persistentvolumeclaims": ("pvc",),
    "persistentvolumes": ("pv",),
    "poddisruptionbudgets.policy": ("pdb",),
    "pods": ("po",),
    "priorityclasses.scheduling.k8s.io": ("pc",),
    "replicasets.apps": ("rs",),
    "replicationcontrollers": ("rc",),
    "resourcequotas": ("quota",),
    "serviceaccounts": ("sa",),
    "services": ("svc",),
    "statefulsets.apps": ("sts",),
    "storageclasses.storage.k8s.io": ("sc",),
    "volumeattributesclasses.storage.k8s.io": ("vac",),
}
"""`kubectl api-resources` of Kubernetes 1.35, for the kinds that a backup reads."""


def kind_names(resource: Resource) -> frozenset[str]:
    """Everything that this kind may be called, in lower case: `deployments.apps`, `deployment`, `deploy` …"""
    words = (resource.plural, resource.kind.lower())
    whole = [f"{word}.{resource.group}" for word in words if resource.group]
    versioned = [f"{word}.{resource.version}.{resource.group}" for word in words if resource.group]
    return frozenset((*words, *whole, *versioned, *_SHORT.get(resource.name, ()), *resource.short_names))


def called(word: str, resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The kinds that this word may mean; of several groups, all."""
    return tuple(resource for resource in resources if word.lower() in kind_names(resource))
