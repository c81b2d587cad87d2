"""What one HTTP request asks of the API: verb, resource, namespace, name, subresource."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

from multidict import MultiDict, MultiMapping

from maintd.sandbox.rbac import ANONYMOUS, Question, User

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True, slots=True)
class Call:
    """One request, taken apart. `plural` is empty where the path names no resource: `/version`, `/apis/apps`."""

    method: str
    path: str
    query: MultiMapping[str] = field(default_factory=MultiDict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    user: User | None = ANONYMOUS
    """None: somebody with a token that nobody gave out."""
    group: str = ""
    version: str = ""
    plural: str = ""
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def verb(self) -> str:
        """As RBAC spells it: `list` and not GET. A path that names no resource has the method's own name."""
        if not self.plural:
            return self.method.lower()
        if self.method in ("GET", "HEAD"):
            if self.query.get("watch") in ("true", "1"):
                return "watch"
            return "get" if self.name else "list"
        if self.method == "DELETE":
            return "delete" if self.name else "deletecollection"
        return _VERBS.get(self.method, self.method.lower())

    @property
    def resource(self) -> str:
        """`pods`, `pods/log`."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural

    @property
    def question(self) -> Question:
        """What the authorizer is asked."""
        if not self.plural:
            return Question(self.verb, path=self.path)
        return Question(self.verb, self.group, self.resource, self.namespace, self.name)


class Address(TypedDict, total=False):
    """The parts of a resource's path."""

    group: str
    version: str
    plural: str
    namespace: str
    name: str
    subresource: str


def address(path: str) -> Address:
    """What a path names; empty where it names no resource."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        found, rest = Address(group="", version=parts[1]), parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        found, rest = Address(group=parts[1], version=parts[2]), parts[3:]
    else:
        return Address()
    if rest[0] == "namespaces" and len(rest) > 1:
        found["namespace"] = rest[1]
        if len(rest) > 2 and rest[2] not in ("status", "finalize"):
            rest = rest[2:]
    plural, name, subresource = (*rest, "", "")[:3]
    return Address(**found, plural=plural, name=name, subresource=subresource)
