"""When the store is pruned, what must agree before anything is deleted, and who hears of it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from maintd.app.housekeeping import Housekeeper, server_time
from maintd.core.errors import JobError, Transient
from maintd.storage.pruning import FolderPruner
from maintd.telemetry.metrics import Metrics

START = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
RECORD = "runs/2025/01/02/20250102T000000Z-tidy-3f9a1c.json"
SAMPLE = "samples/latency/2025-01-02/000000Z-3f9a1c.ndjson"


class Said:
    """A log that is looked into."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        return lambda event, **fields: self.lines.append((level, event, fields))

    def of(self, event: str) -> list[dict[str, Any]]:
        return [fields for _, said, fields in self.lines if said == event]


class World:
    """Two clocks, a folder, and what went wrong."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "demo"
        self.ahead = timedelta(0)
        """By how much this machine's clock is ahead of the API server's."""
        self.asked: list[timedelta] = []
        """When the API server was asked what time it is."""
        self.away: JobError | None = None
        self.kept: frozenset[str] | JobError = frozenset()
        self.log = Said()
        self.metrics = Metrics()
        self.began: float | None = None
        self.housekeeper = self.hired()

    def hired(self, **terms: timedelta) -> Housekeeper:
        return Housekeeper(
            name="demo",
            pruner=FolderPruner(self.folder.parent, "demo"),
            clock=lambda: self.true_time() + self.ahead,
            server_time=self.server_time,
            kept_runs=self.kept_runs,
            metrics=self.metrics,
            log=self.log,
            terms=terms or {"runs": 90 * DAY, "samples": 30 * DAY},
        )

    def true_time(self) -> datetime:
        now = asyncio.get_running_loop().time()
        if self.began is None:  # when it is first asked: fixtures are made in real time, tests may run in another
            self.began = now
        return START + timedelta(seconds=now - self.began)

    async def server_time(self) -> datetime:
        self.asked.append(self.true_time() - START)
        if self.away:
            raise self.away
        return self.true_time()

    def kept_runs(self) -> frozenset[str]:
        if isinstance(self.kept, JobError):
            raise self.kept
        return self.kept

    def write(self, *paths: str) -> None:
        for path in paths:
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text("{}")

    def paths(self) -> list[str]:
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
async def world(tmp_path: Path) -> World:
    made = World(tmp_path)
    made.write(RECORD, SAMPLE)
    return made


async def for_(time: timedelta, housekeeper: Housekeeper) -> None:
    """Let it work for so long."""
    working = asyncio.create_task(housekeeper.run())
    await asyncio.sleep(time.total_seconds())
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_what_is_too_old_goes_and_one_line_and_the_metrics_tell(world):
    world.write("runs/2025/01/02/mine.txt")

    assert await world.housekeeper.prune()

    assert world.paths() == ["runs/2025/01/02/mine.txt"]
    ((said,), count) = world.log.of("store pruned"), world.metrics.registry.get_sample_value
    assert said | {"seconds": 0} == {
        "deleted": {"runs": 1, "samples": 1},
        "left_alone": {"runs": 1},
        "complete": True,
        "seconds": 0,
    }
    assert count("maintd_store_pruned_total", {"area": "samples"}) == 1
    assert world.housekeeper.problem == ""


async def test_without_terms_nothing_is_asked_and_nothing_deleted(world):
    world.housekeeper.terms = {}

    assert await world.housekeeper.prune()

    assert (world.paths(), world.asked, world.log.lines) == ([RECORD, SAMPLE], [], [])


async def test_an_area_that_has_no_term_is_left_alone(world):
    world.housekeeper.terms = {"samples": 30 * DAY}

    await world.housekeeper.prune()

    assert world.paths() == [RECORD]


@pytest.mark.parametrize("ahead", [400 * DAY, DAY + timedelta(seconds=1), -400 * DAY])
async def test_a_clock_that_is_wrong_deletes_nothing_and_says_so(world, ahead):
    world.write("runs/2026/11/21/20261121T000000Z-tidy-3f9a1c.json")
    before, world.ahead = world.paths(), ahead

    assert not await world.housekeeper.prune()

    assert world.paths() == before
    assert world.housekeeper.problem.startswith("nothing was deleted from it: this machine's clock and the API")
    assert "apart; set the one that is wrong" in world.log.of("store not pruned")[0]["why"]


async def test_a_clock_that_is_ahead_by_less_than_a_day_deletes_no_sooner_for_it(world):
    just_young = "runs/2026/08/24/20260824T130000Z-tidy-3f9a1c.json"
    world.write(just_young)
    world.ahead = 23 * HOUR

    assert await world.housekeeper.prune()

    assert world.paths() == [just_young]


async def test_without_the_api_servers_clock_nothing_is_deleted(world):
    world.away = Transient("GET /version: no answer before the deadline")

    assert not await world.housekeeper.prune()

    assert world.paths() == [RECORD, SAMPLE]
    assert world.housekeeper.problem == "nothing was deleted from it: GET /version: no answer before the deadline"


async def test_where_there_is_no_api_server_at_all_the_reason_is_told():
    with pytest.raises(JobError, match="no API server confirms what time it is: no kubeconfig was found"):
        await server_time("no kubeconfig was found")


async def test_where_the_last_runs_are_not_known_nothing_is_deleted(world):
    world.kept = JobError("it is not known which runs were the last of each job")

    assert not await world.housekeeper.prune()

    assert world.paths() == [RECORD, SAMPLE]


async def test_the_last_runs_stay_however_old(world):
    world.kept = frozenset({"20250102T000000Z-tidy-3f9a1c"})

    await world.housekeeper.prune()

    assert world.paths() == [RECORD]


async def test_what_one_area_refuses_another_allows(world, tmp_path):
    (world.folder / "runs").rename(tmp_path / "elsewhere")
    (world.folder / "runs").symlink_to(tmp_path / "elsewhere")

    assert not await world.housekeeper.prune()

    assert not list((world.folder / "samples").rglob("*.ndjson"))
    assert "runs is a link, and nothing behind a link is deleted" in world.housekeeper.problem
    assert world.log.of("store pruned")[0]["complete"] is False


async def test_a_problem_is_said_once_until_it_is_another_or_over(world):
    world.away = Transient("no answer")
    for _ in range(3):
        await world.housekeeper.prune()
    world.away = Transient("other words")
    await world.housekeeper.prune()
    world.away = None
    await world.housekeeper.prune()

    assert [said["why"].rpartition(": ")[2] for said in world.log.of("store not pruned")] == [
        "no answer",
        "other words",
    ]
    assert world.housekeeper.problem == ""


async def test_a_defect_ends_neither_the_daemon_nor_the_next_try(world):
    world.housekeeper.kept_runs = lambda: 1 / 0

    assert not await world.housekeeper.prune()

    assert "a defect of maintd, ZeroDivisionError" in world.housekeeper.problem
    assert world.paths() == [RECORD, SAMPLE]


@pytest.mark.looptime
async def test_it_is_done_once_a_day_at_the_same_time_and_not_when_the_daemon_starts(world):
    await for_(2 * DAY, world.housekeeper)
    first, second = world.asked
    for _ in range(5):
        await for_(10 * timedelta(minutes=1), world.hired())

    assert second - first == DAY
    assert len(world.asked) == 2


@pytest.mark.looptime
async def test_daemons_that_live_for_hours_only_still_prune_once_a_day(world):
    for _ in range(8):
        await for_(6 * HOUR, world.hired())

    assert len(world.asked) == 2


@pytest.mark.looptime
async def test_what_could_not_be_done_is_tried_again_within_the_hour_until_it_is(world):
    world.away = Transient("no answer")
    await for_(DAY, world.housekeeper)
    tries, world.away, world.asked = len(world.asked), None, []
    await for_(2 * DAY, world.housekeeper)

    assert tries >= 2
    assert len(world.asked) == 2


@pytest.mark.looptime
async def test_too_much_for_one_time_goes_on_in_the_next_hour(world):
    world.write(*(f"runs/2025/01/03/20250103T00000{n}Z-tidy-3f9a1c.json" for n in range(6)))
    world.housekeeper.most = 3

    await for_(DAY + 3 * HOUR, world.housekeeper)

    assert [said["deleted"]["runs"] for said in world.log.of("store pruned")][:3] == [3, 3, 1]
    assert world.paths() == []


@pytest.mark.looptime
async def test_a_clock_that_is_set_back_by_years_does_not_stop_it(world):
    working = asyncio.create_task(world.housekeeper.run())
    await asyncio.sleep(HOUR.total_seconds())
    world.ahead = -800 * DAY
    await asyncio.sleep(HOUR.total_seconds())
    world.asked.clear()
    await asyncio.sleep(2 * DAY.total_seconds())
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    assert len(world.asked) >= 2
    assert world.paths() == [RECORD, SAMPLE]
