"""The rights that the rails need for themselves, beside those of the kind they watch over."""

from collections.abc import Iterable

from maintd.core.rules import Rule, merged

DEPLOYMENT = "maintd"
"""The Deployment that maintd runs as: what its Events are about."""
_CHANGES = frozenset({"create", "delete", "deletecollection", "patch", "update"})


def evidence_rules(changed: Rule) -> tuple[Rule, ...]:
    """What it takes to write down an object before it is changed: itself, its events, a pod's logs."""
    base, where = changed.resource.partition("/")[0], changed.namespace
    logs = (Rule("pods/log", "get", namespace=where),) if base == "pods" else ()
    return (Rule(base, "get", namespace=where), Rule("events", "list", namespace=where), *logs)


def announcement_rules(own_namespace: str) -> tuple[Rule, ...]:
    """What it takes to say in a Kubernetes Event what a run changed."""
    return (
        Rule("deployments.apps", "get", namespace=own_namespace, names=(DEPLOYMENT,)),
        Rule("events.events.k8s.io", "create", namespace=own_namespace),
    )


def rails_needs(rules: Iterable[Rule], own_namespace: str) -> tuple[Rule, ...]:
    """What the rails need for a kind of level 1 and up that itself needs `rules`; merged, sorted."""
    changed = [rule for rule in rules if _CHANGES & {*rule.verbs}]
    return merged(
        [*(rule for change in changed for rule in evidence_rules(change)), *announcement_rules(own_namespace)]
    )
