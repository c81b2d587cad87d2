"""`python -m tests.faults.year FOLDER --start 2027-01-01 --days 365`: the daemon as scheduled, in virtual time.

Five zones with twelve jobs each, in the whole house on a folder. Prints one JSON object: how many runs there were, what
is wrong with them, how late the latest was.
"""

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from maintd.core.outcome import Run
from maintd.telemetry import logs
from tests.faults.almanac import ENTRIES, ZONES
from tests.faults.household import Household, slow_down_chores
from tests.faults.virtual import World, live


def _jobs() -> str:
    """Of every sixth job the start is claimed."""
    kind = ("look", "keep", "look", "look", "look", "look")
    lines = (
        f"  - {{name: {_name(zone, number)}, kind: {kind[number % 6]}, schedule: '{entry.line}', timezone: {zone}}}"
        for zone in ZONES
        for number, entry in enumerate(ENTRIES)
    )
    return "\n".join(("version: 1", "max_running: 100", "jobs:", *lines)) + "\n"


def _name(zone: str, number: int) -> str:
    return f"{zone.partition('/')[2].lower().replace('_', '-')}-{number}"


def _wrong(runs: Sequence[Run], start: datetime, end: datetime) -> Iterator[str]:
    odd = Counter(f"{run.status}: {run.summary}" for run in runs if run.status != "ok")
    if odd:
        yield f"runs that are not ok: {dict(odd.most_common(3))}"
    seen: dict[str, list[datetime]] = {}
    for run in runs:
        seen.setdefault(run.job, []).append(run.due or run.started)
    for zone in ZONES:
        for number, entry in enumerate(ENTRIES):
            due, found = entry.due(ZoneInfo(zone), start, end), sorted(seen.get(_name(zone, number), []))
            if due != found:
                lost, more = (sorted(map(str, each))[:3] for each in (set(due) - set(found), set(found) - set(due)))
                yield f"{entry.line} in {zone}: {len(found)} of {len(due)} runs; lost {lost}, too many {more}"


def main(arguments: Sequence[str]) -> int:
    """Exit code: 1 where something is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--start", type=datetime.fromisoformat, required=True)
    parser.add_argument("--days", type=float, required=True)
    said = parser.parse_args(arguments)
    start, seconds = said.start.replace(tzinfo=UTC) + timedelta(seconds=1), said.days * 86400
    logs.configure("json", "error")
    slow_down_chores()

    async def world_of_jobs(_: World) -> list[Run]:
        return await Household(said.folder).serve(_jobs(), asyncio.sleep(seconds))

    runs = live(start, world_of_jobs)
    wrong = [*_wrong(runs, start, start + timedelta(seconds=seconds))]
    logs.shutdown()
    print(json.dumps({"runs": len(runs), "wrong": wrong, "late": max(run.late_seconds for run in runs)}))
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
