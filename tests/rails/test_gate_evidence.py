"""What is written down about an object before it is changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
import yaml

from maintd.core.resource import PODS
from maintd.objects.metadata import deletion
from maintd.objects.pods import LogSource, log_sources
from maintd.sandbox.faults import Fault, null_items, raw, unavailable


def event(pod, name, *, at="2026-11-22T02:00:00Z", namespace="shop", **more):
    subject = {"kind": "Pod", "namespace": namespace, "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace, "managedFields": [{"manager": "kubelet"}]},
        "involvedObject": subject,
        "reason": "Evicted",
        "message": "The node was low on resource: memory.",
        "lastTimestamp": at,
        **more,
    }


async def evidence(scene, pod):
    """(manifest.yaml as documents, its comments, logs.txt) of a pod that was deleted."""
    (change,) = await scene.delete([pod])
    folder = scene.folder / change.evidence
    manifest = (folder / "manifest.yaml").read_text()
    comments = [line for line in manifest.splitlines() if line.startswith("#")]
    return list(yaml.safe_load_all(manifest)), comments, (folder / "logs.txt").read_text()


async def test_the_manifest_is_the_object_as_it_was_and_then_its_events(scene):
    pod = scene.pod("a", labels={"sha": "12e4567"})
    other = scene.pod("b")
    for one in (event(pod, "a.1"), event(pod, "a.2", at="2026-11-22T02:30:00Z"), event(other, "b.1")):
        scene.sandbox.put(one)

    (found, newest, oldest), comments, _ = await evidence(scene, pod)

    assert found == pod
    assert [newest["metadata"]["name"], oldest["metadata"]["name"]] == ["a.2", "a.1"]
    assert (newest["apiVersion"], newest["kind"], newest["message"]) == (
        "v1",
        "Event",
        "The node was low on resource: memory.",
    )
    assert "managedFields" not in newest["metadata"]
    assert comments == [
        "# pods shop/a",
        "# run 20261122T030000Z-tidy-000001: finished long ago",
        "# events: 2 follow",
    ]


async def test_events_are_listed_once_for_all_pods_of_a_namespace(scene):
    pods = [scene.pod(f"p{number}") for number in range(10)]
    scene.sandbox.requests.clear()

    await scene.delete(pods)

    lists = [line for line in scene.sandbox.requests if line.verb == "list" and line.resource == "events"]
    assert len(lists) == 1


async def test_of_many_events_the_newest_twenty_are_kept(scene):
    pod = scene.pod("a")
    for number in range(30):
        scene.sandbox.put(event(pod, f"a.{number:02}", at=f"2026-11-22T02:{number:02}:00Z"))

    (_, *events), _, _ = await evidence(scene, pod)

    assert [one["metadata"]["name"] for one in events] == [f"a.{number:02}" for number in range(29, 9, -1)]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("list", "*/events", edit=null_items), "the list has no items"),
        (Fault("list", "*/events", answer=raw(b"{}", 403)), "may not list events in namespace shop"),
    ],
)
async def test_events_that_cannot_be_had_are_said_so_and_the_run_goes_on(scene, fault, why):
    pod = scene.pod("a")
    scene.sandbox.faults.append(fault)

    (_, *events), comments, _ = await evidence(scene, pod)

    assert events == []
    assert comments[2].startswith("# events: not available: ")
    assert why in comments[2]
    assert scene.names() == set()


async def test_hostile_events_do_no_harm(scene):
    pod = scene.pod("a")
    for number, more in enumerate(
        ({"involvedObject": None}, {"involvedObject": {"uid": 7}}, {"lastTimestamp": "yesterday"}, {"series": "x"})
    ):
        scene.sandbox.put(event(pod, f"a.{number}", **more))

    (_, *events), _, _ = await evidence(scene, pod)

    assert {one["metadata"]["name"] for one in events} == {"a.2", "a.3"}


async def test_logs_of_every_container_and_instance_or_why_there_is_none(scene):
    pod = scene.pod("a")
    pod["spec"]["initContainers"] = [{"name": "init", "image": "x"}]
    pod["spec"]["containers"] = [{"name": "app", "image": "x"}, {"name": "side", "image": "x"}]
    pod["status"]["containerStatuses"] = [
        {"name": "app", "restartCount": 2, "lastState": {"terminated": {"exitCode": 1}}, "state": {}},
        {"name": "side", "restartCount": 0, "state": {}},
    ]
    pod["status"]["initContainerStatuses"] = [{"name": "init", "restartCount": 0, "state": {}}]
    pod = scene.sandbox.put(pod)
    scene.sandbox.logs["shop", "a", "app", False] = "now\nsecond\n"
    scene.sandbox.logs["shop", "a", "app", True] = "then\n"
    scene.sandbox.logs["shop", "a", "side", False] = ""
    wish = deletion(PODS, pod, since=scene.now, rule="finished long ago")
    (change,) = await scene.gate().delete([wish], population=9, now=scene.now)

    init, rest = (scene.folder / change.evidence / "logs.txt").read_text().split("\n\n", 1)
    assert init.startswith("==> init (current instance) <==\nlog not available: container init: it has not started")
    assert rest == (
        "==> app (current instance) <==\n"
        "now\nsecond\n"
        "\n"
        "==> app (previous instance) <==\n"
        "then\n"
        "\n"
        "==> side (current instance) <==\n"
        "(the log is empty)\n"
    )


async def test_only_the_last_lines_of_a_long_log_are_kept(scene):
    pod = scene.pod("a")
    scene.sandbox.logs["shop", "a", "app", False] = "".join(f"line {number}\n" for number in range(5000))

    _, _, logs = await evidence(scene, pod)

    lines = logs.splitlines()
    assert (lines[1], lines[200], len(lines)) == ("line 4800", "line 4999", 201)


async def test_a_node_that_is_silent_is_not_waited_for_a_hundred_times(scene):
    """Each log of a dead node costs its whole deadline; after five of them the node is not asked again."""
    pods = [scene.pod(f"p{number:02}") for number in range(20)]
    scene.sandbox.faults.append(Fault("get", "*/log", times=1000, answer=unavailable(500)))

    changes = await scene.delete(pods, in_flight=1, log_timeout=timedelta(milliseconds=20))

    assert {change.result for change in changes} == {"done"}
    assert len({line.path for line in scene.sandbox.requests if line.path.endswith("/log")}) == 5
    logs = (scene.folder / changes[-1].evidence / "logs.txt").read_text()
    assert "not tried, since node node-1 failed 5 times in a row" in logs


async def test_a_name_of_253_characters_has_evidence_too(scene):
    pod = scene.pod("a" * 253)

    (change,) = await scene.delete([pod])

    assert change.result == "done"
    assert (scene.folder / change.evidence / "manifest.yaml").exists()


async def test_words_of_others_cannot_break_out_of_a_comment(scene):
    pod = scene.pod("a")
    wish = replace(scene.wish(pod), rule="finished\n---\nkind: Secret")

    (change,) = await scene.gate().delete([wish], population=9, now=scene.now)

    documents = list(yaml.safe_load_all((scene.folder / change.evidence / "manifest.yaml").read_text()))
    assert [one["kind"] for one in documents] == ["Pod"]


@pytest.mark.parametrize(
    ("status", "previous"),
    [
        ({"restartCount": 0}, False),
        ({"restartCount": 0, "lastState": {}}, False),
        ({"restartCount": 0, "lastState": {"terminated": {"exitCode": 1}}}, True),
        ({"restartCount": 3}, True),
        ({"restartCount": "0"}, True),
        ({}, True),
    ],
)
def test_a_previous_log_is_asked_for_unless_the_status_rules_it_out(status, previous):
    pod = {"spec": {"containers": [{"name": "app"}]}, "status": {"containerStatuses": [{"name": "app"} | status]}}

    assert log_sources(pod) == [LogSource("app", previous=False)] + [LogSource("app", previous=True)] * previous
