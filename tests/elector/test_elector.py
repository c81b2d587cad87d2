"""Who leads, from when to when: on a virtual clock."""

import asyncio
import random
from dataclasses import replace

import pytest

from maintd.core.errors import NotLeading
from maintd.election.lease_record import Record
from tests.elector.conftest import LEASE, Race, after

pytestmark = pytest.mark.looptime(noop_cycles=1)  # nothing here waits for sockets or threads

POLL = 1.5


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_where_nothing_ever_was_the_first_candidate_leads_at_once(race: Race):
    started = now()
    one = race.enter("one").start()

    assert await race.leader() is one
    assert after(started) <= 0.2
    assert (one.elector.leader, race.server.epochs) == ("one", [1])


async def test_of_three_that_come_at_once_one_leads_and_the_others_know_it(race: Race):
    three = [race.enter(name).start() for name in ("one", "two", "three")]
    leader = await race.leader()
    await asyncio.sleep(10 * LEASE)

    assert [one.acts for one in three].count(True) == 1
    assert leader.acts
    assert {one.elector.leader for one in three} == {leader.name}
    assert race.server.epochs == [1]
    assert sum(one.log.events().count("leadership gained") for one in three) == 1


async def test_a_leader_whom_nobody_disturbs_asks_at_most_fifteen_times_a_minute(race: Race):
    race.enter("one").start()
    await race.leader()
    race.server.requests = 0
    await asyncio.sleep(600)

    assert 110 <= race.server.requests <= 150


@pytest.mark.parametrize("weather", ["refused", "black hole", "slow"])
async def test_a_leader_that_is_cut_off_stops_before_another_begins(race: Race, weather: str):
    one = race.enter("one").start()
    await race.leader()
    two = race.enter("two").start()
    await asyncio.sleep(3 * LEASE)
    cut = now()
    one.line.weather = weather
    async with asyncio.timeout(60):
        while not two.acts:
            await asyncio.sleep(0.1)

    # What is slow comes in half a lease after it was sent, and counts from then: somebody wanted to go on.
    late = LEASE * 2 / 3 + LEASE / 2 if weather == "slow" else 0
    assert one.lost[0] - cut <= LEASE * 2 / 3 + 0.1
    assert two.gained[0] - one.lost[0] >= LEASE / 3 - 0.1
    assert after(cut) <= LEASE + 4 + late
    assert two.reigns[0].epoch > one.reigns[0].epoch
    assert one.overlaps + two.overlaps == []


async def test_a_leader_who_gets_no_reply_to_its_writes_sees_that_they_were_done(race: Race):
    one = race.enter("one")
    one.line.weather = "lost replies"
    one.start()
    two = race.enter("two").start()
    await asyncio.sleep(10 * LEASE)

    assert one.acts
    assert (race.server.epochs, two.reigns) == ([1], [])


async def test_no_write_may_outlast_what_is_left_of_two_thirds_of_the_lease(race: Race):
    one = race.enter("one").start()
    await race.leader()
    one.line.weather = "refused"
    await asyncio.sleep(LEASE / 3)

    left = one.reigns[0].seconds_left()
    assert 0 < left <= LEASE / 3
    await asyncio.sleep(left)
    with pytest.raises(NotLeading, match="the reign of epoch 1 is over"):
        one.reigns[0].seconds_left()


async def test_a_renewal_counts_from_when_it_was_begun_not_from_when_it_was_answered(race: Race):
    one = race.enter("one").start()
    one.line.latency = 1.2  # to the server, and back
    await race.leader()
    most = 0.0
    for _ in range(600):
        await asyncio.sleep(0.1)
        most = max(most, one.reigns[0].seconds_left())

    assert LEASE / 3 < most <= LEASE * 2 / 3 - 2.4


async def test_a_claim_that_took_longer_than_it_lasts_is_no_reign(race: Race):
    slept = 0.0
    one = race.enter("one", clock=lambda: asyncio.get_running_loop().time() + slept).start()
    one.line.latency = 0.5
    await asyncio.sleep(1.2)
    slept = 60.0
    await race.leader()

    assert [reign.epoch for reign in one.reigns] == [2]
    assert race.server.epochs == [1, 2]


async def test_a_short_trouble_costs_no_leadership_and_is_said_once(race: Race):
    one = race.enter("one").start()
    await race.leader()
    for _ in range(5):
        one.line.weather = "refused"
        await asyncio.sleep(LEASE / 3)
        one.line.weather = "fine"
        await asyncio.sleep(2.0)

    assert one.acts
    assert one.log.events() == ["leadership gained", "lease not renewed"]
    assert one.elector.problem == ""


async def test_while_the_server_is_away_it_is_said_once_a_minute_and_shown(race: Race):
    one = race.enter("one")
    one.line.weather = "refused"
    one.start()
    await asyncio.sleep(185)

    assert one.log.events() == ["lease out of reach"] * 4
    assert one.elector.problem == "connection refused"


async def test_work_that_is_done_gives_the_lease_back_and_ends_the_candidacy(race: Race):
    one = race.enter("one").start()
    await race.leader()
    two = race.enter("two").start()
    await asyncio.sleep(LEASE)
    started = now()
    one.told.set()
    await one.task

    async with asyncio.timeout(60):
        while not two.acts:
            await asyncio.sleep(0.1)
    assert after(started) <= 2.0
    assert not one.acts
    assert one.log.events() == ["leadership gained", "leadership released"]
    assert race.server.epochs == [1, 2]


async def test_a_released_lease_names_nobody_and_says_one_second(race: Race):
    one = race.enter("one").start()
    await race.leader()
    one.told.set()
    await one.task

    found = race.server.record
    assert (found.holder, found.seconds, found.released, found.epoch, found.transitions) == ("", 1.0, True, 1, 0)


async def test_work_that_fails_gives_the_lease_back_and_the_failure_is_raised(race: Race):
    one = race.enter("one").start()
    await race.leader()
    one.fails_with = ValueError("a defect")
    one.told.set()

    with pytest.raises(ValueError, match="a defect"):
        await one.task
    assert race.server.record.released


async def test_a_candidate_that_is_told_to_stop_ends_its_work_and_gives_the_lease_back(race: Race):
    one = race.enter("one").start()
    await race.leader()
    await one.stop()

    assert len(one.lost) == 1
    assert race.server.record.released
    assert not one.acts


async def test_while_work_is_put_in_order_before_the_end_the_lease_is_kept(race: Race):
    one = race.enter("one")
    left = []

    async def slow(reign):
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(LEASE)
            left.append(reign.seconds_left())

    one.task = asyncio.create_task(one.elector.run(slow))
    await asyncio.sleep(1)
    await one.stop()

    assert len(left) == 1
    assert race.server.record.released


async def test_work_that_does_not_end_is_a_defect_and_the_lease_is_not_given_back(race: Race):
    one = race.enter("one")
    stubborn = asyncio.Event()

    async def work(_):
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                continue

    one.task = asyncio.create_task(one.elector.run(work))
    await asyncio.sleep(1)
    one.line.weather = "refused"

    with pytest.raises(RuntimeError, match="had not ended 30 s after it was cancelled"):
        await one.task
    assert race.server.record.holder == "one"
    stubborn.set()


async def test_a_candidate_that_is_stopped_while_its_claim_is_under_way_gives_it_back(race: Race):
    one = race.enter("one")
    one.line.weather = "lost replies"
    one.start()
    await asyncio.sleep(0.5)
    assert race.server.record.holder == "one"
    one.line.weather = "fine"
    await one.stop()

    assert (one.reigns, race.server.record.released) == ([], True)


@pytest.mark.parametrize("weather", ["refused", "black hole"])
async def test_a_leader_that_retires_leads_to_its_end_and_stands_no_more_when_it_is_cut_off(race: Race, weather: str):
    one = race.enter("one").start()
    await race.leader()
    one.elector.retire()
    await asyncio.sleep(LEASE)
    assert one.acts
    one.line.weather = weather
    async with asyncio.timeout(LEASE + 5):
        await one.task

    assert (len(one.reigns), one.acts) == (1, False)


async def test_a_follower_that_retires_stands_no_more(race: Race):
    race.enter("one").start()
    leader = await race.leader()
    two = race.enter("two").start()
    await asyncio.sleep(LEASE)
    two.elector.retire()
    async with asyncio.timeout(POLL):
        await two.task
    await leader.stop()

    assert (two.reigns, race.server.record.released) == ([], True)


async def test_work_that_may_not_lead_is_tried_again_with_a_higher_epoch(race: Race):
    one = race.enter("one").start()
    await race.leader()
    one.fails_with = NotLeading("the state knows epoch 5")
    one.told.set()
    await asyncio.sleep(5)

    assert [reign.epoch for reign in one.reigns] == [1, 2]
    assert one.log.events()[1:] == ["leadership given up", "leadership released", "leadership gained"]


async def test_the_epoch_is_higher_than_what_the_state_knows(race: Race):
    race.server.fence = 41
    one = race.enter("one").start()
    await race.leader()

    assert one.reigns[0].epoch == 42


async def test_where_the_state_knows_of_a_reign_and_the_lease_is_gone_a_whole_duration_is_waited(race: Race):
    started = now()
    race.server.fence = 41
    race.enter("one").start()
    await race.leader()

    assert LEASE <= after(started) <= LEASE + 2


async def test_a_deleted_lease_ends_the_reign_and_the_next_has_a_higher_epoch(race: Race):
    one, two = race.enter("one").start(), race.enter("two").start()
    await race.leader()
    await asyncio.sleep(LEASE)
    deleted = now()
    race.server.write(None)
    await asyncio.sleep(LEASE / 3 + 0.1)
    assert not one.acts
    assert not two.acts
    leader = await race.leader()

    assert LEASE - POLL <= after(deleted) <= LEASE + 4
    assert leader.reigns[-1].epoch == 2
    assert one.overlaps + two.overlaps == []
    [lost] = [fields for one in race.candidates for _, event, fields in one.log if event == "leadership lost"]
    assert (lost["epoch"], lost["why"]) == (1, "lease test/maintd was deleted")


EDITS = {
    "another holder": {"holder": "somebody"},
    "nobody": {"holder": ""},
    "a blink": {"holder": "somebody", "seconds": 0.001},
    "a century": {"holder": "somebody", "seconds": 3.2e9},
    "no duration": {"holder": "somebody", "seconds": None},
    "an epoch": {"epoch": 90},
    "no epoch": {"epoch": 0},
}


@pytest.mark.parametrize("edit", EDITS)
async def test_a_lease_that_was_edited_by_hand_is_honoured_and_found_again(race: Race, edit: str):
    one, two = race.enter("one").start(), race.enter("two").start()
    first = await race.leader()
    await asyncio.sleep(LEASE)
    edited = now()
    race.server.write(replace(race.server.record, **EDITS[edit]))
    async with asyncio.timeout(60):
        while first.acts:
            await asyncio.sleep(0.1)
    assert after(edited) <= LEASE / 3 + 0.1
    next_one = await race.leader(within=400)

    assert next_one.reigns[-1].epoch > max(1, EDITS[edit].get("epoch", 0))
    assert after(edited) <= (300 if edit == "a century" else LEASE) + 4
    assert one.overlaps + two.overlaps == []


async def test_a_lease_whose_metadata_others_touch_stays_with_its_leader(race: Race):
    one, two = race.enter("one").start(), race.enter("two").start()
    await race.leader()
    for _ in range(50):
        await asyncio.sleep(1.1)
        race.server.write(race.server.record)

    assert race.server.epochs == [1]
    assert one.acts != two.acts


async def test_a_lease_that_another_renews_for_longer_is_waited_for_as_long(race: Race):
    race.server.write(Record("another", 3, 60.0, write="a"))
    started = now()
    one = race.enter("one").start()
    await race.leader(within=100)

    assert 60 <= after(started) <= 64
    assert one.reigns[0].epoch == 4


async def test_a_machine_that_slept_does_not_act_when_it_wakes(race: Race):
    slept = 0.0
    one = race.enter("one", clock=lambda: asyncio.get_running_loop().time() + slept).start()
    await race.leader()
    slept = 600.0

    assert not one.acts
    assert one.elector.reign is None


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_the_weather_never_two_act_and_epochs_only_rise(race: Race, seed: int):
    dice = random.Random(seed)
    for name in ("one", "two", "three"):
        offset = dice.uniform(0, 1e6)
        race.enter(name, clock=lambda offset=offset: asyncio.get_running_loop().time() + offset).start()
    together = 0
    for _ in range(60):
        unlucky = dice.choice(race.candidates)
        unlucky.line.weather = dice.choice(["fine", "fine", "fine", "refused", "black hole", "lost replies", "slow"])
        unlucky.line.latency = dice.choice([0.001, 0.01, 0.5, 2.5])
        edit = dice.random()
        if edit < 0.05:
            race.server.write(None)
        elif edit < 0.1 and race.server.record:
            race.server.write(replace(race.server.record, holder=dice.choice(["", "somebody"])))
        for _ in range(dice.randrange(1, 20)):
            await asyncio.sleep(0.5)
            together = max(together, sum(one.acts for one in race.candidates))
    for one in race.candidates:
        one.line.weather, one.line.latency = "fine", 0.01
    leader = await race.leader(within=60)

    assert together <= 1
    assert [overlap for one in race.candidates for overlap in one.overlaps] == []
    acted = sorted(
        (start, reign.epoch) for one in race.candidates for start, reign in zip(one.gained, one.reigns, strict=True)
    )
    epochs = [epoch for _, epoch in acted]
    assert epochs == sorted(set(epochs))
    assert len(epochs) > 3
    assert leader.reigns[-1].epoch == epochs[-1]
