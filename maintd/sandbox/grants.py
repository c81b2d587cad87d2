"""Rights as the objects that give them: roles and bindings for a list of rules."""

from collections.abc import Iterable, Iterator

from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.sandbox.rbac import GROUP


def roles(name: str, subject: Json, rules: Iterable[Rule]) -> Iterator[Json]:
    """A Role and RoleBinding of this name for each namespace the rules name, a ClusterRole and its for the rest."""
    rows: dict[str | None, list[Json]] = {}
    for rule in rules:
        row: Json = {"apiGroups": [rule.group], "resources": [rule.plural], "verbs": list(rule.verbs)}
        rows.setdefault(rule.namespace, []).append(row | ({"resourceNames": list(rule.names)} if rule.names else {}))
    for namespace, found in rows.items():
        prefix = "" if namespace else "Cluster"
        metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
        head: Json = {"apiVersion": f"{GROUP}/v1", "metadata": metadata}
        reference = {"apiGroup": GROUP, "kind": f"{prefix}Role", "name": name}
        yield head | {"kind": f"{prefix}Role", "rules": found}
        yield head | {"kind": f"{prefix}RoleBinding", "subjects": [subject], "roleRef": reference}
