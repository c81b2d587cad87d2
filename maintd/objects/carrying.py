"""What a replacement must carry over from the object that it replaces: all that cleaning takes away.

What the server, a controller or a node wrote into the live object (allocated addresses and ports, the bound volume,
owners, resourceVersion) stays as it is; everything else becomes what the backup says, so that what somebody added
since is gone.
"""

from typing import Any

from maintd.core.resource import Json, Resource
from maintd.objects.cleaning import clean
from maintd.objects.fields import mapping


def carried(resource: Resource, wanted: Json, live: Json, *, scaled: bool = False) -> Json:
    """The wanted object as it can be written over the live one. Raises Unreadable for a live one of odd types.

    `scaled`: an autoscaler has the say on replicas, and those that it chose stay.
    """
    found = _mapping(wanted, live, clean(resource, live))
    found["metadata"].pop("managedFields", None)  # where none are sent, the server keeps those that it has
    replicas = mapping(live, "spec").get("replicas")
    if scaled and replicas is not None:
        found["spec"] = mapping(found, "spec") | {"replicas": replicas}
    return found


def _mapping(wanted: Json, live: Json, cleaned: Json) -> Json:
    found = dict(wanted)
    for key, value in live.items():
        kept = _kept(wanted.get(key), value, cleaned.get(key))
        if kept is not None:
            found[key] = kept
    return found


def _kept(wanted: Any, live: Any, cleaned: Any) -> Any:
    """What a field becomes; None: what is wanted, or nothing."""
    if live is cleaned:  # cleaning copies as deep as it takes something away
        return None
    if wanted is None and cleaned is None:
        return live
    if isinstance(live, dict) and isinstance(wanted, dict | None):
        return _mapping(wanted or {}, live, cleaned if isinstance(cleaned, dict) else {}) or None
    if isinstance(live, list) and isinstance(wanted, list | None):
        return _sequence(wanted or [], live, cleaned if isinstance(cleaned, list) else []) or None
    return None


def _sequence(wanted: list[Any], live: list[Any], cleaned: list[Any]) -> list[Any]:
    if len(live) != len(cleaned):  # whole elements were taken away
        return wanted + [each for each in live if each not in cleaned and each not in wanted]
    pairs = [pair for pair in zip(live, cleaned, strict=True) if pair[0] != pair[1]]
    return [_element(each, pairs) for each in wanted]


def _element(wanted: Any, pairs: list[tuple[Any, Any]]) -> Any:
    """An element of a list of objects, with what its counterpart in the live object had that was taken away."""
    for live, cleaned in pairs:
        if isinstance(wanted, dict) and isinstance(live, dict) and _same(wanted, live):
            return _mapping(wanted, live, cleaned)
    return wanted


def _same(one: Json, other: Json) -> bool:
    """By what the API merges such lists by: the name, or for ports that have none the number and the protocol."""
    if "name" in one or "name" in other:
        return one.get("name") == other.get("name")
    return (one.get("port"), one.get("protocol", "TCP")) == (other.get("port"), other.get("protocol", "TCP"))
