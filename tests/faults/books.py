"""What the logs, the records and the state say of starts: each once, each with its one end, none left open."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

IDEMPOTENT = frozenset({"backup", "backup-verify"})
"""Kinds whose run is started again where it was cut off."""
_LABELS, _OPERATION = "logging.googleapis.com/labels", "logging.googleapis.com/operation"


@dataclass(frozen=True, slots=True)
class Start:
    """As the log of the process says."""

    run_id: str
    job: str
    due: str

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> "Start":
        """A line `run started`."""
        return cls(line[_OPERATION]["id"], line[_LABELS]["job"], str(line.get("due")))


def starts(lines: Iterable[Mapping[str, Any]]) -> list[Start]:
    """All of them."""
    return [Start.of(line) for line in lines if line["message"] == "run started"]


def wrong(
    lines: Sequence[Mapping[str, Any]],
    kept: Sequence[Mapping[str, Any]],
    entries: Mapping[str, Mapping[str, Any]],
    *,
    unclaimed: Iterable[str] = (),
) -> Iterator[str]:
    """What is against the promise. `unclaimed`: jobs whose start may be lost with its process."""
    begun, lossy = starts(lines), frozenset(unclaimed)
    reruns = {record["run_id"]: record for record in kept if record.get("rerun_of")}
    yield from _twice(begun, reruns)
    yield from _again(kept, reruns.values())
    records = Counter(record["run_id"] for record in kept)
    for start in begun:
        if records[start.run_id] != 1 and not (start.job in lossy and not records[start.run_id]):
            yield f"{start.run_id}, due {start.due}, has {records[start.run_id]} records"
    own = (record["run_id"] for record in kept if record.get("in_the_way") == record["run_id"])
    yield from (f"{run_id} was kept from starting by itself" for run_id in own)
    for job, entry in entries.items():
        if entry.get("open_claim"):
            yield f"{job} still has the claim of {entry['open_claim']['run_id']}"


def _twice(begun: Iterable[Start], reruns: Mapping[str, Any]) -> Iterator[str]:
    times = Counter((start.job, start.due) for start in begun if start.run_id not in reruns)
    yield from (f"{job} was started {many} times for {due}" for (job, due), many in times.items() if many > 1)


def _again(kept: Iterable[Mapping[str, Any]], reruns: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    by_id = {record["run_id"]: record for record in kept}
    for record in reruns:
        first = by_id.get(record["rerun_of"])
        if record["kind"] not in IDEMPOTENT or first is None or first["status"] != "interrupted":
            yield f"{record['run_id']} should not have been started again after {record['rerun_of']}"
