"""Faults on purpose: they befall exactly the request they are for, before or after the deed."""

import json
from dataclasses import replace

import aiohttp
import pytest

from maintd.sandbox.faults import Fault, html, long_line, null_items, raw, status_for_a_list, truncated, unavailable

SHELF = "/api/v1/namespaces/default/configmaps"
HTML = html().body
STATUS = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success"}'


def without_items(whole):
    return json.dumps(json.loads(whole) | {"items": None}).encode()


@pytest.fixture
async def call(sandbox):
    """Requests as the admin; returns (code, headers, bytes)."""
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def ask(method, path, **more):
            async with session.request(method, sandbox.url + path, **more) as reply:
                return reply.status, reply.headers, await reply.read()

        yield ask


async def test_a_fault_befalls_the_nth_request_of_its_verb_and_path(sandbox, call):
    sandbox.faults.append(Fault("list", "*/configmaps", nth=2, times=2, answer=unavailable(503)))

    codes = [(await call("GET", SHELF))[0] for _ in range(4)]
    others = [(await call("GET", path))[0] for path in ("/api/v1/pods", f"{SHELF}/kube-root-ca.crt")]

    assert (codes, others) == ([200, 503, 503, 200], [200, 200])


async def test_an_answer_in_the_place_of_the_deed_commits_nothing(sandbox, call):
    sandbox.faults.append(Fault("create", answer=unavailable(429, retry_after=2)))

    code, headers, body = await call("POST", SHELF, json={"metadata": {"name": "a"}})

    status = json.loads(body)
    assert (code, headers["Retry-After"], status["reason"]) == (429, "2", "TooManyRequests")
    assert (status["kind"], status["details"]) == ("Status", {"retryAfterSeconds": 2})
    assert sandbox.get("v1", "ConfigMap", "a", "default") is None


@pytest.mark.parametrize(("when", "committed"), [("before", False), ("after", True)])
async def test_a_reset_cuts_the_connection_before_or_after_the_deed(sandbox, call, when, committed):
    sandbox.faults.append(Fault("create", reset=when))

    with pytest.raises(aiohttp.ClientError):
        await call("POST", SHELF, json={"metadata": {"name": "a"}})

    assert (sandbox.get("v1", "ConfigMap", "a", "default") is not None) is committed
    assert [(row.verb, row.status) for row in sandbox.requests] == [("create", 0)]


async def test_a_delay_comes_first_and_the_deed_is_done_all_the_same(sandbox, call):
    sandbox.faults.append(Fault("create", delay_seconds=0.3))
    impatient = aiohttp.ClientTimeout(total=0.05)

    with pytest.raises(TimeoutError):
        await call("POST", SHELF, json={"metadata": {"name": "a"}}, timeout=impatient)
    code, _, _ = await call("POST", SHELF, json={"metadata": {"name": "b"}})

    assert (code, sandbox.get("v1", "ConfigMap", "b", "default") is not None) == (201, True)


@pytest.mark.parametrize("code", [500, 503, 504])
async def test_trouble_is_a_status_with_its_own_reason(sandbox, call, code):
    sandbox.faults.append(Fault("list", answer=unavailable(code)))

    found, _, body = await call("GET", SHELF)

    reasons = {500: "InternalError", 503: "ServiceUnavailable", 504: "Timeout"}
    assert (found, json.loads(body)["reason"]) == (code, reasons[code])


@pytest.mark.parametrize(
    ("fault", "code", "content_type", "arrives"),
    [
        (Fault("list", answer=html()), 200, "text/html", lambda _: HTML),
        (Fault("list", answer=html(502)), 502, "text/html", lambda _: HTML),
        (Fault("list", answer=raw(b"\xff", 200)), 200, "application/json", lambda _: b"\xff"),
        (Fault("list", answer=status_for_a_list()), 200, "application/json", lambda _: STATUS),
        (Fault("list", edit=truncated), 200, "application/json", lambda whole: whole[: len(whole) // 2]),
        (Fault("list", edit=long_line(9000)), 200, "application/json", lambda whole: b" " * 9000 + whole),
        (Fault("list", edit=null_items), 200, "application/json", without_items),
    ],
)
async def test_bodies_that_no_server_should_send(sandbox, call, fault, code, content_type, arrives):
    whole = (await call("GET", SHELF))[2]
    sandbox.faults.append(replace(fault))

    found, headers, body = await call("GET", SHELF)

    assert (found, headers["Content-Type"], body) == (code, content_type, arrives(whole))
