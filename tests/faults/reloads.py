"""`python -m tests.faults.reloads FOLDER --seed 1 --reloads 2000`: jobs.yaml is edited round due instants.

In virtual time, with the whole house of the daemon. An edit concerns other jobs, a job's parameters, its schedule,
whether it is there at all, or nothing but a comment; or it makes the file one that cannot be used. Prints one JSON
object: how many runs there were, what is wrong with them, how late the latest was.
"""

import argparse
import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from maintd.config.jobs import JobsFile
from maintd.core.errors import ConfigError
from maintd.core.outcome import Run
from maintd.telemetry import logs
from tests.faults.household import Household, slow_down_chores
from tests.faults.virtual import World, live

_START = datetime(2027, 3, 1, 12, 0, 30, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_PERIODS = (1, 2, 3, 5)
_PHASES = (0.0, 1e-6, -1e-6, 1e-3, -1e-3, 0.05, -0.05)
"""Seconds between an edit and the due instant next to it; half of the edits come at any other moment."""
_BLOCKED_SECONDS = 2.0
_LAST_SECONDS = 150.0
_BAD = ("jobs: [", "version: 1\njobs: [{name: Z}]\n", "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One job of the file as it is just now."""

    kind: str
    period: int
    """It is due in every minute that this divides."""
    word: str = ""

    def line(self, name: str) -> str:
        what = f"name: {name}, kind: {self.kind}, params: {{word: '{self.word}'}}"
        return f"  - {{{what}, schedule: '0-59/{self.period} * * * *'}}"

    def due(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Instants after the one and up to the other."""
        at = after.replace(second=0, microsecond=0)
        while at <= until:
            if after < at and at.minute % self.period == 0:
                yield at
            at += _MINUTE


_FIRST = {f"{kind}-{period}": Entry(kind, period) for kind in ("look", "keep") for period in _PERIODS}
Entries = dict[str, Entry]


def _text(entries: Entries, comment: str = "") -> str:
    lines = (entry.line(name) for name, entry in entries.items())
    return "\n".join((f"# {comment}", "version: 1", "max_running: 100", "jobs:", *lines)) + "\n"


@dataclass
class Editor:
    """Whoever edits the file, and what is due by what it says."""

    chance: random.Random
    reloads: int
    entries: Entries = field(default_factory=lambda: dict(_FIRST))
    since: datetime = _START
    due: dict[str, list[datetime]] = field(default_factory=dict)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    async def edits(self, household: Household, world: World) -> AsyncIterator[JobsFile | ConfigError]:
        """One after the other, at moments of its choice, and some while the loop stood still over a due instant."""
        for number in range(self.reloads):
            await asyncio.sleep(max(0.0, (self._moment() - datetime.now(UTC)).total_seconds()))
            if self.chance.random() < 0.3:
                world.pass_by(self.chance.uniform(0, _BLOCKED_SECONDS))
            entries = self._edited()
            bad = self.chance.random() < 0.2
            text = self.chance.choice(_BAD) if bad else _text(entries, f"edit {number}")
            try:
                file = household.parse(text)
            except ConfigError as error:
                yield error
                continue
            self.count(datetime.now(UTC))
            self.entries = entries
            yield file
        self.done.set()
        await asyncio.Event().wait()

    async def finished(self) -> None:
        """Returns once all edits were made, and the last of them has stood for a while."""
        await self.done.wait()
        await asyncio.sleep(_LAST_SECONDS)
        self.count(datetime.now(UTC))

    def count(self, now: datetime) -> None:
        """What was due up to now by the file as it was."""
        for name, entry in self.entries.items():
            self.due.setdefault(name, []).extend(entry.due(self.since, now))
        self.since = now

    def _moment(self) -> datetime:
        minute = datetime.now(UTC).replace(second=0, microsecond=0) + self.chance.choice((1, 1, 2)) * _MINUTE
        seconds = self.chance.uniform(-30, 30) if self.chance.random() < 0.5 else self.chance.choice(_PHASES)
        return minute + timedelta(seconds=seconds)

    def _edited(self) -> Entries:
        entries, name = dict(self.entries), self.chance.choice([*_FIRST])
        entry = entries.get(name, _FIRST[name])
        match self.chance.choice(("comment", "other", "parameters", "schedule", "gone")):
            case "other":
                entries[f"other-{self.chance.randrange(5)}"] = Entry("look", 30)
            case "parameters":
                entries[name] = replace(entry, word=str(self.chance.randrange(1000)))
            case "schedule":
                entries[name] = replace(entry, period=self.chance.choice(_PERIODS))
            case "gone":
                entries.pop(name, None)
        return entries


def _wrong(runs: Sequence[Run], editor: Editor) -> Iterator[str]:
    odd = Counter(f"{run.status}: {run.summary}" for run in runs if run.status != "ok")
    if odd:
        yield f"runs that are not ok: {dict(odd.most_common(3))}"
    due = Counter((name, at) for name, instants in editor.due.items() for at in instants)
    found = Counter((run.job, run.due) for run in runs)
    for said, what in (("lost", due - found), ("too many", found - due)):
        if what:
            some = [f"{name} at {at:%d %H:%M}" for name, at in [*what][:5]]
            yield f"{said}: {what.total()} of {due.total()} runs, {some}"


def main(arguments: Sequence[str]) -> int:
    """Exit code: 1 where something is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--reloads", type=int, required=True)
    said = parser.parse_args(arguments)
    editor = Editor(random.Random(said.seed), said.reloads)
    logs.configure("json", "critical")
    slow_down_chores()

    async def world_of_edits(world: World) -> list[Run]:
        household = Household(said.folder)
        household.edits = lambda: editor.edits(household, world)
        return await household.serve(_text(editor.entries), editor.finished())

    runs = live(_START, world_of_edits)
    logs.shutdown()
    late = max(run.late_seconds for run in runs)
    print(json.dumps({"runs": len(runs), "wrong": [*_wrong(runs, editor)], "late": late}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
