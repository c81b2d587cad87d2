"""A pruning that ends on its way: what it deleted is told, in its record or by what it noted beforehand."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from maintd.core.errors import Denied, Transient
from maintd.core.outcome import Change, Status
from maintd.core.ports import Stored
from maintd.kinds.protect.backup_prune import KIND
from maintd.scheduling.attempt import Attempt
from maintd.storage.erasing import FolderPlace
from maintd.storage.folder import FolderStore
from tests.prune.test_backup_prune import FEW, RUN, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class Stuck(FolderPlace):
    """Answers no more once the manifest of one backup is gone."""

    def __init__(self, desk: Desk, backup: str) -> None:
        super().__init__(desk.root, "c")
        self._backup = backup
        self.reached = asyncio.Event()

    async def remove(self, path: str) -> None:
        await super().remove(path)
        if self._backup in path:
            self.reached.set()
            await asyncio.Event().wait()


def told(changes: tuple[Change, ...]) -> list[tuple[str, str, str]]:
    return [(change.object.name, change.result, change.evidence) for change in changes]


async def test_the_record_of_one_that_is_stopped_names_what_is_gone_and_what_is_half_gone(desk: Desk) -> None:
    first, second, _ = await desk.backup(9), await desk.backup(8), await desk.backup(1)
    place = Stuck(desk, second)

    @asynccontextmanager
    async def opened() -> Any:
        yield desk.context(place=place)

    retry = SimpleNamespace(attempts=1, backoff=timedelta(0))
    params = KIND.params.model_validate(FEW)
    job = SimpleNamespace(name="prune", kind=KIND, params=params, timeout=timedelta(minutes=1), retry=retry)
    attempt = Attempt(cast("Any", job), opened)
    running = asyncio.create_task(attempt.verdict())
    await asyncio.wait_for(place.reached.wait(), 10)
    attempt.interrupt()
    verdict = await running

    notes = {each: f"evidence/{RUN}/backups/{each}.json" for each in (first, second)}
    assert verdict.status is Status.INTERRUPTED
    assert told(verdict.outcome.changes) == [(first, "done", notes[first]), (second, "failed", notes[second])]
    assert "part of it is gone" in verdict.outcome.changes[1].reason
    assert told((await desk.prune(leftovers_after="1d")).changes) == [(second, "done", notes[second])]


class NoNotes(FolderStore):
    """Takes no evidence."""

    async def create(self, path: str, data: bytes) -> Stored:
        if path.startswith("evidence/"):
            raise Denied("no")
        return await super().create(path, data)


async def test_without_its_note_nothing_is_deleted(desk: Desk) -> None:
    old, last = await desk.backup(9), await desk.backup(1)

    outcome = await desk.prune(store=NoNotes(desk.root, "c"))

    assert told(outcome.changes) == [(old, "failed", "")]
    assert outcome.changes[0].reason == "evidence could not be written, so it was left alone: no"
    assert await desk.left() == [last, old]


class NoPins(FolderStore):
    """Cannot tell, once the plan is made, whether one of them is pinned."""

    def __init__(self, desk: Desk, backup: str) -> None:
        super().__init__(desk.root, "c")
        self._backup = backup

    def names(self, prefix: str, *, reverse: bool = False) -> Any:
        if prefix.startswith(f"pins/{self._backup}"):
            raise Transient("away")
        return super().names(prefix, reverse=reverse)


async def test_one_of_which_nobody_can_tell_whether_it_is_pinned_stays_and_the_others_go(desk: Desk) -> None:
    first, second, last = await desk.backup(9), await desk.backup(8), await desk.backup(1)

    outcome = await desk.prune(store=NoPins(desk, first))

    assert [(change.object.name, change.result) for change in outcome.changes] == [(first, "failed"), (second, "done")]
    assert "whether it is pinned meanwhile cannot be told" in outcome.changes[0].reason
    assert await desk.left() == [last, first]
