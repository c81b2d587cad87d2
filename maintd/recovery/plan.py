"""What a restore would do with each object: judged from what is wanted and what is there, asking nobody."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from maintd.core.outcome import Change
from maintd.core.resource import NAMESPACES, Json, ObjectRef, Resource
from maintd.core.text import counted
from maintd.objects.cleaning import clean
from maintd.objects.differences import Difference, differences
from maintd.objects.exclusions import left_out
from maintd.objects.fields import mapping, text

Existing = Literal["skip", "update", "rewrite"]
"""What becomes of objects that are there: those that differ are left or written, or all of them are written."""
_MOST_PATHS = 3


class Action(StrEnum):
    """What becomes of an object."""

    CREATE = "create"
    UPDATE = "update"
    UNCHANGED = "unchanged"
    SKIP = "skip"
    CANNOT = "cannot"


@dataclass(frozen=True, slots=True)
class Step:
    """One object of a restore."""

    resource: Resource
    wanted: Json
    action: Action
    why: str = ""
    """Why it is skipped or cannot be done, and what to type."""
    live: Json | None = field(default=None, repr=False)
    """What is overwritten, or in the way."""
    differences: tuple[Difference, ...] = ()
    scaled: bool = False
    """An autoscaler has the say on its replicas."""
    unchecked: str = ""
    """What must be there before the server can say whether it takes it: `namespace hub`."""

    @property
    def namespace(self) -> str:
        """Empty for what is in none."""
        return text(mapping(self.wanted, "metadata"), "namespace")

    @property
    def name(self) -> str:
        return text(mapping(self.wanted, "metadata"), "name")

    @property
    def home(self) -> str:
        """The namespace that it goes with: a Namespace goes with what is in it."""
        return self.name if self.resource.name == NAMESPACES.name else self.namespace

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.action in (Action.CREATE, Action.UPDATE)

    @property
    def object(self) -> ObjectRef:
        """As the record names it."""
        uid = text(mapping(self.live or {}, "metadata"), "uid")
        return ObjectRef(resource=self.resource.name, namespace=self.namespace, name=self.name, uid=uid)

    def ended(self, result: Literal["done", "planned", "kept", "failed"], reason: str = "") -> Change:
        """The record of it."""
        verb = str(self.action if self.writes else Action.CREATE if self.live is None else Action.UPDATE)
        return Change(object=self.object, verb=verb, result=result, reason=reason)


def judged(
    resource: Resource,
    wanted: Json,
    live: Json | None,
    existing: Existing,
    *,
    scaled: bool = False,
    unchecked: str = "",
) -> Step:
    """What to do with an object, seeing what is there under its name. Raises Unreadable for what has odd types."""
    if live is None:
        return Step(resource, wanted, Action.CREATE, unchecked=unchecked)
    if mapping(live, "metadata").get("deletionTimestamp") is not None:
        if resource.name == NAMESPACES.name:
            return Step(resource, wanted, Action.CREATE, unchecked="the one that is being deleted is gone", live=live)
        return Step(resource, wanted, Action.CANNOT, _leaving(resource, live), live)
    found = differences(clean(resource, live), wanted, scaled=scaled)
    if not found and existing != "rewrite":
        return Step(resource, wanted, Action.UNCHANGED)
    if existing == "skip" and not _made_by_controller(resource, live):
        why = f"it is there and differs in {paths(found)}; --existing update brings it back"
        return Step(resource, wanted, Action.SKIP, why, live, found)
    return Step(resource, wanted, Action.UPDATE, live=live, differences=found, scaled=scaled)


def paths(found: Iterable[Difference]) -> str:
    """Where objects differ: the first few fields, and how many more."""
    names = [each.path for each in found]
    more = f" and {counted(len(names) - _MOST_PATHS, 'more field')}" if len(names) > _MOST_PATHS else ""
    return ", ".join(names[:_MOST_PATHS]) + more


def _leaving(resource: Resource, live: Json) -> str:
    metadata = mapping(live, "metadata")
    option = f" -n {metadata['namespace']}" if metadata.get("namespace") else ""
    look = f"kubectl get {resource.name} {metadata.get('name')}{option} -o jsonpath='{{.metadata.finalizers}}'"
    return f"it is being deleted; run the restore again once it is gone; what holds it: {look}"


def _made_by_controller(resource: Resource, live: Json) -> bool:
    """Nobody's work: every namespace is given this account a moment after it was made, and so may we have been."""
    exclusion = left_out(resource, live)
    return exclusion is not None and exclusion.rule == "default-account"


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps of a restore, in the order in which they are taken."""

    steps: tuple[Step, ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    """What of the backup is not in the plan → why."""

    def of(self, *actions: Action) -> Iterator[Step]:
        """The steps that do this."""
        return (step for step in self.steps if step.action in actions)

    def counts(self) -> dict[Action, int]:
        """How many steps do what; an action that no step takes is not in it."""
        found = {action: sum(1 for _ in self.of(action)) for action in Action}
        return {action: number for action, number in found.items() if number}

    @property
    def writes(self) -> bool:
        """Whether there is anything to do."""
        return any(step.writes for step in self.steps)
