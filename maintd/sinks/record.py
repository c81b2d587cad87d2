"""A run as the JSON that is kept of it, and what to do when it does not fit or cannot be written."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_json

from maintd.core.errors import Unreadable
from maintd.core.outcome import Finding, Frozen, Run
from maintd.core.text import counted, sized

LISTS = ("considered", "changes", "findings")
"""What makes a record large, in the order in which it is moved out."""
_LONGEST_TEXT = 4096
_IDENTITY = {
    "run_id",
    "job",
    "kind",
    "target",
    "level",
    "mode",
    "trigger",
    "due",
    "started",
    "ended",
    "status",
    "count",
}


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


def parts(entries: Iterable[Frozen], longest: int) -> Iterator[bytes]:
    """The entries as ndjson, in pieces of at most so many bytes."""
    piece = bytearray()
    for entry in entries:
        line = to_json(_scrubbed(entry.model_dump(mode="json")), inf_nan_mode="strings") + b"\n"
        if piece and len(piece) + len(line) > longest:
            yield bytes(piece)
            piece.clear()
        piece += line
    yield bytes(piece)


def without(run: Run, name: str, paths: Iterable[str]) -> Run:
    """The run once one of its LISTS lies in objects of its own."""
    listed = getattr(run, name)
    moved = Finding(
        severity="info",
        subject=name,
        message=f"all {len(listed):,} of them are in objects beside this record, which would have been too large",
    )
    left = {name: (), "artifacts": (*run.artifacts, *paths)}
    findings = () if name == "findings" else run.findings
    return run.model_copy(update={**left, "findings": (*findings, moved)})


def bare(run: Run, longest: int) -> Run:
    """What a record says that would be too large even without its lists."""
    kept = run.model_dump(include=_IDENTITY)
    said = f"the rest of this record is left out, since it was larger than {sized(longest)}"
    return Run(**kept, summary=run.summary[:_LONGEST_TEXT], error=f"{run.error[:_LONGEST_TEXT]} [{said}]".strip())
