"""Tokens, the roles that every cluster has, and the reviews: who am I, may I, may somebody else."""

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
        [
            {"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"], "verbs": ["create"]},
            {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]},
        ],
        ["system:authenticated"],
    ),
    (
        "system:public-info-viewer",
        [{"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version"], "verbs": ["get"]}],
        ["system:authenticated", "system:unauthenticated"],
    ),
)
_NOTHING = (
    "spec.resourceAttributes",
    "FieldValueInvalid",
    "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified",
)
_NOBODY = ("spec.user", "FieldValueInvalid", 'Invalid value: "": at least one of user or group must be specified')


class Access:
    """Who carries which token, and what they may do."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._authorizer = Authorizer(state.store)
        self._tokens: dict[str, User] = {}

    def add(self, token: str, user: User) -> None:
        """Let whoever carries this token be this user."""
        self._tokens[token] = user

    def remove(self, token: str) -> None:
        """Let nobody be anybody by this token."""
        del self._tokens[token]

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

    def review(self, kind: str, user: User, obj: Json) -> Json:
        """Fill in the status of a review; nothing is stored."""
        if kind == "SelfSubjectReview":
            info = {"username": user.name, "groups": sorted(user.groups)}
            return _reviewed(kind, "authentication.k8s.io/v1", {"status": {"userInfo": info}})
        spec = obj.get("spec") or {}
        causes = [] if kind == "SelfSubjectAccessReview" or spec.get("user") or spec.get("groups") else [_NOBODY]
        if ("resourceAttributes" in spec) == ("nonResourceAttributes" in spec):
            causes.insert(0, _NOTHING)
        if causes:
            raise invalid("authorization.k8s.io", "", "", causes)
        if kind == "SubjectAccessReview":
            user = User(spec.get("user", ""), frozenset(spec.get("groups") or ()))
        allowed = self._authorizer.allows(user, _question(spec))
        return _reviewed(kind, "authorization.k8s.io/v1", {"spec": spec, "status": {"allowed": allowed}})

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


def _question(spec: Json) -> Question:
    asked, path = spec.get("resourceAttributes", {}), spec.get("nonResourceAttributes", {})
    return Question(
        asked.get("verb") or path.get("verb", ""),
        asked.get("group", ""),
        "/".join(part for part in (asked.get("resource"), asked.get("subresource")) if part),
        asked.get("namespace", ""),
        asked.get("name", ""),
        path.get("path", ""),
    )


def _reviewed(kind: str, api_version: str, filled: Json) -> Json:
    return {"kind": kind, "apiVersion": api_version, "metadata": {}} | filled


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
