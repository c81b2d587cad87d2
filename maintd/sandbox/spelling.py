"""How a stored object is spelled for the one who asks: kind, apiVersion, and the group that Events are read in."""

import json

from maintd.core.resource import Json
from maintd.sandbox import events
from maintd.sandbox.resources import Served
from maintd.sandbox.store import Entry


def stored(served: Served, obj: Json) -> Json:
    """A client's object in the spelling that is stored."""
    return events.to_core(obj) if served.resource.group == events.GROUP else obj


def spelled(served: Served, entry: Entry) -> bytes:
    """A whole object as JSON."""
    return _prefix(served) + _raw(served, entry)[1:]


def item(served: Served, entry: Entry) -> bytes:
    """An object inside a list: built-in kinds do not repeat their kind there, custom ones do."""
    return spelled(served, entry) if served.custom else _raw(served, entry)


def _raw(served: Served, entry: Entry) -> bytes:
    if served.resource.group != events.GROUP:
        return entry.raw
    return json.dumps(events.to_group(entry.object)).encode()


def _prefix(served: Served) -> bytes:
    return f'{{"kind":"{served.resource.kind}","apiVersion":"{served.resource.api_version}",'.encode()
