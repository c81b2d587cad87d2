"""Asks the API server what we may do, rather than finding out halfway."""

import asyncio
from itertools import product

from maintd.cluster.api import Api
from maintd.cluster.request import Request
from maintd.core.errors import Unreadable
from maintd.core.rules import Rule

_PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


async def allowed(api: Api, rule: Rule) -> bool:
    """Whether every verb of the rule, on every name it lists, is granted to us."""
    answers = await asyncio.gather(*(_may(api, rule, *what) for what in product(rule.verbs, rule.names or ("",))))
    return all(answers)


async def _may(api: Api, rule: Rule, verb: str, name: str) -> bool:
    plural, _, subresource = rule.plural.partition("/")
    attributes = {
        "verb": verb,
        "group": rule.group,
        "resource": plural,
        "subresource": subresource,
        "namespace": rule.namespace or "",
        "name": name,
    }
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    # A review is a question in the shape of a POST: nothing is created, so it may be asked twice.
    reply = await api.call(Request(method="POST", path=_PATH, body=review, repeatable=True))
    status = reply.json.get("status")
    if not isinstance(status, dict) or not isinstance(status.get("allowed"), bool):
        raise Unreadable(f"POST {_PATH}: the reply does not say whether it is allowed")
    return bool(status["allowed"])
