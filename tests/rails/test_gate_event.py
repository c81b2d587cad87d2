"""The one Kubernetes Event of a run, and the rights that the rails need."""

import asyncio

import pytest
from aiohttp import ClientSession

from maintd.core.rules import Rule
from maintd.objects.events import RunNote, Subject, run_event
from maintd.rails.needs import rails_needs
from maintd.sandbox.faults import Fault, raw


def deployed(scene):
    metadata = {"name": "maintd", "namespace": "maintd"}
    selector = {"matchLabels": {"app": "maintd"}}
    template = {"metadata": {"labels": {"app": "maintd"}}, "spec": {"containers": [{"name": "m", "image": "m"}]}}
    spec = {"selector": selector, "template": template}
    return scene.sandbox.put({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


async def events(scene):
    """As the API has them."""
    async with ClientSession(headers={"Authorization": f"Bearer {scene.sandbox.token()}"}) as session:
        reply = await session.get(f"{scene.sandbox.url}/apis/events.k8s.io/v1/namespaces/maintd/events")
        return (await reply.json())["items"]


async def test_a_run_that_changed_something_says_so_once_on_maintds_deployment(scene):
    deployment = deployed(scene)
    pods = [scene.pod("young", hours=24), scene.pod("old", hours=48)]
    gate = scene.gate()
    await gate.delete([scene.wish(pod) for pod in pods], population=9, now=scene.now)

    await gate.close(scene.now)

    (event,) = await events(scene)
    assert event["metadata"]["name"] == "20261122t030000z-tidy-000001"
    assert {key: event[key] for key in ("type", "reason", "action", "reportingController", "reportingInstance")} == {
        "type": "Normal",
        "reason": "PodsDeleted",
        "action": "Delete",
        "reportingController": "maintd.dev/maintd",
        "reportingInstance": "maintd-0",
    }
    assert event["regarding"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "maintd",
        "name": "maintd",
        "uid": deployment["metadata"]["uid"],
    }
    assert event["related"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "old",
        "uid": pods[1]["metadata"]["uid"],
    }
    assert event["note"] == (
        "job tidy deleted 2 pods; first pods shop/old; run 20261122T030000Z-tidy-000001; "
        f"evidence: {scene.folder.as_uri()}/evidence/20261122T030000Z-tidy-000001"
    )


async def test_a_run_with_failures_warns(scene):
    pods = [scene.pod("a"), scene.pod("b")]
    scene.sandbox.faults.append(Fault("delete", "*/b", answer=raw(b"{}", 422)))
    gate = scene.gate()
    await gate.delete([scene.wish(pod) for pod in pods], population=9, now=scene.now)

    await gate.close(scene.now)

    (event,) = await events(scene)
    assert event["type"] == "Warning"
    assert event["note"].startswith("job tidy deleted 1 pod, 1 failed; first pods shop/a;")


async def test_a_run_that_changed_nothing_says_nothing(scene):
    gate = scene.gate()
    protected = scene.pod("a", annotations={"maintd.dev/protect": "true"})
    await gate.delete([scene.wish(protected)], population=9, now=scene.now)

    await gate.close(scene.now)

    assert await events(scene) == []


async def test_a_run_that_was_cancelled_still_says_what_it_changed(scene):
    pods = [scene.pod("a"), scene.pod("b")]
    scene.sandbox.faults.append(Fault("delete", "*/pods/b", delay_seconds=2))
    gate = scene.gate(in_flight=1)
    run = asyncio.create_task(gate.delete([scene.wish(pod) for pod in pods], population=9, now=scene.now))
    while not any(change.result == "done" for change in gate.changes):
        await asyncio.sleep(0.01)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    await gate.close(scene.now)

    assert [event["related"]["name"] for event in await events(scene)] == ["a"]


@pytest.mark.parametrize(
    "fault",
    [Fault("create", "*/events", answer=raw(b"{}", 403)), Fault("create", "*/events", answer=raw(b"<html>", 422))],
)
async def test_an_event_that_cannot_be_written_fails_nothing_and_is_logged(scene, fault):
    scene.sandbox.faults.append(fault)
    gate = scene.gate()
    await gate.delete([scene.wish(scene.pod("a"))], population=9, now=scene.now)

    await gate.close(scene.now)

    assert await events(scene) == []
    assert [line[1] for line in scene.log.lines if line[0] == "warning"] == ["event not written"]


async def test_an_event_whose_reply_was_lost_is_there_once(scene):
    gate = scene.gate()
    await gate.delete([scene.wish(scene.pod("a"))], population=9, now=scene.now)
    await gate.close(scene.now)

    await gate.close(scene.now)

    assert len(await events(scene)) == 1
    assert [line for line in scene.log.lines if line[0] == "warning"] == []


def test_words_that_are_too_long_for_the_api_are_cut(now):
    note = RunNote("R1", "X" * 200, "Y" * 200, "ü" * 1000, warning=False, instance="Z" * 200)

    event = run_event(note, Subject("apps/v1", "Deployment", "maintd", "maintd", ""), None, now)

    assert [len(event[key]) for key in ("reason", "action", "reportingInstance")] == [128, 128, 128]
    assert len(event["note"].encode()) == 1024
    assert "uid" not in event["regarding"]
    assert "related" not in event


def test_the_rails_need_their_own_rights_where_a_kind_changes_something():
    kind = [Rule("pods", "delete", "list", namespace="shop"), Rule("jobs.batch", "list", namespace="shop")]

    assert rails_needs(kind, "maintd") == (
        Rule("deployments.apps", "get", namespace="maintd", names=("maintd",)),
        Rule("events.events.k8s.io", "create", namespace="maintd"),
        Rule("events", "list", namespace="shop"),
        Rule("pods", "get", namespace="shop"),
        Rule("pods/log", "get", namespace="shop"),
    )


def test_only_pods_have_logs():
    assert Rule("pods/log", "get", namespace="shop") not in rails_needs(
        [Rule("services", "delete", namespace="shop")], "maintd"
    )
