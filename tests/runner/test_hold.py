"""While somebody restores, nothing else acts where it writes."""

from datetime import UTC, datetime, timedelta

import pytest

from maintd.config.jobs import Job
from maintd.core.kind import Kind, Params
from maintd.core.outcome import Outcome
from maintd.core.rules import Rule
from maintd.scheduling.hold import KEY, LASTS, Hold, held, hold_on
from maintd.scheduling.homes import FolderHome
from maintd.scheduling.state import State
from maintd.telemetry.logs import get

RESTORE = "20261122T030000Z-restore-3f9a1c"
AT = datetime(2026, 11, 22, 3, tzinfo=UTC)
UNTIL = AT + LASTS


async def fine(ctx, params):
    return Outcome("all well")


def acting(*needs: Rule) -> Job:
    return Job(name="tidy", kind=Kind(Params, fine, level=1, needs=needs), params=Params())


def at():
    return AT


async def holding(state, now, job):
    await state.look()
    return hold_on(state.entries, job, now)


async def test_an_acting_job_is_skipped_while_a_restore_holds_it_and_runs_afterwards(house, tmp_path):
    """The hold is another process's: it is seen in the home, and not in this process."""
    theirs, now = State(FolderHome(tmp_path), get("test")), lambda: datetime.now(UTC)
    tidy = house.job(fine, level=1)

    async with held(theirs, RESTORE, {"hub"}, now, get("test")):
        during, observer = await house.run(tidy), await house.run(house.job(fine, "look"))
    after = await house.run(tidy)

    assert (during.status, during.in_the_way, observer.status, after.status) == ("skipped", RESTORE, "ok", "ok")
    assert "a restore writes where this job may" in during.summary
    await theirs.close()


@pytest.mark.parametrize(
    ("needs", "covered"),
    [
        pytest.param([Rule("pods", "list", "delete", namespace="hub")], True, id="deletes there"),
        pytest.param([Rule("pods", "list", "delete", namespace="lab")], False, id="deletes elsewhere"),
        pytest.param(
            [Rule("pods", "delete", namespace="lab"), Rule("pods", "delete", namespace="hub")], True, id="there too"
        ),
        pytest.param(
            [Rule("pods", "delete", namespace="lab"), Rule("pods", "list", namespace="hub")], False, id="looks there"
        ),
        pytest.param([Rule("pods", "list"), Rule("pods", "delete", namespace="lab")], False, id="looks everywhere"),
        pytest.param([Rule("nodes", "patch")], True, id="the whole cluster"),
        pytest.param([], True, id="nobody knows where"),
    ],
)
async def test_a_hold_covers_the_jobs_that_may_write_where_the_restore_does(house, needs, covered):
    async with held(house.state, RESTORE, {"hub", "web"}, at, get("test")):
        found = await holding(house.state, AT, acting(*needs))

    assert found == (Hold(by=RESTORE, until=UNTIL, namespaces=("hub", "web")) if covered else None)


async def test_two_restores_hold_each_its_own_and_the_end_of_one_leaves_the_other(house):
    hub, lab = (acting(Rule("pods", "delete", namespace=space)) for space in ("hub", "lab"))

    async with held(house.state, "first", {"hub"}, at, get("test")):
        async with held(house.state, "second", {"lab"}, at, get("test")):
            both = [await holding(house.state, AT, job) for job in (hub, lab)]
        one = [await holding(house.state, AT, job) for job in (hub, lab)]

    first, second = (
        Hold(by="first", until=UNTIL, namespaces=("hub",)),
        Hold(by="second", until=UNTIL, namespaces=("lab",)),
    )
    assert (both, one, (await house.state.fresh(KEY)).hold) == ([first, second], [first, None], None)


async def test_a_hold_that_was_left_behind_ends_by_itself_and_is_cleared_by_the_next(house):
    left = {RESTORE: {"until": UNTIL.isoformat(), "namespaces": ["hub"]}}
    await house.state.update(KEY, lambda entry: entry.model_copy(update={"hold": left}))

    found = [await holding(house.state, AT + passed, acting()) for passed in (timedelta(0), LASTS)]
    async with held(house.state, "next", {"lab"}, lambda: UNTIL, get("test")):
        kept = (await house.state.fresh(KEY)).hold

    assert (found, set(kept)) == ([Hold(by=RESTORE, until=UNTIL, namespaces=("hub",)), None], {"next"})
