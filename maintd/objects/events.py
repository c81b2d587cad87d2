"""Kubernetes Events: what one is about, and the one that maintd writes about a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from maintd.core.errors import Unreadable
from maintd.core.limits import MANAGED_BY, RUN_ID
from maintd.core.resource import Json, ObjectRef, Resource
from maintd.objects.fields import instant, mapping, text

EVENTS_V1 = Resource("events.k8s.io", "v1", "events", "Event")
"""Where Events are written; they are read as core v1, whose field selectors name the object."""
CONTROLLER = "maintd.dev/maintd"
_LONGEST_NOTE = 1024
_LONGEST_WORD = 128
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Subject:
    """An object as an Event refers to it."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, resource: Resource, ref: ObjectRef) -> "Subject":
        """The object of a change."""
        return cls(resource.api_version, resource.kind, ref.namespace, ref.name, ref.uid)

    def as_json(self) -> Json:
        """As the API has it; what is not known is left out."""
        names = ("apiVersion", "kind", "namespace", "name", "uid")
        values = (self.api_version, self.kind, self.namespace, self.name, self.uid)
        return {name: value for name, value in zip(names, values, strict=True) if value}


def uid_of_subject(event: Mapping[str, Any]) -> str:
    """The uid of the object that a core v1 Event is about; empty where it does not say."""
    try:
        return text(mapping(event, "involvedObject"), "uid")
    except Unreadable:
        return ""


def newest_first(events: Sequence[Json]) -> list[Json]:
    """In the order of when they were last seen; those without a readable time come last."""
    return sorted(events, key=_last_seen, reverse=True)


def _last_seen(event: Json) -> datetime:
    try:
        series = instant(mapping(event, "series"), "lastObservedTime")
        return series or instant(event, "lastTimestamp") or instant(event, "eventTime") or _NEVER
    except Unreadable:
        return _NEVER


@dataclass(frozen=True, slots=True)
class RunNote:
    """What an Event says about a run."""

    run_id: str
    reason: str
    """UpperCamelCase: `PodsDeleted`."""
    action: str
    note: str
    warning: bool
    instance: str
    """The process that acted: its pod's or host's name."""


def run_event(note: RunNote, regarding: Subject, related: Subject | None, now: datetime) -> Json:
    """An events.k8s.io/v1 Event; its name follows from the run's id, so that one sent twice is there once.

    The API server asks for: the namespace of `regarding`, an action and a reason of at most 128 characters, a note
    of at most 1,024 bytes, an instance of at most 128 characters.
    """
    return {
        "apiVersion": EVENTS_V1.api_version,
        "kind": EVENTS_V1.kind,
        "metadata": {
            "name": note.run_id.lower(),
            "namespace": regarding.namespace,
            "labels": {MANAGED_BY: "maintd"},
            "annotations": {RUN_ID: note.run_id},
        },
        "eventTime": f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "type": "Warning" if note.warning else "Normal",
        "reason": note.reason[:_LONGEST_WORD],
        "action": note.action[:_LONGEST_WORD],
        "note": note.note.encode()[:_LONGEST_NOTE].decode(errors="ignore"),
        "regarding": regarding.as_json(),
        **({"related": related.as_json()} if related else {}),
        "reportingController": CONTROLLER,
        "reportingInstance": note.instance[:_LONGEST_WORD],
    }
