"""Rights: what a kind needs from the API server and from Google, written out one by one."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

READING = frozenset({"get", "list", "watch"})
_PERMISSION = re.compile(r"[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+")


@dataclass(frozen=True, order=True, slots=True)
class GcpPermission:
    """A right in Google Cloud as IAM spells it, `container.clusters.get`, on the project of the target's `gke:`."""

    name: str

    def __post_init__(self) -> None:
        if not _PERMISSION.fullmatch(self.name):
            raise ValueError(f"not a permission of Google Cloud, like container.clusters.get: {self.name}")

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, order=True, slots=True)
class Rule:
    """One line of a Role: the verbs on one resource, in one namespace or everywhere.

    `resource` is spelled as kubectl spells it: `pods`, `pods/log`, `deployments.apps`,
    `deployments.apps/scale`. `namespace` None means the whole cluster (a ClusterRole).
    `names` narrows the rule to objects of those names.
    """

    resource: str
    verbs: tuple[str, ...]
    namespace: str | None = None
    names: tuple[str, ...] = ()

    def __init__(self, resource: str, *verbs: str, namespace: str | None = None, names: Iterable[str] = ()) -> None:
        if not verbs or "*" in verbs or "*" in resource:
            raise ValueError(f"a rule writes every verb and resource out: {resource} {verbs}")
        object.__setattr__(self, "resource", resource)
        object.__setattr__(self, "verbs", tuple(sorted(set(verbs))))
        object.__setattr__(self, "namespace", namespace)
        object.__setattr__(self, "names", tuple(sorted(set(names))))

    @property
    def group(self) -> str:
        """The API group, `` for core: `deployments.apps/scale` → `apps`."""
        return self.resource.partition("/")[0].partition(".")[2]

    @property
    def plural(self) -> str:
        """The resource as a Role spells it, with its subresource: `deployments/scale`."""
        base, slash, sub = self.resource.partition("/")
        return base.partition(".")[0] + slash + sub

    def __str__(self) -> str:
        where = f"in namespace {self.namespace}" if self.namespace else "in the whole cluster"
        return f"{', '.join(self.verbs)} {self.resource} {where}"

    def as_yaml(self) -> str:
        """The rule as it stands under `rules:` in a Role or ClusterRole."""
        verbs = ", ".join(self.verbs)
        names = f", resourceNames: [{', '.join(self.names)}]" if self.names else ""
        return f'{{apiGroups: ["{self.group}"], resources: [{self.plural}]{names}, verbs: [{verbs}]}}'


def merged(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """One rule a (resource, namespace, names), sorted, with the union of the verbs."""
    verbs: dict[tuple[str, str | None, tuple[str, ...]], set[str]] = {}
    for rule in rules:
        verbs.setdefault((rule.resource, rule.namespace, rule.names), set()).update(rule.verbs)
    found = [Rule(resource, *v, namespace=ns, names=names) for (resource, ns, names), v in verbs.items()]
    return tuple(sorted(found, key=lambda rule: (rule.namespace or "", rule.resource, rule.names)))


def reading(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """What is left of the rules for one that only looks: a dry run."""
    left = ((rule, READING.intersection(rule.verbs)) for rule in rules)
    return tuple(Rule(one.resource, *verbs, namespace=one.namespace, names=one.names) for one, verbs in left if verbs)
