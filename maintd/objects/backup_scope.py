"""What a backup job covers: namespaces and kinds by name or pattern, and the rest left out with its rule."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Self

from pydantic import AfterValidator, Field

from maintd.core.kind import Params
from maintd.core.ports import Discovery
from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.core.rules import Rule
from maintd.core.target import Target
from maintd.core.text import did_you_mean
from maintd.objects import age
from maintd.objects.backup_manifest import LeftOut, NotWhole
from maintd.objects.builtin import NAMESPACED, UNNAMESPACED
from maintd.objects.exclusions import SECRETS, UNLISTABLE, Exclusion, left_out_kind, left_out_name

Namespace = Annotated[str, Field(pattern=r"^[-a-z0-9*]{1,63}$")]
Name = Annotated[str, Field(pattern=r"^[-.a-z0-9*]{1,253}$")]

NOT_ASKED = Exclusion("kinds", "the job names the kinds it wants, and this is none of them")
EXCLUDED = Exclusion("exclude_kinds", "the job excludes it")
CLUSTER_SCOPED = Exclusion("cluster-scoped", "the job covers the namespaces that it names, and this is in none")
OTHER_NAMESPACE = Exclusion("namespaces", "the job does not cover its namespace")


def _at_least_one(recipients: tuple[str, ...]) -> tuple[str, ...]:
    if not recipients:
        raise ValueError(f"Secrets are kept for somebody or not at all; name a recipient: {age.MAKE_ONE}")
    return recipients


class Encryption(Params):
    """Whom Secrets are encrypted for."""

    recipients: Annotated[tuple[Annotated[str, AfterValidator(age.recipient)], ...], AfterValidator(_at_least_one)] = (
        Field(
            default=(),
            validate_default=True,
            max_length=age.MAX_RECIPIENTS,
            description="Public age keys, age1…; whoever has the private half of one can open them.",
        )
    )


@dataclass(frozen=True, slots=True)
class Selection:
    """What discovery comes to under a scope; every resource that was discovered is in one of the three."""

    read: tuple[Resource, ...]
    left_out: tuple[LeftOut, ...]
    not_whole: tuple[NotWhole, ...]
    exclude_namespaces: tuple[str, ...] = ()
    """Patterns of the namespaces that none of the lists is taken from."""


class Scope(Params):
    """Parameters of a kind that reads the cluster's objects. `*` stands for anything.

    Of the kinds that are left out by default, those that are named in full are read nevertheless; Secrets never are in
    clear.
    """

    namespaces: tuple[Namespace, ...] = Field(
        default=(), description="Which namespaces; empty: the target's, or all where the target has none."
    )
    exclude_namespaces: tuple[Namespace, ...] = Field(default=(), description="Namespaces to leave out: `kube-*`.")
    kinds: tuple[Name, ...] = Field(
        default=(), description="Only these kinds, as `kubectl api-resources -o name` spells them; empty: all."
    )
    exclude_kinds: tuple[Name, ...] = Field(default=(), description="Kinds to leave out: `*.cilium.io`.")
    count_secrets: bool = Field(
        default=False,
        description="Say how many Secrets are left out. It takes the right to list them, and so to read them.",
    )
    secrets: Encryption | None = Field(
        default=None,
        description="Take Secrets too, encrypted with age for these recipients. It takes the right to list them.",
    )

    def on(self, target: Target) -> Self:
        """The scope on a target: its namespace, unless the job gives others."""
        if self.namespaces or not target.namespace:
            return self
        return self.model_copy(update={"namespaces": (target.namespace,)})

    def problem(self) -> str | None:
        """Why nothing could come of this scope, and what to write instead."""
        if self.secrets and self._excludes_name(SECRETS.rule):
            return (
                "secrets names recipients, and kinds or exclude_kinds leave Secrets out; let them in, or drop secrets"
            )
        if "secrets" in self.kinds and not self.secrets:
            remedy = "write secrets: {recipients: [age1…]}, or take them out of kinds (count_secrets counts them)"
            return f"a backup holds Secrets only encrypted; {remedy}"
        return "every namespace that is named is excluded too" if self.named == () else None

    @property
    def named(self) -> tuple[str, ...] | None:
        """The namespaces, where the job gives each by name; None: the whole cluster has to be listed."""
        if not self.namespaces or any("*" in name for name in self.namespaces):
            return None
        return tuple(name for name in dict.fromkeys(self.namespaces) if self.covers(name))

    def spaces(self, resource: Resource) -> tuple[str, ...]:
        """The namespaces to list this kind in, one by one; an empty name stands for all of them at once."""
        return self.named if self.named is not None and resource.namespaced else ("",)

    def recipients(self, resource: Resource) -> tuple[str, ...]:
        """Whom the objects of this kind are encrypted for; empty: they are not."""
        return self.secrets.recipients if self.secrets and resource.name == SECRETS.rule else ()

    def covers(self, namespace: str) -> bool:
        """Whether what is in this namespace belongs to the backup."""
        wanted = not self.namespaces or _matches(namespace, self.namespaces)
        return wanted and not _matches(namespace, self.exclude_namespaces)

    def covers_object(self, resource: Resource, obj: Json) -> bool:
        """The same for an object; a Namespace goes with what is in it."""
        metadata = obj["metadata"]
        name = metadata["name"] if resource.name == NAMESPACES.name else metadata.get("namespace", "")
        return not name or self.covers(name)

    def select(self, discovery: Discovery) -> Selection:
        """Divide what was discovered, and name what should have been."""
        read, left_out = [], []
        for resource in discovery.resources:
            exclusion = self._excludes(resource)
            if exclusion:
                left_out.append(LeftOut(rule=exclusion.rule, reason=exclusion.reason, resource=resource.name))
            else:
                read.append(resource)
        missing = list(self._unknown(discovery))
        for version, why in discovery.failed.items():
            group = f"*.{version.rpartition('/')[0]}"
            exclusion = self._excludes_name(group)
            if exclusion:
                left_out.append(LeftOut(rule=exclusion.rule, reason=exclusion.reason, resource=group))
            else:
                missing.append(_undiscovered(group, version, why))
        return Selection(tuple(read), tuple(left_out), tuple(missing), self.exclude_namespaces)

    def needs(self) -> tuple[Rule, ...]:
        """The rights to read all that Kubernetes itself has in this scope, and what the job names besides."""
        own = () if self._excludes_name(NAMESPACES.name) else self.named or ()
        identity = [Rule("namespaces", "get", names=("kube-system", *own))]
        asked = [*(name for name in self.kinds if "*" not in name), *[SECRETS.rule] * self._lists_secrets]
        names = [name for name in dict.fromkeys([*NAMESPACED, *asked]) if not self._excludes_name(name)]
        spaces = self.named
        if spaces is not None:
            inside = [name for name in names if name not in UNNAMESPACED]
            return (*identity, *(Rule(name, "list", namespace=space) for space in spaces for name in inside))
        names += [name for name in UNNAMESPACED if name not in names and not self._excludes_name(name)]
        return (*identity, *(Rule(name, "list") for name in names))

    def needs_found(self, discovery: Discovery) -> tuple[Rule, ...]:
        """The rights to read what this cluster has in scope, custom resources included."""
        listed = (kind for kind in self.select(discovery).read if self.named is None or kind.namespaced)
        return tuple(Rule(kind.name, "list", namespace=space or None) for kind in listed for space in self.spaces(kind))

    @property
    def _lists_secrets(self) -> bool:
        return self.count_secrets or self.secrets is not None

    def _excludes(self, resource: Resource) -> Exclusion | None:
        if left_out_kind(resource) is UNLISTABLE:
            return UNLISTABLE
        elsewhere = self.named is not None and not resource.namespaced and resource.name != NAMESPACES.name
        return self._excludes_name(resource.name) or (CLUSTER_SCOPED if elsewhere else None)

    def _excludes_name(self, name: str) -> Exclusion | None:
        if _matches(name, self.exclude_kinds):
            return EXCLUDED
        if self.kinds and not any(_may_name(kind, name) for kind in self.kinds):
            return NOT_ASKED
        default = left_out_name(name)
        if default is SECRETS:
            return None if self._lists_secrets else SECRETS
        return None if name in self.kinds else default

    def _unknown(self, discovery: Discovery) -> Iterable[NotWhole]:
        known = [resource.name for resource in discovery.resources]
        for kind in self.kinds:
            if "*" not in kind and kind not in known:
                yield NotWhole(
                    resource=kind,
                    why=f"this API server has no such kind{did_you_mean(kind, known)}",
                    remedy="write it as `kubectl api-resources -o name` does",
                )


def _undiscovered(group: str, version: str, why: str) -> NotWhole:
    remedy = f"see what `kubectl get apiservices` says of {version}, or exclude it: exclude_kinds: ['{group}']"
    return NotWhole(resource=group, why=f"{version} could not be discovered: {why}", remedy=remedy)


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _may_name(pattern: str, name: str) -> bool:
    """Also for a whole group that is not known, `*.example.com`: whether the pattern may mean a kind of it."""
    end = pattern.rpartition("*")[2]
    group = name.removeprefix("*")
    return fnmatchcase(name, pattern) if group == name else group.endswith(end) or end.endswith(group)
