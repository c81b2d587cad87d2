"""What the gate deletes, what survives it, and what it says of both."""

import asyncio
from dataclasses import replace

import pytest

from maintd.core.errors import Denied, Refused, Transient
from maintd.sandbox.faults import Fault, raw
from maintd.storage.folder import FolderStore

CHANGED = "it changed since it was judged"


class Interfering(FolderStore):
    """A store that lets something happen to the cluster while the evidence of a pod is written."""

    def __init__(self, root, cluster, happenings):
        super().__init__(root, cluster)
        self.happenings = happenings

    async def create(self, path, data):
        stored = await super().create(path, data)
        name = path.split("/")[-2]
        if path.endswith("logs.txt") and name in self.happenings:
            self.happenings.pop(name)()
        return stored


class Refusing(FolderStore):
    """A store that takes nothing about some pods."""

    def __init__(self, root, cluster, names, error):
        super().__init__(root, cluster)
        self.names, self.error, self.asked = names, error, 0

    async def create(self, path, data):
        self.asked += 1
        if path.split("/")[-2] in self.names:
            raise self.error
        return await super().create(path, data)


async def test_what_is_wished_is_deleted_and_its_evidence_is_there(scene, results):
    changes = await scene.delete([scene.pod("a"), scene.pod("b")])

    assert results(changes) == {"a": ("done", ""), "b": ("done", "")}
    assert scene.names() == set()
    assert [change.evidence for change in changes] == [
        "evidence/20261122T030000Z-tidy-000001/shop/pods/a",
        "evidence/20261122T030000Z-tidy-000001/shop/pods/b",
    ]
    assert all((scene.folder / change.evidence / "manifest.yaml").exists() for change in changes)


async def test_all_evidence_is_written_before_the_first_delete(scene):
    pods = [scene.pod(f"p{number}") for number in range(20)]
    there = []
    scene.store = Interfering(
        scene.folder.parent, "test", {pod["metadata"]["name"]: lambda: there.append(len(scene.names())) for pod in pods}
    )

    await scene.delete(pods)

    assert there == [20] * 20
    assert scene.names() == set()


async def test_a_pod_that_changed_since_it_was_judged_survives_without_evidence(scene, results):
    pod = scene.pod("a")
    scene.sandbox.put(pod | {"metadata": pod["metadata"] | {"labels": {"keep": "me"}, "resourceVersion": ""}})

    changes = await scene.delete([pod])

    assert results(changes) == {"a": ("kept", CHANGED)}
    assert scene.names() == {"a"}
    assert not (scene.folder / "evidence").exists()


async def test_a_pod_that_changes_between_its_evidence_and_its_delete_survives(scene, results):
    pods = [scene.pod("a"), scene.pod("b")]
    scene.store = Interfering(scene.folder.parent, "test", {"a": lambda: scene.pod("a", labels={"keep": "me"})})

    changes = await scene.delete(pods)

    assert results(changes) == {"a": ("kept", CHANGED), "b": ("done", "")}
    assert scene.names() == {"a"}


async def test_a_pod_that_was_replaced_before_the_run_began_survives(scene, results):
    pod = scene.pod("a")
    scene.sandbox.remove("v1", "Pod", "a", "shop")
    scene.pod("a")

    changes = await scene.delete([pod])

    assert results(changes) == {"a": ("kept", "it was replaced since it was judged: another object has its name now")}
    assert scene.names() == {"a"}


async def test_a_pod_that_is_replaced_between_its_evidence_and_its_delete_survives(scene, results):
    pod = scene.pod("a")

    def replaced():
        scene.sandbox.remove("v1", "Pod", "a", "shop")
        scene.pod("a")

    scene.store = Interfering(scene.folder.parent, "test", {"a": replaced})

    changes = await scene.delete([pod])

    assert results(changes) == {"a": ("gone", "it was no longer there")}
    assert scene.names() == {"a"}


async def test_a_pod_that_is_gone_already_is_said_to_be_gone(scene, results):
    pods = [scene.pod("a"), scene.pod("b")]
    scene.sandbox.remove("v1", "Pod", "a", "shop")

    changes = await scene.delete(pods)

    assert results(changes) == {"a": ("gone", "it was no longer there"), "b": ("done", "")}


async def test_a_lost_reply_is_not_taken_for_a_failure(scene, results):
    pod = scene.pod("a")
    scene.sandbox.faults.append(Fault("delete", reset="after"))

    changes = await scene.delete([pod])

    assert results(changes) == {"a": ("gone", "it was no longer there")}
    assert scene.names() == set()


async def test_one_failed_delete_does_not_hide_the_others(scene, results):
    pods = [scene.pod("a"), scene.pod("b"), scene.pod("c")]
    scene.sandbox.faults.append(Fault("delete", "*/pods/b", answer=raw(b'{"kind":"Status","code":422}', 422)))

    changes = await scene.delete(pods, in_flight=1)

    assert {name: result for name, (result, _) in results(changes).items()} == {"a": "done", "b": "failed", "c": "done"}
    assert changes[1].reason.startswith("DELETE /api/v1/namespaces/shop/pods/b: 422")
    assert scene.names() == {"b"}


async def test_an_object_whose_evidence_the_store_refuses_is_left_alone_and_named(scene, results):
    pods = [scene.pod("a"), scene.pod("b")]
    scene.store = Refusing(scene.folder.parent, "test", {"a"}, Transient("the bucket is away"))

    changes = await scene.delete(pods)

    refused = "evidence could not be written, so it was left alone: the bucket is away"
    assert results(changes) == {"a": ("failed", refused), "b": ("done", "")}
    assert scene.names() == {"a"}


async def test_a_dead_store_is_given_up_on_and_nothing_is_deleted(scene):
    pods = [scene.pod(f"p{number:02}") for number in range(40)]
    dead = Refusing(scene.folder.parent, "test", {f"p{n:02}" for n in range(40)}, Transient("the bucket is away"))
    scene.store = dead

    changes = await scene.delete(pods, in_flight=2, max_count=40)

    assert {change.result for change in changes} == {"failed"}
    assert len(scene.names()) == 40
    assert dead.asked <= 7  # five in a row, and what was under way beside them
    assert "the store failed" in changes[-1].reason


async def test_a_missing_right_is_said_with_its_rule_before_anything_is_written(scene):
    pods = [scene.pod("a")]
    scene.sandbox.remove("rbac.authorization.k8s.io/v1", "RoleBinding", "maintd-1", "shop")

    with pytest.raises(Denied) as raised:
        await scene.delete(pods)

    assert str(raised.value).startswith("nothing was changed: may not list events in namespace shop; you are maintd, ")
    assert '{apiGroups: [""], resources: [pods], verbs: [delete, get]}' in str(raised.value)
    assert scene.names() == {"a"}
    assert not scene.folder.exists()


async def test_changes_are_known_before_the_kind_has_them(scene):
    """A run that is cancelled between two deletes still says what it did and what it did not."""
    pods = [scene.pod(name) for name in "abc"]
    scene.sandbox.faults.append(Fault("delete", "*/pods/b", delay_seconds=5))
    gate = scene.gate(in_flight=1)
    run = asyncio.create_task(gate.delete([scene.wish(pod) for pod in pods], population=9, now=scene.now))
    while not any(change.result == "done" for change in gate.changes):
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)  # the second one is under way

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert [(change.object.name, change.result, change.reason) for change in gate.changes] == [
        ("a", "done", ""),
        ("b", "failed", "the run ended while it was under way; it may have been made"),
        ("c", "left", "the run ended before its turn came"),
    ]


async def test_a_run_asks_the_gate_once(scene):
    gate = scene.gate(max_count=1)
    await gate.delete([scene.wish(scene.pod("a"))], population=9, now=scene.now)

    with pytest.raises(Refused, match="a run asks the gate once"):
        await gate.delete([scene.wish(scene.pod("b"))], population=9, now=scene.now)

    assert scene.names() == {"b"}


async def test_no_more_objects_are_worked_on_at_once_than_allowed(scene):
    pods = [scene.pod(f"p{number:02}") for number in range(30)]
    at_once = []

    class Counting(FolderStore):
        under_way = 0

        async def create(self, path, data):
            self.under_way += 1
            at_once.append(self.under_way)
            await asyncio.sleep(0)
            stored = await super().create(path, data)
            self.under_way -= 1
            return stored

    scene.store = Counting(scene.folder.parent, "test")

    await scene.delete(pods, in_flight=3, max_count=30)

    assert max(at_once) == 3
    assert scene.names() == set()


async def test_each_change_is_a_line_in_the_log_and_each_phase(scene):
    pod = scene.pod("a")

    await scene.delete([pod])

    for _, _, fields in scene.log.lines:
        fields.pop("seconds", None)
    assert scene.log.lines == [
        ("info", "evidence written", {"objects": 1}),
        (
            "info",
            "change tried",
            {
                "object": "pods shop/a",
                "uid": pod["metadata"]["uid"],
                "rule": "finished long ago",
                "result": "done",
                "reason": "",
                "evidence": "evidence/20261122T030000Z-tidy-000001/shop/pods/a",
            },
        ),
        ("info", "changes tried", {"objects": 1}),
    ]


async def test_wishes_without_uid_are_never_sent(scene):
    wish = scene.wish(scene.pod("a"))
    nameless = replace(wish, object=wish.object.model_copy(update={"uid": ""}))

    changes = await scene.gate().delete([nameless], population=9, now=scene.now)

    assert changes[0].result == "kept"
    assert scene.names() == {"a"}
