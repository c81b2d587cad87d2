"""Events have two spellings: core/v1 and events.k8s.io/v1. They are stored in the first and served in both."""

from maintd.core.resource import Json
from maintd.sandbox.status import invalid

GROUP = "events.k8s.io"
_SPELLINGS = {
    "regarding": "involvedObject",
    "note": "message",
    "reportingController": "reportingComponent",
    "deprecatedSource": "source",
    "deprecatedFirstTimestamp": "firstTimestamp",
    "deprecatedLastTimestamp": "lastTimestamp",
    "deprecatedCount": "count",
}
_TO_GROUP = {core: grouped for grouped, core in _SPELLINGS.items()}
_REQUIRED = ("eventTime", "reportingController", "reportingInstance", "action", "reason")


def to_core(event: Json) -> Json:
    """From events.k8s.io/v1 as a client sent it. Raises a 422 for what the new spelling requires."""
    causes = [(field, "FieldValueRequired", "Required value") for field in _REQUIRED if not event.get(field)]
    if event.get("type") not in ("Normal", "Warning"):
        causes.append(("type", "FieldValueInvalid", f'Invalid value: "{event.get("type") or ""}": has invalid value'))
    if causes:
        raise invalid("", "Event", (event.get("metadata") or {}).get("name", ""), causes)
    return {_SPELLINGS.get(key, key): value for key, value in event.items()}


def to_group(event: Json) -> Json:
    """To events.k8s.io/v1, from what is stored."""
    return {_TO_GROUP.get(key, key): value for key, value in event.items()}


def core_field(label: str) -> str:
    """A field label of events.k8s.io/v1 as core/v1 spells it: `regarding.uid` → `involvedObject.uid`."""
    first, dot, rest = label.partition(".")
    return _SPELLINGS.get(first, first) + dot + rest
