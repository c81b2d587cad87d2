"""The `log` subresource of pods: the text where there is some, the kubelet's 400 where there is none."""

from collections.abc import Mapping

from maintd.core.resource import Json
from maintd.sandbox.state import State
from maintd.sandbox.status import bad_request
from maintd.sandbox.store import Entry


def read_log(state: State, entry: Entry, query: Mapping[str, str]) -> bytes:
    """The log of one container's current or previous instance, as `tailLines` and `limitBytes` cut it."""
    pod = entry.object
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    container = _container(pod, query.get("container", ""))
    if not pod["spec"].get("nodeName"):
        return b""
    previous = query.get("previous") in ("true", "1")
    text = state.logs.get((namespace, name, container, previous))
    if text is None:
        raise bad_request(_why_none(pod, container, previous=previous))
    return _cut(text, query.get("tailLines"), query.get("limitBytes"))


def _cut(text: str, tail: str | None, limit: str | None) -> bytes:
    if tail is not None:
        lines = text.splitlines(keepends=True)
        text = "".join(lines[-int(tail) :]) if int(tail) else ""
    data = text.encode()
    return data if limit is None else data[: int(limit)]


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
