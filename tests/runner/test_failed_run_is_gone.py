"""What a run that failed leaves behind: its record, and nothing that holds on to itself."""

import pytest

from maintd.core.errors import Denied
from maintd.core.kind import Context
from maintd.core.outcome import Outcome
from tests.memory import uncollected
from tests.runner.conftest import House, Nothing


async def not_allowed(ctx: Context, params: Nothing) -> Outcome:
    """Fail as most do."""
    raise Denied("may not list pods")


async def defective(ctx: Context, params: Nothing) -> Outcome:
    """Fail as a defect does."""
    raise ValueError("a bug")


@pytest.mark.parametrize(("run", "status"), [(not_allowed, "failed"), (defective, "crashed")])
async def test_the_error_of_a_run_is_gone_with_it(house: House, run, status) -> None:
    job = house.job(run)

    with uncollected() as left:
        record = await house.run(job)

        assert record.status == status
        assert left() == []


async def test_the_error_of_a_claim_is_gone_with_it(house: House) -> None:
    (house.folder / "state.json").mkdir()
    job = house.job(not_allowed, level=1)

    with uncollected() as left:
        record = await house.run(job)

        assert "could not be written down" in record.summary
        assert left() == []
