"""A run as the JSON that is kept of it, and what to do when it does not fit or cannot be written."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from maintd.core.errors import Unreadable
from maintd.core.outcome import Finding, Frozen, Run
from maintd.core.text import counted, sized

LISTS = {"considered": "decision", "changes": "result", "findings": "severity"}
"""What makes a record large, and by what its entries are counted when they are moved out of it."""
_LONGEST_TEXT = 4096
_MOST_ARTIFACTS = 1000


def to_record(run: Run) -> bytes:
    """The record. What cannot be written is left out, and the record says so."""
    try:
        return run.model_dump_json(fallback=repr).encode()
    except Exception:  # noqa: BLE001 - lone surrogates, cycles, whatever repr raises: there will be a record
        return _mended(run)


def from_record(data: bytes, where: str) -> Run:
    """The run that was recorded. Raises Unreadable."""
    try:
        return Run.model_validate_json(data)
    except ValidationError as error:
        raise Unreadable(f"{where} is not the record of a run ({counted(error.error_count(), 'mistake')})") from error


def _mended(run: Run) -> bytes:
    found: dict[str, Any] = {}
    lost = []
    for name in type(run).model_fields:
        try:
            found |= _scrubbed(run.model_dump(mode="json", include={name}, fallback=repr))
            to_json(found[name])
        except Exception as error:  # noqa: BLE001 - as above
            found.pop(name, None)
            lost.append(f"{name} ({type(error).__name__})")
    if lost:
        found["error"] = (
            f"{found['error']} [left out of this record, since JSON cannot hold it: {', '.join(lost)}]".strip()
        )
    return to_json(found, inf_nan_mode="strings")


def _scrubbed(value: Any) -> Any:
    """The same without lone surrogates: they come out of the API server's JSON, and UTF-8 has none."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, list):
        return [_scrubbed(each) for each in value]
    if isinstance(value, dict):
        return {_scrubbed(key): _scrubbed(each) for key, each in value.items()}
    return value


def parts(entries: Iterable[Frozen], longest: int) -> list[bytes]:
    """The entries as ndjson, in pieces of at most so many bytes."""
    pieces = [bytearray()]
    for entry in entries:
        line = _line(entry)
        if len(pieces[-1]) + len(line) > longest:
            pieces.append(bytearray())
        pieces[-1] += line
    return [bytes(piece) for piece in pieces]


def _line(entry: Frozen) -> bytes:
    try:
        return entry.model_dump_json().encode() + b"\n"
    except ValueError:
        return to_json(_scrubbed(entry.model_dump(mode="json")), inf_nan_mode="strings") + b"\n"


def without(run: Run, moved: Mapping[str, Sequence[str]]) -> Run:
    """The run once some of its LISTS lie in objects of their own: name → paths."""
    notes = [
        Finding(
            severity="info",
            subject=name,
            message=f"all {len(getattr(run, name)):,} ({_counts(run, name)}) lie beside this record, "
            "which would have been too large with them",
        )
        for name in moved
    ]
    left: dict[str, Any] = dict.fromkeys(moved, ())
    paths = [path for found in moved.values() for path in found]
    findings = (*left.get("findings", run.findings), *notes)
    return run.model_copy(update={**left, "findings": findings, "artifacts": (*run.artifacts, *paths)})


def _counts(run: Run, name: str) -> str:
    counts = Counter(getattr(each, LISTS[name]) for each in getattr(run, name))
    return ", ".join(f"{value} {count:,}" for value, count in counts.most_common(10))


def cut(run: Run, longest: int) -> Run:
    """What a record says that would be too large even without its long lists."""
    texts = {name: getattr(run, name)[:_LONGEST_TEXT] for name in ("summary", "reason", "actor", "error")}
    said = f"cut, since this record was larger than {sized(longest)}; params and figures are left out"
    texts |= {"error": f"{texts['error']} [{said}]".strip(), "traceback": run.traceback[-_LONGEST_TEXT:]}
    return run.model_copy(update={**texts, "config": {}, "metrics": {}, "artifacts": run.artifacts[-_MOST_ARTIFACTS:]})
