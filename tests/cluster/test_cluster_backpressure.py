import asyncio
import itertools
from datetime import timedelta

import pytest

from maintd.cluster.backpressure import Backpressure

SECOND = timedelta(seconds=1)


def clock() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.looptime
async def test_under_a_lasting_429_there_is_at_most_one_request_a_second_however_many_want_to() -> None:
    backpressure, sent = Backpressure(), list[float]()
    backpressure.asked_for(SECOND)

    async def client() -> None:
        while clock() < 60:
            await backpressure.turn()
            sent.append(clock())
            await asyncio.sleep(0.1)
            backpressure.asked_for(SECOND)

    await asyncio.gather(*(client() for _ in range(20)))

    gaps = [later - earlier for earlier, later in itertools.pairwise(sent)]
    assert len(sent) > 50
    assert min(gaps) >= 1


@pytest.mark.looptime
async def test_one_that_gets_through_lets_all_the_others_go() -> None:
    backpressure, sent = Backpressure(), list[float]()
    backpressure.asked_for(SECOND)

    async def client() -> None:
        await backpressure.turn()
        sent.append(round(clock(), 3))
        await asyncio.sleep(0.5)
        backpressure.over()

    await asyncio.gather(*(client() for _ in range(5)))

    assert sent == [1.0, 1.5, 1.5, 1.5, 1.5]


@pytest.mark.looptime
async def test_without_a_429_nobody_waits() -> None:
    backpressure = Backpressure()

    await backpressure.turn()
    await backpressure.turn()

    assert clock() == 0


@pytest.mark.looptime
async def test_the_longest_wish_for_patience_holds() -> None:
    backpressure = Backpressure()
    backpressure.asked_for(timedelta(seconds=30))
    backpressure.asked_for(SECOND)

    await backpressure.turn()

    assert clock() == 30


@pytest.mark.looptime
async def test_a_request_that_hangs_holds_the_others_back_no_longer_than_the_server_asked_for() -> None:
    backpressure, sent = Backpressure(), list[float]()
    backpressure.asked_for(SECOND)

    async def client() -> None:
        await backpressure.turn()
        sent.append(round(clock(), 3))
        await asyncio.Event().wait()

    hung = [asyncio.create_task(client()) for _ in range(3)]
    await asyncio.wait(hung, timeout=10)

    assert sent == [1.0, 2.0, 3.0]
    for task in hung:
        task.cancel()
