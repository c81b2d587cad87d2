"""A dry run plans what acting would do, and writes nothing to anything."""

from datetime import date, timedelta

import pytest

from maintd.core.errors import Refused
from maintd.rails.ledger import Tally


async def test_a_dry_run_plans_the_same_and_writes_nothing(scene, results):
    pods = [scene.pod(f"p{number}", hours=24 + number) for number in range(4)]
    pods.append(scene.pod("protected", annotations={"maintd.dev/protect": "true"}))
    scene.ledger.tally = Tally(date(2026, 11, 22), 8, scene.now - timedelta(hours=1))
    scene.sandbox.requests.clear()

    planned = await scene.delete(pods, "dry-run", max_count=3, per_day=10)

    assert scene.sandbox.requests == []
    assert scene.ledger.writes == 0
    assert not scene.folder.exists()
    assert len(scene.names()) == 5
    acted = await scene.delete(pods, "act", max_count=3, per_day=10)
    assert results(planned) == {
        name: ("planned", reason) if result == "done" else (result, reason)
        for name, (result, reason) in results(acted).items()
    }


@pytest.mark.parametrize("limits", [{"abort_over": 0}, {"per_day": 8}, {"cool_down": timedelta(hours=2)}])
async def test_a_dry_run_is_refused_where_acting_would_be(scene, limits):
    scene.ledger.tally = Tally(date(2026, 11, 22), 8, scene.now - timedelta(hours=1))
    pods = [scene.pod("a")]

    with pytest.raises(Refused) as planned:
        await scene.delete(pods, "dry-run", **limits)
    with pytest.raises(Refused) as acted:
        await scene.delete(pods, "act", **limits)

    assert str(planned.value) == str(acted.value)


async def test_a_dry_run_announces_nothing(scene):
    gate = scene.gate("dry-run")
    await gate.delete([scene.wish(scene.pod("a"))], population=9, now=scene.now)
    scene.sandbox.requests.clear()

    await gate.close(scene.now)

    assert scene.sandbox.requests == []
