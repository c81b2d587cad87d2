"""Asks for every right that a run is about to use, so that a missing one is said before the first piece of evidence."""

import asyncio
from collections.abc import Sequence

from maintd.cluster.access import allowed, whoami
from maintd.cluster.api import Api
from maintd.cluster.forbidden import not_granted
from maintd.core.errors import Denied, JobError
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
        user = await _user(api)
        raise Denied("nothing was changed: " + "; ".join(not_granted(rule, user) for rule in missing))


async def _user(api: Api) -> str:
    """Who asks; empty where the server does not tell."""
    try:
        return await whoami(api)
    except JobError:
        return ""
