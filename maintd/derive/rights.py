"""Which rights the jobs of one jobs.yaml need, and who needs each: what Roles are written from."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from maintd.config.jobs import Job
from maintd.core.ports import Discovery
from maintd.core.rules import Rule, reading

Gate = Callable[[Iterable[Rule]], Iterable[Rule]]
"""The rights that the gate needs for a kind that itself needs these."""
Asked = Iterable[tuple[Rule, str]]
"""Rules, each with who asks for it."""


@dataclass(frozen=True, order=True, slots=True)
class Right:
    """The least that can be granted: one verb on one resource, on all objects or on the one that is named."""

    namespace: str
    """Empty: the whole cluster."""
    resource: str
    verb: str
    name: str = ""

    @property
    def rule(self) -> Rule:
        """As a rule of its own."""
        names = (self.name,) if self.name else ()
        return Rule(self.resource, self.verb, namespace=self.namespace or None, names=names)

    def wider(self) -> Iterator["Right"]:
        """The rights that hold this one, the widest first."""
        for namespace, name in product(dict.fromkeys(("", self.namespace)), dict.fromkeys(("", self.name))):
            yield Right(namespace, self.resource, self.verb, name)


def of_job(job: Job, gate: Gate, found: Discovery | None = None) -> Iterator[tuple[Rule, str]]:
    """What one job needs in its mode; nothing is for a change where the job is a dry run."""
    rules = job.kind.rules(job.params, job.target, found)
    yield from ((rule, job.name) for rule in (reading(rules) if job.mode == "dry-run" else rules))
    if job.mode == "act" and job.kind.acts:
        yield from ((rule, f"the gate for {job.name}") for rule in gate(rules))


def collected(asked: Asked) -> Mapping[Right, tuple[str, ...]]:
    """Each right with who needs it; one that another holds already is not there, and who needs it needs the other."""
    wanted = defaultdict[Right, set[str]](set)
    for rule, who in asked:
        for verb, name in product(rule.verbs, rule.names or ("",)):
            wanted[Right(rule.namespace or "", rule.resource, verb, name)].add(who)
    kept = defaultdict[Right, set[str]](set)
    for right, who_all in wanted.items():
        kept[next(wider for wider in right.wider() if wider in wanted)] |= who_all
    return {right: tuple(sorted(kept[right])) for right in sorted(kept)}


@dataclass(frozen=True, order=True, slots=True)
class Row:
    """One rule of a Role: rights that the same jobs need."""

    namespace: str
    """Empty: the whole cluster."""
    needed_by: tuple[str, ...]
    group: str
    resources: tuple[str, ...]
    """Spelled as a Role does: `deployments`, `pods/log`."""
    verbs: tuple[str, ...]
    names: tuple[str, ...] = ()

    def as_yaml(self) -> str:
        """In one line, as it stands under `rules:`."""
        names = f", resourceNames: {json.dumps(self.names)}" if self.names else ""
        verbs = json.dumps(self.verbs)
        return f'{{apiGroups: ["{self.group}"], resources: {json.dumps(self.resources)}{names}, verbs: {verbs}}}'


def rows(rights: Mapping[Right, tuple[str, ...]]) -> tuple[Row, ...]:
    """As few rules as say this and nothing more, sorted: the whole cluster's first, then by who needs them."""
    found = [_row(right, who) for right, who in rights.items()]
    for part in ("verbs", "names", "resources"):
        found = _joined(found, part)
    return tuple(sorted(found))


def _row(right: Right, who: tuple[str, ...]) -> Row:
    rule = right.rule
    return Row(right.namespace, who, rule.group, (rule.plural,), rule.verbs, rule.names)


def _joined(found: Iterable[Row], part: str) -> list[Row]:
    """Rows that differ in one part alone, as one row."""
    values = defaultdict[Row, set[str]](set)
    for row in found:
        values[_with(row, part, ())].update(getattr(row, part))
    return [_with(row, part, tuple(sorted(values[row]))) for row in values]


def _with(row: Row, part: str, value: tuple[str, ...]) -> Row:
    changed: Any = {part: value}
    return replace(row, **changed)
