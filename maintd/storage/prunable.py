"""Which objects of a store may ever be deleted: those that nobody needs for ever, and whose path tells their age.

    runs/<yyyy>/<mm>/<dd>/<run id>.json, and the lists beside it, <run id>.<list>.<number>.ndjson
    samples/<job>/<yyyy-mm-dd>/<hhmmss>Z-<nonce>.ndjson
    evidence/<run id>/<anything below>
    doctor/<yyyy-mm-dd>/<name>.txt

Backups, their verifications and the state are not among them, nor is anything that maintd does not know.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from maintd.core.errors import Refused
from maintd.storage.paths import is_path

_EARLIEST = "00010101000000"
_REST_OF_RUN_ID = r"Z-[a-z0-9][-a-z0-9]*-[0-9a-z]+"
_JOB = r"[a-z0-9][-a-z0-9]*"
_DAY = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_RUN = re.compile(rf"(?:runs(?:/[0-9]+){{3}}|evidence)/([0-9]{{8}}T[0-9]{{6}}{_REST_OF_RUN_ID})(?=[./])")


@dataclass(frozen=True, slots=True)
class _Area:
    """What the patterns capture, one after another, are the digits of a time, the year first."""

    folder: re.Pattern[str]
    object: re.Pattern[str]


_AREAS: Mapping[str, _Area] = {
    "runs": _Area(
        re.compile(r"runs/(?:([0-9]{4})/(?:([0-9]{2})/(?:([0-9]{2})/)?)?)?"),
        re.compile(
            r"runs/([0-9]{4})/([0-9]{2})/([0-9]{2})/\1\2\3T([0-9]{6})"
            rf"{_REST_OF_RUN_ID}(?:\.json|\.[a-z]+\.[0-9]{{4,}}\.ndjson)"
        ),
    ),
    "samples": _Area(
        re.compile(rf"samples/(?:{_JOB}/(?:{_DAY}/)?)?"),
        re.compile(rf"samples/{_JOB}/{_DAY}/([0-9]{{6}})Z-[0-9a-z]+\.ndjson"),
    ),
    "evidence": _Area(
        re.compile(rf"evidence/(?:([0-9]{{8}})T([0-9]{{6}}){_REST_OF_RUN_ID}/(?:[^/]+/)*)?"),
        re.compile(rf"evidence/([0-9]{{8}})T([0-9]{{6}}){_REST_OF_RUN_ID}/(?:[^/]+/)*[^/]+"),
    ),
    "doctor": _Area(
        re.compile(rf"doctor/(?:{_DAY}/)?"),
        re.compile(rf"doctor/{_DAY}/[a-z]+\.txt"),
    ),
}
AREAS = tuple(_AREAS)
"""The topmost folders that can be kept small; no other is ever touched."""


def written(path: str) -> datetime | None:
    """When an object was written, as its path tells, UTC; None for one that is never deleted."""
    area = _AREAS.get(path.partition("/")[0])
    found = area.object.fullmatch(path) if area and is_path(path) else None
    return _time(found) if found else None


def begun(folder: str) -> datetime | None:
    """What is in a folder (given with its slash) was written then or later; None where it is not looked into."""
    area = _AREAS.get(folder.partition("/")[0])
    found = area.folder.fullmatch(folder) if area and is_path(folder.removesuffix("/")) else None
    return _time(found) if found else None


def run_of(path: str) -> str:
    """The id of the run that a record or evidence is of; empty for anything else."""
    found = _RUN.match(path)
    return found[1] if found else ""


def check_prunable(path: str, before: datetime) -> None:
    """Raises Refused for what must stay: anything that is not known to be ours, to be spared, and older than that."""
    at = written(path)
    if at is None:
        raise Refused(f"{path!r} is never deleted: its path is not one of {', '.join(f'{area}/' for area in AREAS)}")
    if at >= before:
        raise Refused(f"{path!r} is not deleted: it is not yet as old as `retention` in jobs.yaml says")


def _time(found: re.Match[str]) -> datetime | None:
    digits = "".join(part for part in found.groups() if part)
    try:
        return datetime.strptime(digits + _EARLIEST[len(digits) :], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # a 31st of February
        return None
