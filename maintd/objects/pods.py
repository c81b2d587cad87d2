"""What a Pod says: how it ended, when, and which logs it may have left."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from maintd.core.errors import Unreadable
from maintd.core.resource import Json
from maintd.objects.fields import instant, mapping, mappings, text, word

_SPECS_AND_STATUSES = (
    ("initContainers", "initContainerStatuses"),
    ("containers", "containerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)


@dataclass(frozen=True, slots=True)
class Finish:
    """When a pod finished, and which field says so."""

    at: datetime
    source: str


@dataclass(frozen=True, slots=True)
class LogSource:
    """One log that a pod may have: of a container's current instance, or of the one before it."""

    container: str
    previous: bool

    def __str__(self) -> str:
        return f"{self.container} ({'previous' if self.previous else 'current'} instance)"


def phase(pod: Json) -> str:
    """`Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`, or empty."""
    return text(mapping(pod, "status"), "phase")


def reason(pod: Json) -> str:
    """Why the whole pod ended: `Evicted`, `NodeShutdown` …; empty where its containers ended by themselves."""
    return word(mapping(pod, "status"), "reason")


def finished(pod: Json) -> Finish | None:
    """When a finished pod did so; None where nothing tells. Raises Unreadable.

    The last container's `finishedAt`, else the newest condition transition, else `startTime`. A container that
    has no `finishedAt` (its node went away while it ran) makes the others' say nothing about the pod.
    """
    status = mapping(pod, "status")
    return _last_container(status) or _newest_condition(status) or _start(status)


def log_sources(pod: Json) -> list[LogSource]:
    """Every log worth asking for: a previous instance only where the status does not rule it out."""
    spec, status = mapping(pod, "spec"), mapping(pod, "status")
    sources = []
    for containers, statuses in _SPECS_AND_STATUSES:
        never_restarted = {text(state, "name") for state in mappings(status, statuses) if _never_restarted(state)}
        for name in (text(container, "name") for container in mappings(spec, containers)):
            sources.append(LogSource(name, previous=False))
            if name not in never_restarted:
                sources.append(LogSource(name, previous=True))
    return sources


def _never_restarted(state: Json) -> bool:
    return state.get("restartCount") == 0 and not state.get("lastState")


def _last_container(status: Json) -> Finish | None:
    ends = list(_ends(status))
    times = [at for at in ends if at is not None]
    return Finish(max(times), "finishedAt") if times and len(times) == len(ends) else None


def _ends(status: Json) -> Iterator[datetime | None]:
    """Of each container that was started, when it ended, None where the status does not say."""
    for _, statuses in _SPECS_AND_STATUSES:
        for container in mappings(status, statuses):
            state = mapping(container, "state")
            if state.get("terminated") is not None:
                yield _named(container, mapping(state, "terminated"))
            elif state.get("running") is not None:
                yield None


def _named(container: Json, terminated: Json) -> datetime | None:
    try:
        return instant(terminated, "finishedAt")
    except Unreadable as error:
        raise Unreadable(f"of container {word(container, 'name')}, {error}") from None


def _newest_condition(status: Json) -> Finish | None:
    times = [
        (at, word(condition, "type"))
        for condition in mappings(status, "conditions")
        if (at := instant(condition, "lastTransitionTime")) is not None
    ]
    if not times:
        return None
    at, kind = max(times)
    return Finish(at, f"transition of condition {kind}")


def _start(status: Json) -> Finish | None:
    at = instant(status, "startTime")
    return Finish(at, "startTime") if at else None
