"""How much one run may change, and when it may change nothing at all."""

from datetime import date, timedelta

import pytest

from maintd.core.errors import Refused, Transient
from maintd.rails.ledger import Tally
from maintd.sandbox.faults import Fault, raw, truncated

TODAY = date(2026, 11, 22)


def pods(scene, number, **more):
    """Pods p000, p001 …, the first the one that finished last."""
    return [scene.pod(f"p{index:03}", hours=24 + index, **more) for index in range(number)]


async def test_max_count_takes_the_oldest_and_names_the_rest(scene, results):
    changes = await scene.delete(pods(scene, 5), max_count=2)

    over = "over max_count 2: the oldest go first"
    assert results(changes) == {
        "p000": ("left", over),
        "p001": ("left", over),
        "p002": ("left", over),
        "p003": ("done", ""),
        "p004": ("done", ""),
    }
    assert scene.names() == {"p000", "p001", "p002"}


async def test_what_a_rail_keeps_takes_no_place_under_max_count(scene):
    protected = scene.pod("old", hours=1000, annotations={"maintd.dev/protect": "true"})

    changes = await scene.delete([protected, *pods(scene, 2)], max_count=2)

    assert [change.result for change in changes] == ["kept", "done", "done"]


async def test_exactly_max_count_leaves_nothing(scene):
    changes = await scene.delete(pods(scene, 3), max_count=3)

    assert [change.result for change in changes] == ["done"] * 3


@pytest.mark.parametrize(
    ("abort_over", "population", "stops"),
    [(2, 100, True), (3, 100, False), ("30%", 9, True), ("30%", 10, False), ("0%", 100, True), (0, 100, True)],
)
async def test_more_candidates_than_abort_over_change_nothing_at_all(scene, abort_over, population, stops):
    wished = pods(scene, 3)

    if stops:
        with pytest.raises(Refused, match=r"^nothing was changed: 3 candidates among .* and abort_over is"):
            await scene.delete(wished, population=population, abort_over=abort_over)
    else:
        await scene.delete(wished, population=population, abort_over=abort_over)

    assert len(scene.names()) == (3 if stops else 0)
    assert scene.folder.exists() is not stops


async def test_a_refused_run_still_names_its_candidates(scene):
    gate = scene.gate(abort_over=1)
    wished = [*pods(scene, 2), scene.pod("x", annotations={"maintd.dev/protect": "true"})]

    with pytest.raises(Refused):
        await gate.delete([scene.wish(pod) for pod in wished], population=9, now=scene.now)

    assert [(change.result, change.reason) for change in gate.changes] == [
        ("left", "the run ended before its first change"),
        ("left", "the run ended before its first change"),
        ("kept", "annotation maintd.dev/protect is 'true'"),
    ]


async def test_what_a_rail_keeps_is_no_candidate_for_abort_over(scene):
    wished = pods(scene, 5, annotations={"maintd.dev/protect": "true"})

    changes = await scene.delete([*wished, scene.pod("free")], abort_over=1)

    assert [change.result for change in changes] == ["kept"] * 5 + ["done"]


async def test_per_day_is_entered_before_the_first_change_and_settled_after(scene):
    wished = pods(scene, 3)
    scene.sandbox.faults.append(Fault("delete", "*/p001", answer=raw(b"{}", 422)))
    seen = []
    enter = scene.ledger.update

    async def watched(change):
        tally = await enter(change)
        seen.append((tally.count, len(scene.names())))
        return tally

    scene.ledger.update = watched

    await scene.delete(wished, per_day=10)

    assert seen == [(3, 3), (2, 1)]


async def test_a_deletion_whose_reply_cannot_be_read_counts_since_it_may_have_been_made(scene):
    wished = pods(scene, 2)
    scene.sandbox.faults.append(Fault("delete", "*/p001", edit=truncated))

    changes = await scene.delete(wished, per_day=10)

    assert [change.result for change in changes] == ["done", "failed"]
    assert (scene.ledger.tally.count, scene.names()) == (2, set())


async def test_per_day_leaves_what_is_over_it(scene, results):
    scene.ledger.tally = Tally(TODAY, 8, scene.now - timedelta(hours=1))

    changes = await scene.delete(pods(scene, 3), per_day=10)

    assert results(changes) == {
        "p000": ("left", "over per_day 10: the oldest go first"),
        "p001": ("done", ""),
        "p002": ("done", ""),
    }
    assert scene.ledger.tally.count == 10


async def test_per_day_that_is_used_up_refuses_the_run(scene):
    scene.ledger.tally = Tally(TODAY, 10, scene.now)

    with pytest.raises(Refused, match="per_day is 10, and this job has made 10 changes on 2026-11-22"):
        await scene.delete(pods(scene, 1), per_day=10)

    assert scene.names() == {"p000"}
    assert scene.ledger.tally == Tally(TODAY, 10, scene.now)


async def test_per_day_begins_anew_with_the_utc_day(scene):
    scene.ledger.tally = Tally(TODAY - timedelta(days=1), 10, scene.now - timedelta(hours=4))

    await scene.delete(pods(scene, 1), per_day=10)

    assert (scene.ledger.tally.day, scene.ledger.tally.count) == (TODAY, 1)


async def test_a_clock_that_went_back_wins_no_second_day(scene):
    scene.ledger.tally = Tally(TODAY + timedelta(days=1), 10, scene.now)

    with pytest.raises(Refused, match="per_day"):
        await scene.delete(pods(scene, 1), per_day=10)


async def test_a_crash_before_the_settling_counts_all_that_was_entered(scene):
    wished = pods(scene, 3)
    enter = scene.ledger.update

    async def once(change):
        tally = await enter(change)
        scene.ledger.broken = Transient("the API server is away")
        return tally

    scene.ledger.update = once

    changes = await scene.delete(wished, per_day=10)

    assert [change.result for change in changes] == ["done"] * 3
    assert scene.ledger.tally.count == 3
    assert scene.log.lines[-1] == (
        "warning",
        "ledger not settled",
        {"error": "the API server is away", "consequence": "today's count is too high"},
    )


async def test_a_ledger_that_cannot_be_written_stops_the_run_before_its_first_change(scene):
    scene.ledger.broken = Transient("the API server is away")

    with pytest.raises(Transient):
        await scene.delete(pods(scene, 1), per_day=10)

    assert scene.names() == {"p000"}
    assert not scene.folder.exists()


async def test_cool_down_refuses_until_it_has_passed(scene):
    scene.ledger.tally = Tally(TODAY, 1, scene.now - timedelta(minutes=29))

    with pytest.raises(Refused) as raised:
        await scene.delete(pods(scene, 1), cool_down=timedelta(minutes=30))

    assert str(raised.value) == (
        "nothing was changed: cool_down is 30m, and this job's last change was at 2026-11-22T02:31:00Z; "
        "it may go on at 2026-11-22T03:01:00Z"
    )
    assert scene.names() == {"p000"}


async def test_cool_down_that_has_passed_lets_the_run_go_on(scene):
    scene.ledger.tally = Tally(TODAY, 1, scene.now - timedelta(minutes=30))

    await scene.delete(pods(scene, 1), cool_down=timedelta(minutes=30))

    assert scene.names() == set()
    assert scene.ledger.tally.last_change >= scene.now


async def test_a_run_that_changed_nothing_starts_no_cool_down(scene):
    before = Tally(TODAY, 1, scene.now - timedelta(hours=1))
    scene.ledger.tally = before
    scene.sandbox.faults.append(Fault("delete", answer=raw(b"{}", 422)))

    await scene.delete(pods(scene, 1), cool_down=timedelta(minutes=30))

    assert scene.ledger.tally == before


async def test_a_job_without_such_limits_never_asks_the_ledger(scene):
    scene.ledger.broken = Transient("the API server is away")

    await scene.delete(pods(scene, 1))

    assert scene.names() == set()


async def test_a_run_without_candidates_is_not_refused(scene):
    scene.ledger.tally = Tally(TODAY, 10, scene.now)

    changes = await scene.delete([], per_day=10, cool_down=timedelta(days=1), abort_over=0)

    assert changes == ()
