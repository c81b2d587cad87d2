"""Label selectors as the API server reads them: `app=web,tier in (front, back),!legacy`.

Source of the grammar: kubernetes.io/docs/concepts/overview/working-with-objects/labels.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import AfterValidator

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
_KEY = rf"(?:{_DOMAIN}/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_REQUIREMENT = re.compile(
    rf"\s*(?:!\s*(?P<without>{_KEY})|(?P<key>{_KEY})\s*"
    rf"(?:(?P<sign>==?|!=)\s*(?P<value>{_VALUE})"
    rf"|\s(?P<word>in|notin)\s*\(\s*(?P<values>{_VALUE}(?:\s*,\s*{_VALUE})*)\s*\))?)\s*"
)
_COMMA_OUTSIDE_PARENTHESES = re.compile(r",(?![^()]*\))")


def checked_selector(selector: str) -> str:
    """The selector itself. Raises ValueError for one that the API server would refuse, or that selects everything."""
    if not selector.strip():
        raise ValueError("an empty selector selects everything; leave the key out if that is meant")
    for requirement in _COMMA_OUTSIDE_PARENTHESES.split(selector):
        if not _REQUIREMENT.fullmatch(requirement):
            raise ValueError(
                f"{requirement.strip()!r} is not a label requirement; write it like app=web, app!=web, "
                "tier in (front, back), tier notin (test), tier or !tier"
            )
    return selector


def matcher(selector: str) -> Callable[[Mapping[str, str]], bool]:
    """Whether labels are selected, as the API server judges it: all are by an empty selector.

    ValueError for one that it would refuse.
    """
    parts = _COMMA_OUTSIDE_PARENTHESES.split(checked_selector(selector)) if selector else []
    tests = [_test(found) for part in parts if (found := _REQUIREMENT.fullmatch(part))]
    return lambda labels: all(test(labels) for test in tests)


def _test(found: re.Match[str]) -> Callable[[Mapping[str, str]], bool]:
    key, without = found["key"], found["without"]
    if without:
        return lambda labels: without not in labels
    if not found["sign"] and not found["word"]:
        return lambda labels: key in labels
    values = {value.strip() for value in (found["value"] or found["values"] or "").split(",")}
    if found["sign"] == "!=" or found["word"] == "notin":
        return lambda labels: labels.get(key) not in values  # a label that is not there has none of the values
    return lambda labels: labels.get(key) in values


LabelSelector = Annotated[str, AfterValidator(checked_selector)]
"""A label selector that is not empty."""
