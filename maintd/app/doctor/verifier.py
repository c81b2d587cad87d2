"""Whoever asks by dry runs may write what is backed up: is there a policy that refuses it everything else?"""

from collections.abc import Iterator

from maintd.app.doctor.line import Line, ok, problem, warning
from maintd.app.doctor.visit import Cluster
from maintd.cluster.access import ServiceAccount, allowed
from maintd.cluster.reader import ClusterReader
from maintd.core.errors import Denied, Missing
from maintd.core.resource import Json, Resource
from maintd.core.rules import Rule
from maintd.derive.verifier import ACCOUNT, Verifier

_GROUP = "admissionregistration.k8s.io"
_POLICIES = Resource(_GROUP, "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", namespaced=False)
_BINDINGS = Resource(
    _GROUP, "v1", "validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", namespaced=False
)
_ONLY_DRY_RUNS = "has(request.dryRun) && request.dryRun"
_EVERYTHING = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"], "scope": "*"}
_NARROWER = ("excludeResourceRules", "namespaceSelector", "objectSelector")


async def verifier(cluster: Cluster) -> list[Line]:
    """Nothing where it has no right to write, or where we may not ask what others may."""
    account = ServiceAccount(cluster.visit.settings.namespace, ACCOUNT)
    try:
        may = [rule for rule in _writes(cluster) if await allowed(cluster.api, rule, account)]
    except Denied:
        return []
    return [await _kept(cluster, account, may[0])] if may else []


def _writes(cluster: Cluster) -> Iterator[Rule]:
    """One right a namespace that lets it write where its policy does not stop it."""
    asked = Verifier(cluster.visit.file, cluster.visit.settings.namespace, state=()).asked()
    rules = {rule.namespace: rule.resource for rule, _ in asked if "create" in rule.verbs}
    yield from (Rule(resource, "create", namespace=namespace) for namespace, resource in rules.items())


async def _kept(cluster: Cluster, account: ServiceAccount, may: Rule) -> Line:
    said = f"it may create {may.resource} in {may.namespace or 'the whole cluster'}"
    kubectl, reader = cluster.visit.kubectl, ClusterReader(cluster.api)
    remedy = f"{kubectl} apply -f deploy/components/verifier/policy.yaml"
    try:
        policy, binding = [(await reader.get(what, ACCOUNT)).get("spec", {}) for what in (_POLICIES, _BINDINGS)]
    except Missing:
        return problem(account.user, f"{said}, and no ValidatingAdmissionPolicy keeps it to dry runs", remedy)
    except Denied:
        unread = f"{said}; not known whether a policy keeps it to dry runs: that takes the right to get it"
        return warning(account.user, unread, f"{kubectl} get validatingadmissionpolicies {ACCOUNT} -o yaml")
    if _refuses(policy, account) and _is_obeyed(binding):
        return ok(account.user, f"{said}, and a policy refuses whatever is no dry run")
    changed = "and the ValidatingAdmissionPolicy that should keep it to dry runs is not as maintd has it"
    return problem(account.user, f"{said}, {changed}", remedy)


def _refuses(policy: Json, account: ServiceAccount) -> bool:
    """Whether it is asked about each request of this account, and has but one answer to what is no dry run."""
    asked = policy.get("matchConstraints", {})
    about = [condition.get("expression") for condition in policy.get("matchConditions", [])]
    answers = [validation.get("expression") for validation in policy.get("validations", [])]
    return (
        policy.get("failurePolicy") == "Fail"
        and about in ([], [f'request.userInfo.username == "{account.user}"'])
        and _ONLY_DRY_RUNS in answers
        and _EVERYTHING in asked.get("resourceRules", [])
        and not any(asked.get(name) for name in _NARROWER)
    )


def _is_obeyed(binding: Json) -> bool:
    wide = not any((binding.get("matchResources") or {}).get(name) for name in (*_NARROWER, "resourceRules"))
    return binding.get("policyName") == ACCOUNT and "Deny" in binding.get("validationActions", []) and wide
