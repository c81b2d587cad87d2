"""No write is sent without the guard's leave, and none is under way longer than it allows."""

import asyncio
import time
from datetime import timedelta

import pytest

from maintd.cluster.access import allowed
from maintd.cluster.request import Request
from maintd.core.errors import NotLeading, Transient
from maintd.core.rules import Rule
from tests.cluster.conftest import Scripted, Stage, refusal, reply, reset, silence

GOOD = reply({"kind": "Answer"})
WRITES = ["POST", "PUT", "PATCH", "DELETE"]


class Reign:
    """A guard that a test ends when it likes."""

    epoch = 7

    def __init__(self, seconds: float) -> None:
        self.until = time.monotonic() + seconds
        self.asked = 0

    def seconds_left(self) -> float:
        self.asked += 1
        left = self.until - time.monotonic()
        if left <= 0:
            raise NotLeading("epoch 7 is over")
        return left


def request(method: str, *, repeatable: bool | None = None) -> Request:
    return Request(method=method, path="/thing", body=None if method == "GET" else {"k": 1}, repeatable=repeatable)


async def guarded(stage: Stage, server: Scripted, reign: Reign):
    return (await stage.connect(server)).scoped(guard=reign)


@pytest.mark.parametrize("method", WRITES)
async def test_a_write_without_leave_is_not_sent(stage: Stage, method: str) -> None:
    server = await stage.serve(GOOD)
    api = await guarded(stage, server, Reign(0))

    with pytest.raises(NotLeading, match="epoch 7 is over"):
        await api.call(request(method, repeatable=True))

    assert server.seen == []


async def test_reads_and_questions_need_no_leave(stage: Stage) -> None:
    review = reply({"kind": "SelfSubjectAccessReview", "status": {"allowed": True}}, 201)
    server = await stage.serve(GOOD, review)
    reign = Reign(0)
    api = await guarded(stage, server, reign)

    await api.call(request("GET"))
    assert await allowed(api, Rule("pods", "list", namespace="a"))

    assert (len(server.seen), reign.asked) == (2, 0)


async def test_a_view_of_a_guarded_view_has_the_same_guard(stage: Stage) -> None:
    server = await stage.serve(GOOD)
    api = await guarded(stage, server, Reign(0))

    with pytest.raises(NotLeading):
        await api.scoped(user_agent="other", in_flight=1).call(request("DELETE"))

    assert server.seen == []


async def test_what_was_not_taken_is_not_sent_again_once_the_reign_is_over(stage: Stage) -> None:
    reign = Reign(30)

    def too_many(_):
        reign.until = 0
        return refusal(429, "TooManyRequests", Retry_After="0")

    server = await stage.serve(script=too_many)
    api = await guarded(stage, server, reign)

    with pytest.raises(NotLeading):
        await api.call(request("DELETE", repeatable=True))

    assert [seen.method for seen in server.seen] == ["DELETE"]


async def test_a_write_that_may_have_been_done_is_not_called_unsent_when_the_reign_ends_before_the_next_attempt(
    stage: Stage,
) -> None:
    reign = Reign(30)

    def broken(_):
        reign.until = 0
        return reset

    server = await stage.serve(script=broken)
    api = await guarded(stage, server, reign)

    with pytest.raises(Transient, match="broke before the answer"):
        await api.call(request("DELETE", repeatable=True))

    assert [seen.method for seen in server.seen] == ["DELETE"]


@pytest.mark.parametrize("repeatable", [True, False])
async def test_a_write_that_hangs_is_given_up_before_the_reign_is_over(stage: Stage, repeatable: bool) -> None:
    server = await stage.serve(silence)
    api = await guarded(stage, server, Reign(0.3))

    async with asyncio.timeout(10):  # the call's own deadline is 60 s
        with pytest.raises(Transient, match="no answer before the deadline"):
            await api.call(request("PUT", repeatable=repeatable), timedelta(seconds=60))

    assert [seen.method for seen in server.seen] == ["PUT"]


async def test_a_reign_that_ends_while_the_connection_is_made_sends_nothing(stage: Stage) -> None:
    server = await stage.serve(GOOD)

    class Brief(Reign):
        def seconds_left(self) -> float:
            left = super().seconds_left()
            self.until = 0 if self.asked == 1 else self.until  # over as soon as it was asked before the connection
            return left

    api = await guarded(stage, server, Brief(30))

    with pytest.raises(NotLeading):
        await api.call(request("PUT", repeatable=True))

    assert server.seen == []


async def test_each_attempt_asks_anew(stage: Stage) -> None:
    rest = [refusal(503, "ServiceUnavailable"), refusal(429, "TooManyRequests", Retry_After="0"), GOOD]
    server = await stage.serve(*rest)
    reign = Reign(30)
    api = await guarded(stage, server, reign)

    await api.call(request("PUT", repeatable=True))

    assert (len(server.seen), reign.asked) == (3, 6)  # before the connection, and once it stands


async def test_connections_apart_ask_no_guard_and_are_as_patient_as_the_others(stage: Stage) -> None:
    def script(seen):
        return refusal(429, "TooManyRequests", Retry_After="1") if seen.method == "GET" else GOOD

    server = await stage.serve(script=script)
    api = await guarded(stage, server, Reign(0))
    apart = api.apart(patience=timedelta(seconds=5))
    with pytest.raises(Transient):
        await api.call(request("GET"), timedelta(seconds=0.5))

    with pytest.raises(Transient):
        await apart.call(request("PUT"), timedelta(seconds=0.3))
    assert (await apart.call(request("PUT"))).json == {"kind": "Answer"}
    assert [seen.method for seen in server.seen] == ["GET", "PUT"]
