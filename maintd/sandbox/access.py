"""Tokens, the roles that every cluster has, and SelfSubjectAccessReview."""

from collections.abc import Mapping

from maintd.core.resource import Json, Resource
from maintd.sandbox.rbac import ANONYMOUS, GROUP, Authorizer, Question, User
from maintd.sandbox.state import State
from maintd.sandbox.status import ApiError, forbidden, invalid, unauthorized

_PATHS = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version"]
_BUILT_IN = (
    ("cluster-admin", [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}], ["system:masters"]),
    ("system:discovery", [{"nonResourceURLs": _PATHS, "verbs": ["get"]}], ["system:authenticated"]),
    (
        "system:basic-user",
        [{"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"]}],
        ["system:authenticated"],
    ),
    (
        "system:public-info-viewer",
        [{"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version"], "verbs": ["get"]}],
        ["system:authenticated", "system:unauthenticated"],
    ),
)


class Access:
    """Who carries which token, and what they may do."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._authorizer = Authorizer(state.store)
        self._tokens: dict[str, User] = {}

    def add(self, token: str, user: User) -> None:
        """Let whoever carries this token be this user."""
        self._tokens[token] = user

    def identify(self, headers: Mapping[str, str]) -> User | None:
        """The user of a bearer token, anonymous without one, None for a token that is unknown."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if not scheme:
            return ANONYMOUS
        return self._tokens.get(token) if scheme == "Bearer" else None

    def authorize(self, user: User | None, question: Question) -> None:
        """Raises a 401 for nobody, a 403 where no role says yes."""
        if user is None:
            raise unauthorized()
        if not self._authorizer.allows(user, question):
            raise _denied(user, question)

    def review(self, user: User, obj: Json) -> Json:
        """Fill in the status of a SelfSubjectAccessReview."""
        spec = obj.get("spec") or {}
        if ("resourceAttributes" in spec) == ("nonResourceAttributes" in spec):
            why = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
            cause = ("spec.resourceAttributes", "FieldValueInvalid", why)
            raise invalid("authorization.k8s.io", "", "", [cause])
        asked, path = spec.get("resourceAttributes", {}), spec.get("nonResourceAttributes", {})
        resource = "/".join(part for part in (asked.get("resource"), asked.get("subresource")) if part)
        question = Question(
            asked.get("verb") or path.get("verb", ""),
            asked.get("group", ""),
            resource,
            asked.get("namespace", ""),
            asked.get("name", ""),
            path.get("path", ""),
        )
        filled = {"metadata": {}, "spec": spec, "status": {"allowed": self._authorizer.allows(user, question)}}
        return {"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1"} | filled

    def install_built_in_roles(self) -> None:
        """The ClusterRoles and bindings without which nobody could even ask for the version."""
        roles, bindings = (self._state.served(f"{GROUP}/v1", kind) for kind in ("ClusterRole", "ClusterRoleBinding"))
        for name, rules, groups in _BUILT_IN:
            metadata = {"labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}
            self._state.save(roles, {"metadata": self._state.born(name) | metadata, "rules": rules})
            subjects = [{"kind": "Group", "apiGroup": GROUP, "name": group} for group in groups]
            reference = {"apiGroup": GROUP, "kind": "ClusterRole", "name": name}
            binding = {"metadata": self._state.born(name) | metadata, "subjects": subjects, "roleRef": reference}
            self._state.save(bindings, binding)


def _denied(user: User, question: Question) -> ApiError:
    """403, in the authorizer's own words."""
    if question.path:
        message = f'forbidden: User "{user.name}" cannot {question.verb} path "{question.path}"'
        return ApiError(403, "Forbidden", message, details={})
    where = f'in the namespace "{question.namespace}"' if question.namespace else "at the cluster scope"
    why = (
        f'User "{user.name}" cannot {question.verb} resource "{question.resource}" '
        f'in API group "{question.group}" {where}'
    )
    plural = question.resource.partition("/")[0]
    return forbidden(Resource(question.group, "", plural, ""), question.name, why)
