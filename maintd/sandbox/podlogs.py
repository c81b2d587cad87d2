"""The `log` subresource of pods: the text where there is some, the kubelet's 400 where there is none."""

from collections.abc import Mapping

from maintd.core.resource import Json
from maintd.sandbox.state import State
from maintd.sandbox.status import bad_request, integer, invalid
from maintd.sandbox.store import Entry


def read_log(state: State, entry: Entry, query: Mapping[str, str]) -> bytes | None:
    """The log of one container's current or previous instance, as `tailLines` and `limitBytes` cut it.

    None for a pod that has no node yet: the server has nobody to ask. Raises 400 and 422.
    """
    pod = entry.object
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    tail, limit = _number(query, "tailLines"), _number(query, "limitBytes")
    _check("tailLines", name, tail, least=0)
    _check("limitBytes", name, limit, least=1)
    container = _container(pod, query.get("container", ""))
    if not pod["spec"].get("nodeName"):
        return None
    previous = query.get("previous") in ("true", "1")
    text = state.logs.get((namespace, name, container, previous))
    if text is None:
        raise bad_request(_why_none(pod, container, previous=previous))
    if tail is not None:
        lines = text.splitlines(keepends=True)
        text = "".join(lines[max(len(lines) - tail, 0) :])
    return text.encode()[:limit]


def _number(query: Mapping[str, str], name: str) -> int | None:
    return integer(query[name]) if name in query else None


def _check(field: str, pod: str, value: int | None, *, least: int) -> None:
    if value is not None and value < least:
        said = "greater than or equal to 0" if least == 0 else "greater than 0"
        cause = (field, "FieldValueInvalid", f"Invalid value: {value}: must be {said}")
        raise invalid("", "PodLogOptions", pod, [cause])


def _container(pod: Json, asked: str) -> str:
    name = pod["metadata"]["name"]
    containers = [one["name"] for one in pod["spec"].get("containers", [])]
    everyone = [one["name"] for one in pod["spec"].get("initContainers", [])] + containers
    if asked:
        if asked not in everyone:
            raise bad_request(f"container {asked} is not valid for pod {name}")
        return asked
    if len(containers) > 1:
        choice = " ".join(containers)
        raise bad_request(f"a container name must be specified for pod {name}, choose one of: [{choice}]")
    return str(containers[0])


def _why_none(pod: Json, container: str, *, previous: bool) -> str:
    name = pod["metadata"]["name"]
    status = pod.get("status", {})
    known = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    found = next((one for one in known if one["name"] == container), None)
    if found is None:
        return f'container "{container}" in pod "{name}" is not available'
    if previous:
        return f'previous terminated container "{container}" in pod "{name}" not found'
    waiting = found.get("state", {}).get("waiting", {}).get("reason", "")
    return f'container "{container}" in pod "{name}" is waiting to start: {waiting or "no logs yet"}'
