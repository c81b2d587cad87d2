"""Label selectors as the API server reads them: `app=web,tier in (front, back),!legacy`.

Source of the grammar: kubernetes.io/docs/concepts/overview/working-with-objects/labels.
"""

import re
from typing import Annotated

from pydantic import AfterValidator

_NAME = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_DOMAIN = r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?"
_KEY = rf"(?:{_DOMAIN}/)?{_NAME}"
_VALUE = rf"(?:{_NAME})?"
_REQUIREMENT = re.compile(
    rf"\s*(?:!\s*{_KEY}|{_KEY}\s*(?:(?:==?|!=)\s*{_VALUE}|\s(?:in|notin)\s*\(\s*{_VALUE}(?:\s*,\s*{_VALUE})*\s*\))?)\s*"
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


LabelSelector = Annotated[str, AfterValidator(checked_selector)]
"""A label selector that is not empty."""
