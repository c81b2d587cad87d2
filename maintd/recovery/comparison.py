"""What came of holding a backup against the cluster."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from maintd.core.resource import Json, Resource
from maintd.objects.differences import ABSENT, Difference
from maintd.objects.exclusions import SECRETS
from maintd.recovery.selection import Name


class State(StrEnum):
    """How an object of the backup stands to the one in the cluster."""

    CHANGED = "changed"
    MISSING = "missing"
    """Only in the backup."""
    ADDED = "added"
    """Only in the cluster."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One object that is not as it was."""

    resource: Resource
    namespace: str
    name: str
    state: State
    differences: tuple[Difference, ...] = ()
    document: Json | None = field(default=None, compare=False, repr=False)
    """What the backup has of an object that changed."""

    def __str__(self) -> str:
        return (
            f"{self.resource.name} {self.namespace}/{self.name}"
            if self.namespace
            else f"{self.resource.name} {self.name}"
        )


@dataclass(frozen=True, slots=True)
class Unchecked:
    """What could not be compared."""

    what: str
    why: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All of it; the rest of the objects, `same`, are as they were."""

    objects: tuple[Compared, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    same: int = 0
    names: frozenset[Name] = frozenset()
    """Of everything that is meant and was found on either side, where names were asked for."""

    @property
    def exit_code(self) -> int:
        """0 same, 1 different, 3 not compared, or not all of it."""
        return 3 if self.unchecked else int(bool(self.objects))


def together(parts: Iterable[Comparison]) -> Comparison:
    """One of several."""
    every = list(parts)
    return Comparison(
        tuple(each for part in every for each in part.objects),
        tuple(each for part in every for each in part.unchecked),
        sum(part.same for part in every),
        frozenset(name for part in every for name in part.names),
    )


def veiled(resource: Resource, found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """As it may be shown: of a Secret not its values, and not how long they are."""
    if resource.name != SECRETS.rule:
        return found
    return tuple(_veiled(each) if each.path.startswith(("data", "stringData")) else each for each in found)


def _veiled(found: Difference) -> Difference:
    live = ABSENT if found.live is ABSENT else "(not shown)"
    wanted = ABSENT if found.wanted is ABSENT else "(not shown)"
    return replace(found, live=live, wanted=wanted)
