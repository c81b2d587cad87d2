"""Label and field selectors, as the `labelSelector` and `fieldSelector` of a list."""

import re
from collections.abc import Callable, Mapping

from maintd.core.resource import Json
from maintd.sandbox import events
from maintd.sandbox.resources import Served
from maintd.sandbox.status import bad_request

Match = Callable[[Json], bool]

_SET = re.compile(r"(?P<key>[^\s,()!=]+)\s+(?P<op>in|notin)\s+\((?P<values>[^()]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s,()!=]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s,()!=]*)")
_EXISTS = re.compile(r"(?P<absent>!?)\s*(?P<key>[^\s,()!=]+)")
_REFERENCE = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")

_FIELDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): (
        "spec.nodeName",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.phase",
        "status.podIP",
        "status.nominatedNodeName",
    ),
    ("", "nodes"): ("spec.unschedulable",),
    ("", "namespaces"): ("status.phase",),
    ("", "secrets"): ("type",),
    ("", "services"): ("spec.clusterIP", "spec.type"),
    ("", "events"): (
        *(f"involvedObject.{field}" for field in _REFERENCE),
        *("reason", "reportingComponent", "source", "type"),
    ),
    (events.GROUP, "events"): (
        *(f"regarding.{field}" for field in _REFERENCE),
        *("reason", "reportingController", "type"),
    ),
    ("", "replicationcontrollers"): ("status.replicas",),
    ("batch", "jobs"): ("status.successful",),
}
_SPELLED_OTHERWISE = {"status.successful": "status.succeeded", "source": "source.component"}
_FALSE_WHEN_ABSENT = ("spec.hostNetwork", "spec.unschedulable")
_ZERO_WHEN_ABSENT = ("status.replicas", "status.successful")


def label_matcher(selector: str) -> Match | None:
    """None for an empty selector. Raises a 400 for one that cannot be read."""
    tests = [_label_test(part) for part in _split(selector)]
    if not tests:
        return None
    return lambda obj: all(test(obj["metadata"].get("labels") or {}) for test in tests)


def field_matcher(selector: str, served: Served) -> Match | None:
    """None for an empty selector. Raises a 400 for a field that the server does not select on."""
    tests = []
    for part in selector.split(",") if selector else ():
        found = _EQUAL.fullmatch(part.strip())
        if found is None:
            raise bad_request(f"invalid selector: '{selector}'; can't understand '{part}'")
        tests.append((_known(found["key"], served), found["value"], found["op"] != "!="))
    if not tests:
        return None
    return lambda obj: all((field_value(obj, field) == value) is equal for field, value, equal in tests)


def matcher(labels: str, fields: str, served: Served) -> Match | None:
    """Both selectors in one test; None where neither asks for anything."""
    tests = [test for test in (label_matcher(labels), field_matcher(fields, served)) if test is not None]
    if len(tests) < 2:
        return tests[0] if tests else None
    return lambda obj: all(test(obj) for test in tests)


def field_value(obj: Json, field: str) -> str:
    """The text that a field selector compares with; empty where the object has none."""
    if field == "source" and not (obj.get("source") or {}).get("component"):
        field = "reportingComponent"
    value: object = obj
    for step in _SPELLED_OTHERWISE.get(field, field).split("."):
        value = value.get(step) if isinstance(value, dict) else None
    if value is None or value is False:
        return "false" if field in _FALSE_WHEN_ABSENT else "0" if field in _ZERO_WHEN_ABSENT else ""
    return "true" if value is True else str(value)


def _known(field: str, served: Served) -> str:
    resource = served.resource
    always = ("metadata.name", "metadata.namespace") if resource.namespaced else ("metadata.name",)
    extra = _FIELDS.get((resource.group, resource.plural), ())
    if field not in (*always, *extra):
        only = 'only "metadata.name", "metadata.namespace"'
        more = "field label not supported: " + field
        raise bad_request(more if extra else f'"{field}" is not a known field selector: {only}')
    return events.core_field(field) if resource.group == events.GROUP else field


def _split(selector: str) -> list[str]:
    """At the commas that are not inside parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", selector)] if selector.strip() else []


def _label_test(part: str) -> Callable[[Mapping[str, str]], bool]:
    if found := _SET.fullmatch(part):
        key, values = found["key"], {value.strip() for value in found["values"].split(",")}
        if found["op"] == "in":
            return lambda labels: labels.get(key) in values
        return lambda labels: labels.get(key) not in values
    if found := _EQUAL.fullmatch(part):
        key, value = found["key"], found["value"]
        if found["op"] == "!=":
            return lambda labels: labels.get(key) != value
        return lambda labels: labels.get(key) == value
    if found := _EXISTS.fullmatch(part):
        key, absent = found["key"], bool(found["absent"])
        return lambda labels: (key in labels) is not absent
    raise bad_request(f"unable to parse requirement: {part!r} is not a label requirement")
