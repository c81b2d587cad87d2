"""The few contents that the sandbox checks, as the server does: those that maintd writes."""

from collections.abc import Callable, Mapping

from maintd.core.resource import Json
from maintd.sandbox.resources import Key
from maintd.sandbox.status import invalid

_MOST_BYTES = 1024 * 1024


def check(key: Key, obj: Json) -> None:
    """Raises a 422 for an object that the server would not take."""
    if found := _CHECKS.get(key):
        found(obj)


def _config_map(obj: Json) -> None:
    texts, binaries = obj.get("data") or {}, obj.get("binaryData") or {}
    size = sum(len(value.encode()) for value in texts.values()) + sum(
        len(value) * 3 // 4 for value in binaries.values()
    )
    if size > _MOST_BYTES:
        cause = ("", "FieldValueTooLong", f"Too long: may not be more than {_MOST_BYTES} bytes")
        raise invalid("", "ConfigMap", obj["metadata"]["name"], [cause])


def _event(obj: Json) -> None:
    """An event is filed in the namespace of the object it is about; `default` takes those about cluster objects."""
    about, namespace = (obj.get("involvedObject") or {}).get("namespace", ""), obj["metadata"]["namespace"]
    if about != namespace and (about, namespace) != ("", "default"):
        message = f'Invalid value: "{about}": does not match event.namespace'
        cause = ("involvedObject.namespace", "FieldValueInvalid", message)
        raise invalid("", "Event", obj["metadata"]["name"], [cause])


_CHECKS: Mapping[Key, Callable[[Json], None]] = {("", "configmaps"): _config_map, ("", "events"): _event}
