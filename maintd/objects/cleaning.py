"""What an object must not carry when it is restored: what the server, a controller or a node wrote into it.

One table, a row a field, each with its reason. Everything else stays as it was.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from maintd.core.resource import Json, Resource
from maintd.objects.fields import mapping, mappings

Condition = Callable[[Json, Json, Any], bool]
"""(the whole object, the mapping that holds the value, the value) → the value goes."""


@dataclass(frozen=True, slots=True)
class Row:
    """One field that goes.

    The steps of `path` are separated by spaces, since keys hold dots; `*` is each element of a list. `kinds` are
    spelled as kubectl does; none means every kind. Without `when` the field always goes.
    """

    path: str
    reason: str
    kinds: tuple[str, ...] = ()
    when: Condition | None = None


def _each(
    prefix: str, names: str, reason: str, kinds: tuple[str, ...] = (), when: Condition | None = None
) -> Iterator[Row]:
    return (Row(f"{prefix} {name}", reason, kinds, when) for name in names.split())


def _unless_set(field: str) -> Condition:
    """Goes, unless somebody set this field of the spec."""
    return lambda obj, _, __: not _was_set(obj, field)


def _was_set(obj: Json, *path: str) -> bool:
    """managedFields name what was sent, and not what the server allocated."""
    for entry in mappings(mapping(obj, "metadata"), "managedFields"):
        fields = mapping(mapping(entry, "fieldsV1"), "f:spec")
        for step in path[:-1]:
            fields = mapping(fields, step)
        if path[-1] in fields:
            return True
    return False


def _allocated_ip(obj: Json, spec: Json, _: Any) -> bool:
    return spec.get("clusterIP") != "None" and not _was_set(obj, "f:clusterIP")


def _allocated_port(obj: Json, port: Json, _: Any) -> bool:
    key = f'k:{{"port":{port.get("port")},"protocol":"{port.get("protocol", "TCP")}"}}'
    return not _was_set(obj, "f:ports", key, "f:nodePort")


def _bound_by_controller(obj: Json, _: Json, __: Any) -> bool:
    return "pv.kubernetes.io/bound-by-controller" in mapping(mapping(obj, "metadata"), "annotations")


def _generated_selector(obj: Json, _: Json, __: Any) -> bool:
    return mapping(obj, "spec").get("manualSelector") is not True


def _aggregated(obj: Json, _: Json, __: Any) -> bool:
    return bool(obj.get("aggregationRule"))


def _of_the_platform(_: Json, __: Json, finalizer: Any) -> bool:
    domain = "." + str(finalizer).partition("/")[0]
    return domain.endswith((".kubernetes.io", ".k8s.io", ".gke.io", ".gke.networking.io"))


def _generated_token(obj: Json, _: Json, reference: Any) -> bool:
    account, name = mapping(obj, "metadata").get("name"), reference.get("name") if isinstance(reference, dict) else ""
    return str(name).startswith((f"{account}-token-", f"{account}-dockercfg-"))


def _mounted_token(_: Json, __: Json, volume: Any) -> bool:
    return isinstance(volume, dict) and str(volume.get("name")).startswith("kube-api-access-")


_NOTES = "metadata annotations"
_CLAIM = ("persistentvolumeclaims",)
_DAEMON_SET = ("daemonsets.apps",)
_DEPLOYED = ("deployments.apps", "replicasets.apps")
_INGRESS = ("ingresses.networking.k8s.io",)
_JOB = ("jobs.batch",)
_JOB_LABELS = "batch.kubernetes.io/controller-uid batch.kubernetes.io/job-name controller-uid job-name"
_NAMESPACE = ("namespaces",)
_POD = ("pods",)
_ROLE = ("clusterroles.rbac.authorization.k8s.io",)
_SERVICE = ("services",)
_TEMPLATED = (*_DAEMON_SET, *_DEPLOYED, *_JOB, "statefulsets.apps")
_VOLUME = ("persistentvolumes",)

ROWS = (
    Row("status", "what was observed; it will be observed again"),
    *_each("metadata", "uid resourceVersion", "the server gives its own, and compares one that is sent"),
    *_each("metadata", "generation creationTimestamp selfLink", "the server sets it"),
    *_each("metadata", "deletionTimestamp deletionGracePeriodSeconds", "the server sets it"),
    Row("metadata generateName", "the name has been made"),
    Row("metadata managedFields", "who wrote which field; whoever restores is the first"),
    Row("metadata ownerReferences", "the owner will have another uid, and the garbage collector goes by uid"),
    Row("metadata finalizers *", "the platform's controllers put theirs there again", when=_of_the_platform),
    Row(f"{_NOTES} kubectl.kubernetes.io/last-applied-configuration", "kubectl apply writes it"),
    Row(f"{_NOTES} deployment.kubernetes.io/revision", "the controller counts it", _DEPLOYED),
    *_each(
        _NOTES,
        "deployment.kubernetes.io/desired-replicas deployment.kubernetes.io/max-replicas "
        "deployment.kubernetes.io/revision-history",
        "the controller keeps it",
        _DEPLOYED,
    ),
    Row(f"{_NOTES} deprecated.daemonset.template.generation", "the server counts it", _DAEMON_SET),
    Row(f"{_NOTES} cloud.google.com/neg-status", "GKE reports in it", _SERVICE),
    *_each(
        _NOTES,
        "ingress.kubernetes.io/backends ingress.kubernetes.io/forwarding-rule ingress.kubernetes.io/url-map "
        "ingress.kubernetes.io/https-forwarding-rule ingress.kubernetes.io/https-target-proxy "
        "ingress.kubernetes.io/ssl-cert ingress.kubernetes.io/target-proxy",
        "GKE reports in it",
        _INGRESS,
    ),
    Row("metadata labels kubernetes.io/metadata.name", "the server sets it", _NAMESPACE),
    Row("spec finalizers", "the server sets it", _NAMESPACE),
    *_each("spec", "clusterIP clusterIPs", "allocated: another Service may have it by then", _SERVICE, _allocated_ip),
    Row("spec ports * nodePort", "allocated: another Service may have it by then", _SERVICE, _allocated_port),
    Row("spec healthCheckNodePort", "allocated, as node ports are", _SERVICE, _unless_set("f:healthCheckNodePort")),
    Row("secrets *", "a controller made these tokens for the account", ("serviceaccounts",), _generated_token),
    # A volume that outlived its claim names the claim, and is found by that.
    Row("spec volumeName", "the claim would wait for that one, gone or not", _CLAIM, _bound_by_controller),
    *_each(
        _NOTES,
        "pv.kubernetes.io/bind-completed pv.kubernetes.io/bound-by-controller volume.kubernetes.io/selected-node "
        "volume.kubernetes.io/storage-provisioner volume.beta.kubernetes.io/storage-provisioner",
        "written while it was bound, which will be done again",
        _CLAIM,
    ),
    Row(f"{_NOTES} pv.kubernetes.io/bound-by-controller", "written while it was bound", _VOLUME),
    *_each("spec claimRef", "uid resourceVersion", "the claim will have others; its name is enough", _VOLUME),
    Row("spec selector", "generated from the Job's uid, and refused when it is sent", _JOB, _generated_selector),
    *_each("metadata labels", _JOB_LABELS, "generated with the selector", _JOB, _generated_selector),
    *_each("spec template metadata labels", _JOB_LABELS, "generated with the selector", _JOB, _generated_selector),
    Row("spec template metadata creationTimestamp", "always null, where the server sends it at all", _TEMPLATED),
    Row("spec nodeName", "the scheduler chooses again", _POD, _unless_set("f:nodeName")),
    *_each("spec", "priority preemptionPolicy", "admission derives it from priorityClassName", _POD),
    Row("spec ephemeralContainers", "a create that has some is refused", _POD),
    Row("spec volumes *", "admission mounts a token of its own", _POD, _mounted_token),
    Row("spec containers * volumeMounts *", "admission mounts a token of its own", _POD, _mounted_token),
    Row("spec initContainers * volumeMounts *", "admission mounts a token of its own", _POD, _mounted_token),
    Row("rules", "a controller gathers them by aggregationRule", _ROLE, _aggregated),
)


def clean(resource: Resource, obj: Json) -> Json:
    """The object as it should be restored; what is passed in stays as it is.

    apiVersion and kind come first; the items of a list of a built-in kind have none. Raises Unreadable for an
    object whose fields are not of the types that the API promises.
    """
    head = {"apiVersion": resource.api_version, "kind": resource.kind}
    return head | _mapping(obj, _tree(resource.name), obj)


_Tree = dict[str, Any]
"""The rows of a kind by the steps of their paths; a leaf is a Row."""


@cache
def _tree(kind: str) -> _Tree:
    tree: _Tree = {}
    for row in ROWS:
        if not row.kinds or kind in row.kinds:
            *steps, last = row.path.split()
            branch = tree
            for step in steps:
                branch = branch.setdefault(step, {})
            branch[last] = row
    return tree


def _mapping(node: Json, tree: _Tree, obj: Json) -> Json:
    """A copy as deep as the rows reach; what becomes empty goes as well."""
    found = node.copy()
    for key, branch in tree.items():
        if key not in found:
            continue
        value = found[key]
        if type(branch) is Row:
            if branch.when is None or branch.when(obj, node, value):
                del found[key]
        elif value:
            found[key] = _inner(value, branch, node, obj)
            if not found[key]:
                del found[key]
    return found


def _inner(value: Any, branch: _Tree, owner: Json, obj: Json) -> Any:
    if isinstance(value, dict):
        return _mapping(value, branch, obj)
    if not isinstance(value, list):
        return value
    row = branch.get("*", {})
    if type(row) is Row:
        return [element for element in value if row.when and not row.when(obj, owner, element)]
    return [_inner(element, row, owner, obj) for element in value]
