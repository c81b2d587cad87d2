"""What is sent again, when, and what never is."""

import asyncio
from datetime import timedelta

import pytest

from maintd.cluster.api import Api
from maintd.cluster.request import Request
from maintd.core.errors import JobError, Transient
from tests.cluster.conftest import Answer, Scripted, Seen, Stage, refusal, reply, reset, silence, trickle
from tests.memory import uncollected

GOOD = reply({"kind": "Answer"})
PASSING: dict[str, Answer] = {
    "reset": reset,
    "500": refusal(500, "InternalError"),
    "503": refusal(503, "ServiceUnavailable"),
    "504": refusal(504, "Timeout"),
}
SLOW_DOWN = refusal(429, "TooManyRequests", Retry_After="1")


def request(method: str, *, repeatable: bool | None = None) -> Request:
    body = None if method == "GET" else {"kind": "Thing"}
    return Request(method=method, path="/thing", body=body, repeatable=repeatable)


@pytest.mark.parametrize("fault", PASSING)
async def test_a_read_is_sent_again_until_it_is_answered(stage: Stage, fault: str) -> None:
    server = await stage.serve(PASSING[fault], PASSING[fault], GOOD)
    api = await stage.connect(server)

    found = await api.call(request("GET"))

    assert found.json == {"kind": "Answer"}
    assert [seen.method for seen in server.seen] == ["GET"] * 3


@pytest.mark.parametrize("fault", PASSING)
async def test_an_error_that_was_told_is_gone_at_once_with_the_frames_it_went_through(stage: Stage, fault: str) -> None:
    server = await stage.serve(*[PASSING[fault]] * 100)
    api = (await stage.connect(server)).scoped(patience=timedelta(milliseconds=300))

    with uncollected() as left:
        with pytest.raises(Transient):
            await api.call(request("GET"))

        assert left() == []


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_that_may_have_been_done_is_not_sent_again(stage: Stage, method: str, fault: str) -> None:
    server = await stage.serve(PASSING[fault], GOOD)
    api = await stage.connect(server)

    with pytest.raises(Transient):
        await api.call(request(method))

    assert [seen.method for seen in server.seen] == [method]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_a_write_with_preconditions_is_sent_again_as_it_was(stage: Stage, method: str) -> None:
    server = await stage.serve(reset, GOOD)
    api = await stage.connect(server)

    await api.call(request(method, repeatable=True))

    assert [(seen.method, seen.body) for seen in server.seen] == [(method, b'{"kind": "Thing"}')] * 2


async def test_a_refused_connection_is_tried_again_by_any_verb(stage: Stage) -> None:
    server = await stage.serve(GOOD)
    api = await stage.connect(server)
    await server.stop()

    call = asyncio.ensure_future(api.call(request("POST")))
    await asyncio.sleep(0.2)
    await server.start()

    assert (await call).json == {"kind": "Answer"}
    assert [seen.method for seen in server.seen] == ["POST"]


async def test_a_server_that_is_not_there_is_named_with_its_address(stage: Stage) -> None:
    server = await stage.serve(GOOD)
    api = await stage.connect(server)
    await server.stop()

    with pytest.raises(Transient) as caught:
        await api.call(request("GET"), timedelta(seconds=0.3))

    assert str(caught.value) == (
        f"GET /thing: cannot connect to 127.0.0.1:{server.port} (context here of {stage.folder}/kubeconfig): "
        "Connection refused; "
        "see whether it answers: kubectl --context=here get --raw /livez; "
        "for another cluster set MAINTD_KUBE_CONTEXT or KUBECONFIG"
    )


async def test_a_caller_in_a_hurry_hears_of_a_server_that_is_not_there_at_once_and_is_not_sent_there_again(
    stage: Stage,
) -> None:
    server = await stage.serve(GOOD)
    api = await stage.connect(server, hurried=True)
    await server.stop()

    async with asyncio.timeout(10):  # the deadline of a call is 30 s, and it is spent where nobody waits
        for call in (request("GET"), request("DELETE", repeatable=True)):
            with pytest.raises(JobError, match=f"^cannot connect to 127.0.0.1:{server.port} .*context=here") as caught:
                await api.scoped().call(call)
            assert not isinstance(caught.value, Transient)


async def test_a_caller_in_a_hurry_is_patient_with_a_server_that_takes_connections(stage: Stage) -> None:
    server = await stage.serve(PASSING["503"], reset, GOOD)
    api = await stage.connect(server, hurried=True)

    assert (await api.call(request("GET"))).json == {"kind": "Answer"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
async def test_a_plain_no_is_not_asked_twice(stage: Stage, status: int) -> None:
    server = await stage.serve(refusal(status, "No"), GOOD)
    api = await stage.connect(server)

    with pytest.raises(JobError):
        await api.call(request("GET"))

    assert len(server.seen) == 1


async def test_an_answer_that_cannot_be_read_is_not_asked_for_again(stage: Stage) -> None:
    server = await stage.serve(reply(b"<html>"), GOOD)
    api = await stage.connect(server)

    with pytest.raises(JobError):
        await api.call(request("GET"))

    assert len(server.seen) == 1


async def test_a_connection_that_died_in_silence_leaves_time_for_a_second_one(stage: Stage) -> None:
    server = await stage.serve(silence, GOOD)
    api = await stage.connect(server)

    found = await api.call(request("GET"), timedelta(seconds=2))

    assert found.json == {"kind": "Answer"}
    assert len(server.seen) == 2


async def test_a_write_waits_for_its_answer_as_long_as_it_may(stage: Stage) -> None:
    server = await stage.serve(silence)
    api = await stage.connect(server)

    with pytest.raises(Transient, match=r"^POST /thing: no answer before the deadline$"):
        await api.call(request("POST"), timedelta(seconds=0.3))

    assert len(server.seen) == 1


async def test_the_deadline_ends_a_call_whatever_the_server_does(stage: Stage) -> None:
    api = await stage.connect(await stage.serve(trickle))

    async with asyncio.timeout(5):
        with pytest.raises(Transient, match=r"^GET /thing: no answer before the deadline$"):
            await api.call(request("GET"), timedelta(seconds=0.3))


async def test_a_wait_that_would_pass_the_deadline_is_not_begun_and_is_handed_on(stage: Stage) -> None:
    server = await stage.serve(refusal(503, "ServiceUnavailable", Retry_After="3600"))
    api = await stage.connect(server)

    async with asyncio.timeout(5):
        with pytest.raises(Transient) as caught:
            await api.call(request("GET"))

    assert caught.value.retry_after == timedelta(hours=1)
    assert len(server.seen) == 1


@pytest.mark.parametrize("header", ["", "soon", "-1", "1.5", "999999999999"])
async def test_a_retry_after_that_is_no_number_of_seconds_is_not_obeyed(stage: Stage, header: str) -> None:
    server = await stage.serve(refusal(503, "ServiceUnavailable", Retry_After=header), GOOD)
    api = await stage.connect(server)

    assert (await api.call(request("GET"))).json == {"kind": "Answer"}


async def test_after_a_429_any_verb_is_sent_again_and_no_job_sends_before_the_server_wants_it(stage: Stage) -> None:
    times: list[float] = []

    def script(_: Seen) -> Answer:
        times.append(asyncio.get_running_loop().time())
        return SLOW_DOWN if len(times) <= 2 else GOOD

    api = await stage.connect(await stage.serve(script=script))
    first = asyncio.ensure_future(api.call(request("POST")))
    await asyncio.sleep(0.1)

    await asyncio.gather(first, *(api.scoped().call(request("GET")) for _ in range(4)))

    assert [times[1] - times[0] >= 1, times[2] - times[1] >= 1] == [True, True]
    assert len(times) == 7


async def test_at_most_so_many_requests_are_in_flight_as_the_view_may_have(stage: Stage) -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.02)
        writer.write(GOOD)

    server = await stage.serve(slowly)
    api = (await stage.connect(server)).scoped(in_flight=3)

    await asyncio.gather(*(api.call(request("GET")) for _ in range(12)))

    assert server.most_in_flight == 3
    assert len(server.seen) == 12


async def test_each_view_says_who_it_is_over_the_same_credentials(stage: Stage) -> None:
    server = await stage.serve(GOOD)
    api = await stage.connect(server, user_agent="maintd/1.0")

    await api.call(request("GET"))
    await api.scoped(user_agent="maintd/1.0 (job tidy-pods)").call(request("GET"))

    assert [seen.headers["user-agent"] for seen in server.seen] == ["maintd/1.0", "maintd/1.0 (job tidy-pods)"]
    assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer canary-token"}


async def test_nothing_compressed_is_asked_for(stage: Stage) -> None:
    server = await stage.serve(GOOD)
    api: Api = await stage.connect(server)

    await api.call(request("GET"))

    assert server.seen[0].headers["accept-encoding"] == "identity"


async def test_names_with_signs_that_urls_use_reach_the_server_as_they_are(stage: Stage) -> None:
    server: Scripted = await stage.serve(GOOD)
    api = await stage.connect(server)

    await api.call(Request(method="GET", path="/roles/system:a b?c#d%", query={"labelSelector": "a in (b,c)&d"}))

    assert server.seen[0].target == "/roles/system:a%20b%3Fc%23d%25?labelSelector=a+in+%28b%2Cc%29%26d"
