"""Asks the API server what we may do, or what another may, rather than finding out halfway."""

import asyncio
from dataclasses import dataclass
from itertools import product
from typing import Any

from maintd.cluster.api import Api
from maintd.cluster.request import Request
from maintd.core.errors import Unreadable
from maintd.core.resource import Json
from maintd.core.rules import Rule

_OWN = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
_OTHERS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_SELF = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
_TO_ASK = Rule("subjectaccessreviews.authorization.k8s.io", "create")


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """One that may be asked about instead of ourselves."""

    namespace: str
    name: str

    @property
    def user(self) -> str:
        """As the API server calls it."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    @property
    def subject(self) -> Json:
        """Its groups are not known to the authorizer: whoever asks says them."""
        groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{self.namespace}"]
        return {"user": self.user, "groups": groups}


async def allowed(api: Api, rule: Rule, account: ServiceAccount | None = None) -> bool:
    """Whether every verb of the rule, on every name it lists, is granted to us, or to this account.

    Raises Denied where we may not ask about others.
    """
    asked = product(rule.verbs, rule.names or ("",))
    answers = await asyncio.gather(*(_may(api, _attributes(rule, *what), account) for what in asked))
    return all(answers)


async def whoami(api: Api) -> str:
    """The name that the API server knows us by. Raises Missing before Kubernetes 1.28."""
    status = await _reviewed(api, _SELF, {})
    info = status.get("userInfo")
    name = info.get("username") if isinstance(info, dict) else None
    if not isinstance(name, str):
        raise Unreadable(f"POST {_SELF}: the reply does not say who we are")
    return name


def _attributes(rule: Rule, verb: str, name: str) -> Json:
    plural, _, subresource = rule.plural.partition("/")
    return {
        "verb": verb,
        "group": rule.group,
        "resource": plural,
        "subresource": subresource,
        "namespace": rule.namespace or "",
        "name": name,
    }


async def _may(api: Api, attributes: Json, account: ServiceAccount | None) -> bool:
    path, subject, needs = (_OTHERS, account.subject, _TO_ASK) if account else (_OWN, {}, None)
    status = await _reviewed(api, path, {"spec": {"resourceAttributes": attributes} | subject}, needs)
    if not isinstance(status.get("allowed"), bool):
        raise Unreadable(f"POST {path}: the reply does not say whether it is allowed")
    return bool(status["allowed"])


async def _reviewed(api: Api, path: str, review: Json, needs: Rule | None = None) -> dict[str, Any]:
    """A review is a question in the shape of a POST: nothing is created, so it may be asked twice."""
    reply = await api.call(Request(method="POST", path=path, body=review, repeatable=True, asks=True, needs=needs))
    status = reply.json.get("status")
    return status if isinstance(status, dict) else {}
