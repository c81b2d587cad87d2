"""What the audit log says of a change, in memory and in its file; and the faults that only show on the wire."""

import asyncio
import json

import aiohttp
import pytest

from maintd.sandbox.faults import Fault
from maintd.sandbox.server import Sandbox

SHELF = "/api/v1/namespaces/default/configmaps"
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}}
OPTIONS = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": "another", "resourceVersion": "7"}}


async def ask(sandbox, method, path, **more):
    url = sandbox.url + path
    headers = {"Authorization": f"Bearer {sandbox.token()}", "User-Agent": "maintd/0.1.0 (tidy; epoch 12)"}
    async with aiohttp.ClientSession(headers=headers) as session, session.request(method, url, **more) as reply:
        return reply.status, await reply.read()


async def test_a_change_is_written_down_with_its_preconditions_and_epoch(tmp_path):
    async with Sandbox(history=tmp_path / "history.jsonl") as sandbox:
        sandbox.put(MAP)
        await ask(sandbox, "GET", f"{SHELF}/a")
        await ask(sandbox, "DELETE", f"{SHELF}/a", json=OPTIONS)
        said = [(line.verb, line.uid, line.resource_version, line.epoch, line.status) for line in sandbox.requests]

    written = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text().splitlines()]
    keys = ("verb", "uid", "resource_version", "epoch", "status")
    assert said == [("get", "", "", 12, 200), ("delete", "another", "7", 12, 409)]
    assert [tuple(line[key] for key in keys) for line in written] == said


async def test_a_server_that_ignores_preconditions_deletes_what_has_the_name(sandbox):
    sandbox.put(MAP)
    sandbox.ignore_preconditions()

    code, _ = await ask(sandbox, "DELETE", f"{SHELF}/a", json=OPTIONS)

    assert (code, sandbox.get("v1", "ConfigMap", "a", "default")) == (200, None)


async def test_half_a_reply_ends_before_its_announced_length(sandbox):
    sandbox.faults.append(Fault("get", pace="half"))

    with pytest.raises(aiohttp.ClientPayloadError):
        await ask(sandbox, "GET", "/version")


async def test_a_trickle_sends_ten_bytes_a_second(sandbox):
    sandbox.faults.append(Fault("get", pace="trickle"))
    async with aiohttp.ClientSession() as session, session.get(f"{sandbox.url}/version") as reply:
        first = await reply.content.readany()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reply.content.readany(), 0.3)

    assert len(first) == 10


async def test_a_rotated_token_is_anothers_no_more(sandbox):
    old = {"Authorization": f"Bearer {sandbox.token('maintd')}"}
    new = {"Authorization": f"Bearer {sandbox.rotate('maintd')}"}
    async with aiohttp.ClientSession() as session:
        codes = [(await session.get(f"{sandbox.url}/version", headers=headers)).status for headers in (old, new)]

    assert codes == [401, 200]
