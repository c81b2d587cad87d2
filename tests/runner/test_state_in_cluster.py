"""State in a ConfigMap: on the embedded cluster, and with `make test-cluster` on a real control plane."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, Denied, Unreadable
from maintd.core.resource import CONFIG_MAPS
from maintd.sandbox.faults import Fault, html, truncated, unavailable
from maintd.scheduling.entry import JobState
from maintd.scheduling.homes import NAME, ConfigMapHome, state_needs
from maintd.scheduling.state import State
from maintd.telemetry.logs import get


def count(entry: JobState) -> JobState:
    return entry.model_copy(update={"changes": {"count": entry.changes.get("count", 0) + 1}})


@pytest.fixture
async def space(cluster_backend) -> str:
    return await cluster_backend.namespace()


@pytest.fixture
async def api(cluster_backend, space) -> AsyncIterator[Api]:
    """As a ServiceAccount that has the rights state asks for, and no others."""
    made = await Api.connect(await cluster_backend.grant(state_needs(space)))
    yield made
    await made.close()


def state_of(api: Api, space: str) -> State:
    return State(ConfigMapHome(ClusterReader(api), ClusterWriter(api), space), get("test"))


async def test_the_first_update_makes_the_config_map_and_the_next_one_changes_it(api, space):
    await state_of(api, space).update("tidy", count)
    await state_of(api, space).update("tidy", count)
    found = await ClusterReader(api).get(CONFIG_MAPS, NAME, space)

    assert json.loads(found["data"]["tidy"])["changes"] == {"count": 2}
    assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "maintd"


async def test_writers_on_one_config_map_lose_nothing_of_each_other(api, space):
    async def write(state: State, job: str) -> None:
        done = 0
        while done < 5:
            with contextlib.suppress(Conflict):  # one update gives up after a few lost races; its caller may ask again
                await state.update(job, count)
                done += 1

    writers = [state_of(api, space) for _ in range(3)]
    await asyncio.gather(*(write(state, "shared") for state in writers), *(write(writers[0], "own") for _ in range(1)))

    last = state_of(api, space)
    assert await last.load()
    assert (last.of("shared").changes, last.of("own").changes) == ({"count": 15}, {"count": 5})


async def test_what_others_wrote_into_the_config_map_stays(api, space):
    writer = ClusterWriter(api)
    metadata = {"name": NAME, "namespace": space, "labels": {"team": "a"}}
    kept = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"other": '{"format": 2, "new": 1}'}}
    await writer.create(CONFIG_MAPS, kept)
    await state_of(api, space).update("tidy", count)
    found = await ClusterReader(api).get(CONFIG_MAPS, NAME, space)

    assert (found["data"]["other"], found["metadata"]["labels"]) == ('{"format": 2, "new": 1}', {"team": "a"})


async def test_without_the_rights_it_is_denied_and_the_rule_is_named(cluster_backend, space):
    api = await Api.connect(await cluster_backend.grant([]))
    try:
        with pytest.raises(Denied, match="configmaps"):
            await state_of(api, space).update("tidy", count)
    finally:
        await api.close()


@pytest.mark.parametrize("verb", ["create", "update"])
@pytest.mark.parametrize("reply", [{"reset": "after"}, {"edit": truncated}], ids=["lost", "unreadable"])
async def test_a_write_whose_reply_was_of_no_use_is_counted_once(sandbox, tmp_path, verb, reply):
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    state = state_of(api, "default")
    if verb == "update":
        await state.update("other", count)
    sandbox.faults.append(Fault(verb, "*/configmaps*", **reply))
    await state.update("tidy", count)
    await api.close()

    assert json.loads(sandbox.get("v1", "ConfigMap", NAME, "default")["data"]["tidy"])["changes"] == {"count": 1}


async def test_a_note_whose_only_write_failed_is_written_once_more_before_the_end(sandbox, tmp_path):
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    state = state_of(api, "default")
    sandbox.faults.append(Fault("create", "*/configmaps", answer=unavailable(500)))
    state.note("looks", count)
    await state.close()
    await api.close()

    assert set(sandbox.get("v1", "ConfigMap", NAME, "default")["data"]) == {"looks"}


async def test_while_a_proxy_answers_for_the_server_notes_wait_and_updates_fail(sandbox, tmp_path):
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    state = state_of(api, "default")
    away = Fault("*", "*/configmaps*", times=10**6, answer=html())
    sandbox.faults.append(away)
    state.note("looks", count)
    with pytest.raises(Unreadable):
        await state.update("tidy", count)
    sandbox.faults.remove(away)
    await state.close()
    await api.close()

    assert set(sandbox.get("v1", "ConfigMap", NAME, "default")["data"]) == {"looks"}
