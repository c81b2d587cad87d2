"""In which order objects are made, so that whatever one of them needs is there before it."""

from maintd.core.resource import Json, Resource

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
CUSTOM_STAGE = "custom resources"
_RBAC = "rbac.authorization.k8s.io"

STAGES: tuple[tuple[str, frozenset[str]], ...] = (
    ("namespaces", frozenset({"namespaces"})),
    ("definitions", frozenset({DEFINITIONS})),
    (
        "classes and volumes",
        frozenset(
            {
                "csidrivers.storage.k8s.io",
                "deviceclasses.resource.k8s.io",
                "ingressclasses.networking.k8s.io",
                "persistentvolumes",
                "priorityclasses.scheduling.k8s.io",
                "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io",
                "runtimeclasses.node.k8s.io",
                "storageclasses.storage.k8s.io",
                "volumeattributesclasses.storage.k8s.io",
            }
        ),
    ),
    ("claims", frozenset({"persistentvolumeclaims", "limitranges"})),
    ("secrets", frozenset({"secrets"})),
    ("configuration", frozenset({"configmaps"})),
    ("accounts", frozenset({"serviceaccounts"})),
    ("roles", frozenset({f"roles.{_RBAC}", f"clusterroles.{_RBAC}"})),
    ("bindings", frozenset({f"rolebindings.{_RBAC}", f"clusterrolebindings.{_RBAC}"})),
    ("services", frozenset({"services"})),
    ("endpoints", frozenset({"endpoints", "endpointslices.discovery.k8s.io", "podtemplates"})),
    (
        "workloads",
        frozenset(
            {
                "controllerrevisions.apps",
                "cronjobs.batch",
                "daemonsets.apps",
                "deployments.apps",
                "jobs.batch",
                "pods",
                "replicasets.apps",
                "replicationcontrollers",
                "resourceclaims.resource.k8s.io",
                "resourceclaimtemplates.resource.k8s.io",
                "statefulsets.apps",
            }
        ),
    ),
    ("scaling", frozenset({"horizontalpodautoscalers.autoscaling"})),
    ("budgets", frozenset({"poddisruptionbudgets.policy"})),
    ("network policies", frozenset({"networkpolicies.networking.k8s.io"})),
    ("ingresses", frozenset({"ingresses.networking.k8s.io"})),
    (CUSTOM_STAGE, frozenset()),
    (
        # A quota that was full once would refuse what it held; a policy or a webhook, what it let in or whose server
        # is among the workloads.
        "quotas and admission",
        frozenset(
            {
                "apiservices.apiregistration.k8s.io",
                "mutatingwebhookconfigurations.admissionregistration.k8s.io",
                "resourcequotas",
                "validatingadmissionpolicies.admissionregistration.k8s.io",
                "validatingadmissionpolicybindings.admissionregistration.k8s.io",
                "validatingwebhookconfigurations.admissionregistration.k8s.io",
            }
        ),
    ),
)
"""The name of a stage and its kinds, spelled as kubectl does; what stands in none is a custom resource."""

_NUMBERS = {kind: number for number, (_, kinds) in enumerate(STAGES) for kind in kinds}
_CUSTOM = next(number for number, (name, _) in enumerate(STAGES) if name == CUSTOM_STAGE)


def stage(resource: Resource) -> int:
    """The number of the stage that makes objects of this kind, the first one 0."""
    return _NUMBERS.get(resource.name, _CUSTOM)


def is_custom(resource: Resource) -> bool:
    """Whether a CustomResourceDefinition may be what serves it."""
    return "." in resource.group and resource.name not in _NUMBERS


def established(definition: Json) -> bool:
    """Whether the server serves what this CustomResourceDefinition describes."""
    conditions = (definition.get("status") or {}).get("conditions") or []
    return any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions)
