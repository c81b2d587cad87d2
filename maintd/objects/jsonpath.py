"""Where a value stands in a JSON document: `info.title`, `items[0].id`, `labels["app.kubernetes.io/name"]`."""

import re
from typing import Any

_STEP = re.compile(r"""(?:^|\.)([^.\[\]"\s]+)|\[(\d{1,9})\]|\["([^"]+)"\]""")


def steps(path: str) -> tuple[str, ...]:
    """The names on the way; ValueError says how a path is written."""
    found: list[str] = []
    position = 0
    for step in _STEP.finditer(path):
        if step.start() != position:
            break
        found.append(step[1] or step[2] or step[3])
        position = step.end()
    if not found or position != len(path):
        raise ValueError(f'{path!r} is not a path; write it like info.title, items[0].id or labels["a.b/c"]')
    return tuple(found)


def look_up(document: Any, path: str) -> Any:
    """The value at `path`. LookupError says where the way ended; in a list a step is a position from 0."""
    here = document
    walked = "the document"
    for step in steps(path):
        if isinstance(here, dict):
            if step not in here:
                raise LookupError(f"{walked} has no {step!r}")
            here = here[step]
        elif isinstance(here, list):
            if not step.isdecimal() or int(step) >= len(here):
                raise LookupError(f"{walked} is a list of {len(here)} and has no {step!r}")
            here = here[int(step)]
        else:
            raise LookupError(f"{walked} is neither an object nor a list, so it has no {step!r}")
        walked = repr(step)
    return here
