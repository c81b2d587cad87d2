"""Who may do what, decided from the Role and binding objects in the store, as the RBAC authorizer does."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from maintd.core.resource import Json
from maintd.sandbox.store import Store

GROUP = "rbac.authorization.k8s.io"
MASTERS = "system:masters"


@dataclass(frozen=True, slots=True)
class User:
    """Who asks."""

    name: str
    groups: frozenset[str] = field(default_factory=frozenset)


ANONYMOUS = User("system:anonymous", frozenset({"system:unauthenticated"}))


def user_named(name: str) -> User:
    """A user with the groups that the server gives to its kind of name."""
    groups = {"system:authenticated"}
    if name.startswith("system:serviceaccount:"):
        namespace = name.split(":")[2]
        groups |= {"system:serviceaccounts", f"system:serviceaccounts:{namespace}"}
    return User(name, frozenset(groups))


ADMIN = User("admin", frozenset({MASTERS, "system:authenticated"}))


@dataclass(frozen=True, slots=True)
class Question:
    """May somebody do this? Either a resource is asked about, or a path such as `/version`."""

    verb: str
    group: str = ""
    resource: str = ""
    """`pods`, `pods/log`."""
    namespace: str = ""
    name: str = ""
    path: str = ""


class Authorizer:
    """Reads the store on every question, so that a grant counts at once."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def allows(self, user: User, question: Question) -> bool:
        """True where some role says yes; RBAC has no other answer."""
        if MASTERS in user.groups:
            return True
        return any(_covers(rule, question) for rule in self._rules(user, question.namespace))

    def _rules(self, user: User, namespace: str) -> Iterator[Json]:
        for binding in self._store.select((GROUP, "clusterrolebindings")):
            if _binds(binding.object, user):
                yield from self._role(binding.object["roleRef"], "")
        if not namespace:
            return
        for binding in self._store.select((GROUP, "rolebindings"), namespace):
            if _binds(binding.object, user):
                yield from self._role(binding.object["roleRef"], namespace)

    def _role(self, reference: Json, namespace: str) -> list[Json]:
        cluster_wide = reference["kind"] == "ClusterRole"
        key = (GROUP, "clusterroles" if cluster_wide else "roles")
        role = self._store.get(key, "" if cluster_wide else namespace, reference["name"])
        return (role.object.get("rules") or []) if role else []


def _binds(binding: Json, user: User) -> bool:
    own = binding["metadata"].get("namespace", "")
    for subject in binding.get("subjects") or ():
        if subject["kind"] == "Group" and subject["name"] in user.groups:
            return True
        if subject["kind"] == "User" and subject["name"] == user.name:
            return True
        account = f"system:serviceaccount:{subject.get('namespace') or own}:{subject['name']}"
        if subject["kind"] == "ServiceAccount" and account == user.name:
            return True
    return False


def _covers(rule: Json, question: Question) -> bool:
    if not _among(question.verb, rule.get("verbs")):
        return False
    if question.path:
        return any(_path_matches(pattern, question.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames")
    return (
        _among(question.group, rule.get("apiGroups"))
        and _resource_matches(question.resource, rule.get("resources"))
        and (not names or question.name in names)
    )


def _among(wanted: str, allowed: list[str] | None) -> bool:
    return allowed is not None and ("*" in allowed or wanted in allowed)


def _resource_matches(wanted: str, allowed: list[str] | None) -> bool:
    _, slash, subresource = wanted.partition("/")
    return _among(wanted, allowed) or bool(slash and f"*/{subresource}" in (allowed or ()))


def _path_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern[:-1]))
