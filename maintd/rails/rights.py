"""Asks for every right that a run is about to use, so that a missing one is said before the first piece of evidence."""

import asyncio
from collections.abc import Sequence

from maintd.cluster.access import allowed
from maintd.cluster.api import Api
from maintd.core.errors import Denied
from maintd.core.ports import Deletion
from maintd.core.rules import Rule, merged
from maintd.rails.needs import evidence_rules


async def check_rights(api: Api, wishes: Sequence[Deletion]) -> None:
    """Raises Denied with every rule that is missing and where to put it."""
    changes = {Rule(wish.resource.name, "delete", namespace=wish.object.namespace or None) for wish in wishes}
    needed = merged([*changes, *(rule for change in changes for rule in evidence_rules(change))])
    answers = await asyncio.gather(*(allowed(api, rule) for rule in needed))
    missing = [rule for rule, granted in zip(needed, answers, strict=True) if not granted]
    if missing:
        raise Denied("nothing was changed: " + "; ".join(_grant(rule) for rule in missing))


def _grant(rule: Rule) -> str:
    role = f"a Role in namespace {rule.namespace}" if rule.namespace else "a ClusterRole"
    return f"may not {rule}; add to {role} that maintd's service account is bound to: {rule.as_yaml()}"
