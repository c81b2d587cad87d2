"""While somebody restores, nothing else acts."""

from datetime import UTC, datetime, timedelta

from maintd.core.outcome import Outcome
from maintd.scheduling.hold import KEY, LASTS, Hold, held, holding
from maintd.scheduling.homes import FolderHome
from maintd.scheduling.state import State
from maintd.telemetry.logs import get

RESTORE = "20261122T030000Z-restore-3f9a1c"


async def fine(ctx, params):
    return Outcome("all well")


async def test_an_acting_job_is_skipped_while_a_restore_holds_it_and_runs_afterwards(house, tmp_path):
    """The hold is another process's: it is seen in the home, and not in this process."""
    theirs, now = State(FolderHome(tmp_path), get("test")), lambda: datetime.now(UTC)
    tidy = house.job(fine, level=1)

    async with held(theirs, RESTORE, now, get("test")):
        during, observer = await house.run(tidy), await house.run(house.job(fine, "look"))
    after = await house.run(tidy)

    assert (during.status, during.in_the_way, observer.status, after.status) == ("skipped", RESTORE, "ok", "ok")
    assert "a restore is under way" in during.summary
    await theirs.close()


async def test_a_hold_that_was_left_behind_ends_by_itself(house):
    at = datetime(2026, 11, 22, 3, tzinfo=UTC)
    left = Hold(by=RESTORE, until=at + LASTS).model_dump(mode="json")
    await house.state.update(KEY, lambda entry: entry.model_copy(update={"hold": left}))

    found = [await holding(house.state, at + passed) for passed in (timedelta(0), LASTS)]

    assert found == [Hold(by=RESTORE, until=at + LASTS), None]


async def test_the_end_of_one_restore_does_not_end_the_hold_of_another(house):
    at = datetime(2026, 11, 22, 3, tzinfo=UTC)

    async with (
        held(house.state, "first", lambda: at, get("test")),
        held(house.state, "second", lambda: at, get("test")),
    ):
        both = await holding(house.state, at)
        async with held(house.state, "third", lambda: at, get("test")):
            pass
        await house.state.update(KEY, lambda entry: entry.model_copy(update={"hold": {"by": "x", "until": str(at)}}))
    left = (await house.state.fresh(KEY)).hold

    assert both is not None
    assert (both.by, left) == ("second", {"by": "x", "until": str(at)})
