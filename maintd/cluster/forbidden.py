"""What a 403 means: a right that is missing, in words for whoever lacks it, or an admission that says no."""

import re

from maintd.cluster.denials import why
from maintd.core.errors import Denied
from maintd.core.resource import Json
from maintd.core.rules import Rule

_USER = re.compile(r'User "([^"\\\s]{1,256})" cannot ')
_ACCOUNT = "system:serviceaccount:"


class NotAdmitted(Denied):
    """Whoever asked has the right; a quota, a policy, a webhook or Pod Security says no."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why
        """As `denials.why` has it."""


def forbidden(said: str, status: Json, needs: Rule | None) -> Denied:
    """The error that a 403 stands for; `said` is what was asked for."""
    message = status.get("message")
    if isinstance(message, str) and " cannot " not in message:
        known = why(message)
        cause = known or "a quota, an admission policy or Pod Security of the cluster forbids it"
        return NotAdmitted(f"{said}: not a missing right; {cause}", known)
    found = _USER.search(message) if isinstance(message, str) else None
    user = found[1] if found else ""
    if needs is None:
        who = f"{_named(user)} has" if user else "our service account has"
        return Denied(f"{said}: {who} no right to it; see: maintd render rbac")
    return Denied(not_granted(needs, user))


def not_granted(rule: Rule, user: str = "") -> str:
    """Who may not do what, and what to type. `user` as the API server calls them; empty: maintd's own account."""
    role = f"a Role in namespace {rule.namespace}" if rule.namespace else "a ClusterRole"
    if user and not user.startswith(_ACCOUNT):
        option = f" -n {rule.namespace}" if rule.namespace else ""
        ask = f"kubectl auth can-i {rule.verbs[0]} {rule.resource}{option}"
        return f"may not {rule}; you are {user}, check with: {ask}; it takes {role} with: {rule.as_yaml()}"
    bound = _named(user) if user else "maintd's service account"
    return f"may not {rule}; add to {role} that {bound} is bound to: {rule.as_yaml()}"


def _named(user: str) -> str:
    """`service account maintd/maintd`, `jane@example.com`."""
    return f"service account {user.removeprefix(_ACCOUNT).replace(':', '/')}" if user.startswith(_ACCOUNT) else user
