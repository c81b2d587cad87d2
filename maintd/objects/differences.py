"""How the object in the cluster differs from the one that is wanted: field by field, in both directions.

Both are cleaned, and an API server has put its defaults into both: what differs was changed by somebody.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from typing import Any, Final

from maintd.core.resource import Json


class Absent(Enum):
    """What stands for a value on the side that has none; `null` is a value."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT
REPLICAS = "spec.replicas"


@dataclass(frozen=True, slots=True)
class Difference:
    """One field. `path` is for people: `spec.template.spec.containers[web].env[GIT_SHA].value`."""

    path: str
    live: Any
    """As the cluster has it; ABSENT: only the wanted object has this."""
    wanted: Any
    """ABSENT: only the cluster has this."""
    order: bool = False
    """The same elements in another order; `live` and `wanted` say which."""


_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "hostAliases": (("ip",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "volumeDevices": (("devicePath",),),
    "volumeMounts": (("mountPath",),),
}
"""What Kubernetes merges the elements of a list by (patchMergeKey in its types); all others go by their name."""
_NAME = ("name",)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def differences(live: Json, wanted: Json, *, scaled: bool = False) -> tuple[Difference, ...]:
    """None for objects that are the same. `scaled`: an autoscaler has the say on replicas, so they do not count."""
    found = _mappings(live, wanted, "")
    return tuple(each for each in found if not (scaled and each.path == REPLICAS))


def _values(live: Any, wanted: Any, path: str) -> Iterator[Difference]:
    if type(live) is dict and type(wanted) is dict:
        yield from _mappings(live, wanted, path)
    elif type(live) is list and type(wanted) is list:
        yield from _lists(live, wanted, path)
    elif isinstance(live, bool) is not isinstance(wanted, bool) or live != wanted:
        yield Difference(path, live, wanted)


def _mappings(live: Json, wanted: Json, path: str) -> Iterator[Difference]:
    for key in dict.fromkeys([*wanted, *live]):
        yield from _values(live.get(key, ABSENT), wanted.get(key, ABSENT), _member(path, key))


def _member(path: str, key: str) -> str:
    if not _PLAIN.fullmatch(key):
        return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def _lists(live: list[Any], wanted: list[Any], path: str) -> Iterator[Difference]:
    field = path.rpartition(".")[2]
    for key in (*_KEYS.get(field, ()), _NAME):
        lefts, rights = _keyed(live, key), _keyed(wanted, key)
        if lefts is not None and rights is not None:
            yield from _named(lefts, rights, path)
            return
    yield from _unnamed(live, wanted, path)


def _keyed(elements: list[Any], key: tuple[str, ...]) -> dict[str, Any] | None:
    """The elements by their key; None where it does not tell each from all others."""
    found = {}
    for element in elements:
        if type(element) is not dict or not all(type(element.get(part)) in (str, int) for part in key):
            return None
        found["/".join(str(element[part]) for part in key)] = element
    return found if len(found) == len(elements) else None


def _named(live: dict[str, Any], wanted: dict[str, Any], path: str) -> Iterator[Difference]:
    for key in dict.fromkeys([*wanted, *live]):
        yield from _values(live.get(key, ABSENT), wanted.get(key, ABSENT), f"{path}[{key}]")
    before, now = [key for key in wanted if key in live], [key for key in live if key in wanted]
    if before != now:
        yield Difference(path, now, before, order=True)


def _unnamed(live: list[Any], wanted: list[Any], path: str) -> Iterator[Difference]:
    """By position, around what was put in or taken out."""
    lefts, rights = list(map(_canonical, live)), list(map(_canonical, wanted))
    if lefts != rights and sorted(lefts) == sorted(rights):
        yield Difference(path, live, wanted, order=True)
        return
    for tag, i, j, k, m in SequenceMatcher(None, rights, lefts, autojunk=False).get_opcodes():
        if tag != "equal":
            yield from _stretch(live[k:m], wanted[i:j], path, k)


def _stretch(live: Sequence[Any], wanted: Sequence[Any], path: str, start: int) -> Iterator[Difference]:
    for offset in range(max(len(live), len(wanted))):
        left = live[offset] if offset < len(live) else ABSENT
        right = wanted[offset] if offset < len(wanted) else ABSENT
        yield from _values(left, right, f"{path}[{start + offset}]")


def _canonical(element: Any) -> str:
    return json.dumps(element, sort_keys=True)
