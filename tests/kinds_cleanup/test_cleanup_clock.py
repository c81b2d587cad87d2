"""cleanup-pods where this machine's clock is days ahead of the cluster's."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from maintd.sandbox.server import Sandbox

BEHIND = timedelta(days=3)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(clock=lambda: datetime.now(UTC) - BEHIND) as started:
        yield started


async def test_ages_are_counted_by_the_api_servers_clock(sandbox, tidy, pod):
    hours_of_ours = BEHIND / timedelta(hours=1)
    sandbox.put(pod("an-hour-ago", "shop", hours=hours_of_ours + 1))
    sandbox.put(pod("two-days-ago", "shop", hours=hours_of_ours + 48))

    outcome = await tidy("shop", older_than="24h")

    assert [change.object.name for change in outcome.changes] == ["two-days-ago"]
    assert [found["metadata"]["name"] for found in sandbox.select("v1", "Pod", "shop")] == ["an-hour-ago"]
