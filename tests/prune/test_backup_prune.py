"""What pruning keeps whatever happens, and that a backup that is half gone is no backup."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maintd.app.contexts import ShutGate
from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.core.erasing import NoEraser
from maintd.core.errors import Denied, Refused, Transient
from maintd.core.kind import Context
from maintd.core.outcome import Outcome, Status
from maintd.core.ports import Store
from maintd.core.resource import ObjectRef
from maintd.core.target import Target
from maintd.kinds import load_kinds
from maintd.kinds.protect.backup_prune import KIND
from maintd.objects import archive, pins, verification
from maintd.objects.backup_census import census
from maintd.objects.backup_manifest import NotWhole
from maintd.objects.backup_retention import Candidate, Retention
from maintd.objects.verification import Damage, Verification
from maintd.rails.erasure import Erasure
from maintd.sandbox.server import Sandbox
from maintd.storage.erasing import Eraser, FolderPlace, Place
from maintd.storage.folder import FolderStore
from maintd.telemetry import logs
from tests.storage.test_backup_damage import written

RUN = "20261123T043000Z-backup-prune-abc123"
NOW = datetime(2026, 11, 23, 4, 30, tzinfo=UTC)
NOT_WHOLE = (NotWhole(resource="pods", why="denied", remedy="grant"),)
FEW = {"keep_last": 1, "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0}


def named(at: datetime, number: int = 0) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}-{number:06x}"


# --- the plan


_HOURS = (1, 1, 6, 24, 24, 24 * 7, 24 * 31, 24 * 400, -24 * 400)
"""From one backup to the next: now and then the clock jumps by more than a year."""


def _history(rolls: bytes) -> list[Candidate]:
    """Backups of two jobs; what each is follows from two bytes."""
    at, found = NOW, []
    for number, (first, second) in enumerate(zip(rolls[::2], rolls[1::2], strict=False)):
        at += timedelta(hours=_HOURS[first % len(_HOURS)])
        complete = bool(second & 1)
        found.append(
            Candidate(
                id=named(at, number),
                job="nightly" if second & 2 else "weekly",
                complete=complete,
                verified=complete and bool(second & 4),
                pinned=second & 0x18 == 0x18,
                unknown="its manifest cannot be used" if second & 0xE0 == 0xE0 else "",
            )
        )
    return found


_HISTORIES = st.binary(max_size=60).map(_history)
_POLICIES = st.builds(
    Retention,
    keep_last=st.integers(1, 4),
    keep_daily=st.integers(0, 4),
    keep_weekly=st.integers(0, 4),
    keep_monthly=st.integers(0, 4),
)


def newest(some: Sequence[Candidate]) -> set[str]:
    return {max(some, key=lambda each: each.id).id} if some else set()


@settings(max_examples=2000)
@given(_HISTORIES, _POLICIES)
def test_the_newest_complete_and_the_newest_verified_of_each_job_survive_every_history(
    history: list[Candidate], policy: Retention
) -> None:
    kept = {verdict.candidate.id for verdict in policy.plan(history) if verdict.keep}

    for job in ("nightly", "weekly"):
        known = [each for each in history if each.job == job and not each.unknown]
        assert newest([each for each in known if each.complete]) <= kept
        assert newest([each for each in known if each.verified]) <= kept
        assert newest(known) <= kept
    assert {each.id for each in history if each.pinned or each.unknown} <= kept


@settings(max_examples=500)
@given(_HISTORIES, _POLICIES)
def test_what_a_plan_keeps_the_next_one_keeps_too_also_after_a_crash_between_deletions(
    history: list[Candidate], policy: Retention
) -> None:
    verdicts = policy.plan(history)
    kept = {verdict.candidate.id for verdict in verdicts if verdict.keep}
    gone = [verdict.candidate for verdict in reversed(verdicts) if not verdict.keep]

    for number in range(len(gone) + 1):
        left = [each for each in history if each not in gone[:number]]
        assert {verdict.candidate.id for verdict in policy.plan(left) if verdict.keep} == kept


def test_each_rule_keeps_what_it_says_and_says_so() -> None:
    made = [Candidate(named(NOW - timedelta(days=days)), "nightly", complete=True) for days in range(70)]
    half = Candidate(named(NOW + timedelta(hours=1)), "nightly")
    policy = Retention(keep_last=2, keep_daily=3, keep_weekly=2, keep_monthly=3)

    kept = {verdict.candidate.id[:8]: verdict.rule for verdict in policy.plan([*made, half]) if verdict.keep}

    assert kept == {
        "20261123": "the newest complete one",
        "20261122": "one of the last 2 complete",
        "20261121": "of the day 2026-11-21",
        "20261031": "of the month 2026-10",
        "20260930": "of the month 2026-09",
    } | {half.id[:8]: "the newest complete one"}
    assert "of the week 2026-W47" in {
        verdict.rule for verdict in Retention(**FEW | {"keep_weekly": 2}).plan([*made, half]) if verdict.keep
    }


def test_partial_ones_do_not_crowd_out_the_complete_ones() -> None:
    complete = [Candidate(named(NOW - timedelta(days=days)), complete=True) for days in (40, 41, 42)]
    partial = [Candidate(named(NOW - timedelta(days=days))) for days in range(30)]

    verdicts = Retention(keep_last=3, keep_daily=0, keep_weekly=0, keep_monthly=0).plan([*complete, *partial])

    assert {verdict.candidate.id for verdict in verdicts if verdict.keep} == {
        each.id for each in [*complete, *partial[:3]]
    }


# --- the kind, on a folder


@dataclass
class Clocks:
    """This machine's clock and the API server's."""

    ours: datetime = NOW
    theirs: datetime = NOW


class Reader(ClusterReader):
    """Of an API server whose clock a test sets."""

    def __init__(self, api: Api, clocks: Clocks) -> None:
        super().__init__(api)
        self._clocks = clocks

    async def server_time(self) -> datetime:
        return self._clocks.theirs


@dataclass
class Desk:
    root: Path
    clocks: Clocks = field(default_factory=Clocks)

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.root, "c")

    async def prune(self, *how: Any, place: Place | None = None, store: Store | None = None, **params: Any) -> Outcome:
        context = self.context(*how, place=place, store=store)
        return cast("Outcome", await KIND.run(context, KIND.params.model_validate(FEW | params)))

    def context(
        self, mode: Literal["act", "dry-run"] = "act", *, place: Place | None = None, store: Store | None = None
    ) -> Context:
        unused = cast("Any", None)
        return Context(
            run_id=RUN,
            job="backup-prune",
            target=Target(),
            cluster=Reader(unused, self.clocks),
            gate=ShutGate("backup-prune"),
            store=store or self.store,
            http=unused,
            log=logs.get("test"),
            now=lambda: self.clocks.ours,
            memory={},
            eraser=Erasure(Eraser(place or FolderPlace(self.root, "c")), store or self.store, RUN, mode),
        )

    async def backup(self, days_ago: int, *, number: int = 0, good: bool | None = None, **more: Any) -> str:
        """Made so many days ago; `good` is what its verification found, if it was verified."""
        backup_id = named(NOW - timedelta(days=days_ago), number)
        await written(self.store, backup_id, **more)
        if good is not None:
            damaged = () if good else (Damage(path="p", why="w"),)
            found = Verification(
                backup=backup_id, run_id="r", started=NOW, ended=NOW, complete="not_whole" not in more, damaged=damaged
            )
            await verification.keep(self.store, found)
        return backup_id

    async def left(self) -> list[str]:
        return [found.id async for found in archive.backups(self.store) if found.manifest]

    def files(self) -> set[str]:
        """The topmost two folders of everything that is there."""
        base = self.root / "c"
        return {"/".join(path.relative_to(base).parts[:2]) for path in base.rglob("*") if path.is_file()}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_what_no_rule_keeps_goes_with_all_that_is_known_of_it_and_a_dry_run_deletes_nothing(desk: Desk) -> None:
    old, verified, last = await desk.backup(9, good=False), await desk.backup(5, good=True), await desk.backup(1)
    await pins.pin(desk.store, old, on=True, at=NOW, by="a", reason="")
    await pins.pin(desk.store, old, on=False, at=NOW, by="a", reason="")
    before = desk.files()

    planned = await desk.prune("dry-run")
    untouched = desk.files()
    done = await desk.prune()

    assert before == untouched
    assert planned.summary == "would delete 1 backup, kept 2"
    assert [(change.object.name, change.result) for change in planned.changes] == [(old, "planned")]
    assert [(change.object.name, change.result) for change in done.changes] == [(old, "done")]
    assert [(each.object.name, each.decision, each.rule) for each in planned.considered] == [
        (last, "keep", "the newest complete one"),
        (verified, "keep", "the newest that was verified"),
        (old, "delete", "no rule keeps it"),
    ]
    assert planned.considered == done.considered
    noted = json.loads((desk.root / f"c/evidence/{RUN}/backups/{old}.json").read_text())
    assert noted == {"format": 1, "run_id": RUN, "deleted": old, "reason": "no rule keeps it"}
    assert desk.files() == {f"backups/{verified}", f"verifications/{verified}", f"backups/{last}", f"evidence/{RUN}"}


async def test_a_pinned_one_and_one_that_cannot_be_judged_stay(desk: Desk) -> None:
    pinned, damaged, _ = await desk.backup(9), await desk.backup(8), await desk.backup(1)
    await pins.pin(desk.store, pinned, on=True, at=NOW, by="a", reason="")
    (desk.root / f"c/backups/{damaged}/manifest.json").write_text("{}")

    outcome = await desk.prune()

    assert outcome.changes == ()
    assert [each.rule for each in outcome.considered[1:]] == [
        "its manifest cannot be used: it is not a manifest of format 1",
        "it is pinned",
    ]


async def test_one_that_is_pinned_after_the_plan_stays(desk: Desk) -> None:
    old, _ = await desk.backup(9), await desk.backup(1)

    class Late(FolderStore):
        """Nobody has pinned anything when the plan is made."""

        async def folders(self, folder: str) -> list[str]:
            return [] if folder == pins.PINS else await super().folders(folder)

    await pins.pin(desk.store, old, on=True, at=NOW, by="a", reason="")

    outcome = await desk.prune(store=Late(desk.root, "c"))

    assert [change.result for change in outcome.changes] == ["kept"]
    assert old in await desk.left()


async def test_the_last_that_was_found_damaged_is_not_the_last_good_one(desk: Desk) -> None:
    good, damaged = await desk.backup(9), await desk.backup(1, good=False)

    await desk.prune()

    assert await desk.left() == [damaged, good]


async def test_what_was_never_finished_goes_after_a_while_and_not_while_it_may_still_be_written(desk: Desk) -> None:
    _, young, old = (named(NOW - timedelta(days=days)) for days in (1, 6, 8))
    for backup_id in (young, old):
        await desk.store.create(f"backups/{backup_id}/shop/configmaps.yaml", b"---\n")

    outcome = await desk.prune()

    assert desk.files() == {f"backups/{young}", f"evidence/{RUN}"}
    assert [change.reason for change in outcome.changes] == ["unfinished for over 7d"]


@pytest.mark.parametrize("apart", [timedelta(days=2), timedelta(days=-2), timedelta(days=400)])
async def test_nothing_is_deleted_while_the_clocks_disagree(desk: Desk, apart: timedelta) -> None:
    await desk.backup(9)
    await desk.backup(1)
    desk.clocks = Clocks(NOW + apart, NOW)

    with pytest.raises(Refused, match="apart; set the one that is wrong"):
        await desk.prune()

    assert len(await desk.left()) == 2


async def test_nothing_is_deleted_while_a_backup_is_from_the_future(desk: Desk) -> None:
    ahead, _, _ = await desk.backup(-400), await desk.backup(9), await desk.backup(1)

    with pytest.raises(Refused, match=f"{ahead} is from the future"):
        await desk.prune()

    assert len(await desk.left()) == 3


async def test_one_that_was_made_while_the_clocks_disagreed_stays_and_takes_the_place_of_none(desk: Desk) -> None:
    """Its id could be too old as well as too new."""
    late = await desk.backup(9, started=NOW - timedelta(days=9, hours=30))
    early = await desk.backup(0, started=NOW + timedelta(days=400))
    alike, newest = await desk.backup(8, started=NOW - timedelta(days=7)), await desk.backup(1)

    outcome = await desk.prune()

    assert {each.object.name: each.rule for each in outcome.considered} == {
        early: "when it was made maintd's clock and the API server's were 400 days apart: nobody knows how old it is",
        newest: "the newest complete one",
        alike: "no rule keeps it",
        late: "when it was made maintd's clock and the API server's were 1 day apart: nobody knows how old it is",
    }
    assert await desk.left() == [early, newest, late]


class HalfRead(FolderStore):
    async def read(self, path: str) -> bytes:
        if path.startswith("backups/20261114"):
            raise Transient("away")
        return await super().read(path)


async def test_half_a_list_deletes_nothing(desk: Desk) -> None:
    for days in (12, 11, 9, 1):
        await desk.backup(days)

    with pytest.raises(Transient):
        await desk.prune(store=HalfRead(desk.root, "c"))

    assert len(await desk.left()) == 4


async def test_one_that_may_not_be_deleted_does_not_keep_the_next(desk: Desk) -> None:
    held, gone, _ = await desk.backup(9), await desk.backup(8), await desk.backup(1)

    class Held(FolderPlace):
        async def remove(self, path: str) -> None:
            if held in path:
                raise Denied("a hold is on it")
            await super().remove(path)

    outcome = await desk.prune(place=Held(desk.root, "c"))

    assert outcome.judged() is Status.PARTIAL
    assert [(change.object.name, change.result) for change in outcome.changes] == [(held, "failed"), (gone, "done")]


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Mortal:
    """A place whose process dies before its nth removal."""

    place: FolderPlace
    left: int

    def below(self, folder: str) -> AsyncIterator[str]:
        return self.place.below(folder)

    async def remove(self, path: str) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1
        await self.place.remove(path)

    async def remove_empty(self, folder: str) -> None:
        await self.place.remove_empty(folder)


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["complete", "complete", "partial", "unfinished"]),
        st.sampled_from([None, None, True, False]),
        st.sampled_from([0, 1, 1, 7, 40]),
        st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS, st.integers(0, 12), st.integers(1, 2))
async def test_killed_before_any_removal_the_last_good_ones_are_there_and_no_half_is_listed(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, bool | None, int, bool]], dies: int, last: int
) -> None:
    desk, days = Desk(tmp_path_factory.mktemp("store")), 0
    for number, (state, good, gap, pinned) in enumerate(steps):
        days += gap
        more = {"not_whole": NOT_WHOLE} if state == "partial" else {}
        backup_id = await desk.backup(days, number=len(steps) - number, good=good, **more)
        if state == "unfinished":
            (desk.root / f"c/backups/{backup_id}/manifest.json").unlink()
        if pinned:
            await pins.pin(desk.store, backup_id, on=True, at=NOW, by="a", reason="")
    known = [each for each in await census(desk.store) if not each.unknown]
    must = newest([each for each in known if each.complete]) | newest([each for each in known if each.verified])
    must |= {each.id for each in known if each.pinned}

    with pytest.raises(Killed) if dies < await _removals(desk, last) else nullcontext():
        await desk.prune(place=Mortal(FolderPlace(desk.root, "c"), dies), keep_last=last)
    after_the_kill = set(await desk.left())
    broken = [each.state async for each in archive.backups(desk.store) if each.problem]
    await desk.prune(keep_last=last)

    assert must <= after_the_kill
    assert broken == []
    assert must <= set(await desk.left())
    assert (await desk.prune(keep_last=last)).changes == ()


async def _removals(desk: Desk, last: int) -> int:
    """How many removals pruning takes now: a manifest is asked for even where there is none."""
    planned = (await desk.prune("dry-run", keep_last=last)).changes
    base = desk.root / "c"
    folders = [
        base / folder / change.object.name for change in planned for folder in ("backups", "verifications", "pins")
    ]
    files = [
        path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json"
    ]
    return len(files) + len(planned)


# --- who may


async def test_no_other_kind_is_handed_what_deletes() -> None:
    assert [name for name, kind in load_kinds().items() if kind.erases_backups] == ["backup-prune"]
    with pytest.raises(RuntimeError, match="does not say that it erases backups"):
        await NoEraser().erase(ObjectRef(resource="backups", name="x"), "")


@pytest.mark.parametrize("name", ["", "..", "20261122T010000Z-aaaaaa/..", "20261122T010000Z-aaaaa", "runs", "*"])
async def test_what_is_no_id_of_a_backup_is_never_deleted(desk: Desk, name: str) -> None:
    await desk.backup(1)
    before = desk.files()

    with pytest.raises(Refused, match="is not the id of a backup"):
        await Eraser(FolderPlace(desk.root, "c")).erase(name)

    assert desk.files() == before


async def test_the_second_clock_is_the_api_servers(sandbox: Sandbox, tmp_path: Path) -> None:
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    try:
        found = await ClusterReader(api).server_time()
    finally:
        await api.close()

    assert abs(found - datetime.now(UTC)) < timedelta(minutes=1)
