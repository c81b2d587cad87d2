"""Reading and changing single objects: the same on the sandbox and on a real control plane."""

import json

import pytest

from maintd.cluster.access import allowed
from maintd.cluster.api import Api
from maintd.cluster.logs import tail
from maintd.cluster.reader import ClusterReader
from maintd.cluster.replies import Rejected
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, Denied, Missing, Refused, Unreadable
from maintd.core.resource import CONFIG_MAPS, NAMESPACES, PODS, Json, ObjectRef, Resource
from maintd.core.rules import Rule
from maintd.sandbox.faults import Fault
from maintd.sandbox.server import Sandbox
from tests.cluster.conftest import Stage, refusal, reply
from tests.conftest import Backend


@pytest.fixture
async def api(cluster_backend: Backend, stage: Stage) -> Api:
    return stage.keep(await Api.connect(cluster_backend.kubeconfig))


def config_map(namespace: str, name: str = "a", **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def ref(obj: Json, resource: Resource = CONFIG_MAPS) -> ObjectRef:
    metadata = obj["metadata"]
    return ObjectRef(
        resource=resource.name, namespace=metadata.get("namespace", ""), name=metadata["name"], uid=metadata["uid"]
    )


def version(obj: Json) -> str:
    return str(obj["metadata"]["resourceVersion"])


async def test_an_object_is_created_once_read_and_replaced(cluster_backend: Backend, api: Api) -> None:
    space = await cluster_backend.namespace()
    reader, writer = ClusterReader(api), ClusterWriter(api)

    made = await writer.create(CONFIG_MAPS, config_map(space, word="one"))
    with pytest.raises(Conflict, match="already exists, or changed since it was read"):
        await writer.create(CONFIG_MAPS, config_map(space, word="two"))
    replaced = await writer.replace(CONFIG_MAPS, made | {"data": {"word": "three"}})
    found = await reader.get(CONFIG_MAPS, "a", space)

    assert [made["data"], replaced["data"], found["data"]] == [{"word": "one"}, {"word": "three"}, {"word": "three"}]
    assert version(found) == version(replaced) != version(made)


async def test_a_replacement_of_what_changed_since_is_refused(cluster_backend: Backend, api: Api) -> None:
    writer, space = ClusterWriter(api), await cluster_backend.namespace()
    first = await writer.create(CONFIG_MAPS, config_map(space, word="one"))
    await writer.replace(CONFIG_MAPS, first | {"data": {"word": "two"}})

    with pytest.raises(Conflict):
        await writer.replace(CONFIG_MAPS, first | {"data": {"word": "three"}})

    assert (await ClusterReader(api).get(CONFIG_MAPS, "a", space))["data"] == {"word": "two"}


async def test_a_dry_run_changes_nothing(cluster_backend: Backend, api: Api) -> None:
    reader, writer, space = ClusterReader(api), ClusterWriter(api), await cluster_backend.namespace()
    made = await writer.create(CONFIG_MAPS, config_map(space, word="one"))

    await writer.create(CONFIG_MAPS, config_map(space, "b"), dry_run=True)
    await writer.replace(CONFIG_MAPS, made | {"data": {"word": "two"}}, dry_run=True)
    deleted = await writer.delete(CONFIG_MAPS, ref(made), version(made), dry_run=True)

    assert deleted == "done"
    assert await reader.get(CONFIG_MAPS, "a", space) == made
    with pytest.raises(Missing):
        await reader.get(CONFIG_MAPS, "b", space)


async def test_an_object_is_deleted_once_and_then_gone(cluster_backend: Backend, api: Api) -> None:
    writer, space = ClusterWriter(api), await cluster_backend.namespace()
    made = await writer.create(CONFIG_MAPS, config_map(space))

    results = [await writer.delete(CONFIG_MAPS, ref(made), version(made)) for _ in range(2)]

    assert results == ["done", "gone"]


async def test_an_object_that_changed_since_it_was_judged_is_not_deleted(cluster_backend: Backend, api: Api) -> None:
    writer, space = ClusterWriter(api), await cluster_backend.namespace()
    judged = await writer.create(CONFIG_MAPS, config_map(space))
    changed = await writer.replace(CONFIG_MAPS, judged | {"data": {"in": "use"}})

    with pytest.raises(Conflict):
        await writer.delete(CONFIG_MAPS, ref(judged), version(judged))

    assert await ClusterReader(api).get(CONFIG_MAPS, "a", space) == changed


async def test_a_namesake_that_came_later_survives_and_the_one_that_was_meant_is_gone(
    cluster_backend: Backend, api: Api
) -> None:
    writer, space = ClusterWriter(api), await cluster_backend.namespace()
    judged = await writer.create(CONFIG_MAPS, config_map(space))
    await writer.delete(CONFIG_MAPS, ref(judged), version(judged))
    namesake = await writer.create(CONFIG_MAPS, config_map(space))

    assert await writer.delete(CONFIG_MAPS, ref(judged), version(judged)) == "gone"
    assert await ClusterReader(api).get(CONFIG_MAPS, "a", space) == namesake


async def test_an_object_that_a_finalizer_holds_is_on_its_way_out(cluster_backend: Backend, api: Api) -> None:
    writer, space = ClusterWriter(api), await cluster_backend.namespace()
    held = config_map(space)
    held["metadata"]["finalizers"] = ["example.org/hold"]
    made = await writer.create(CONFIG_MAPS, held)

    results = [await writer.delete(CONFIG_MAPS, ref(made), version(made)) for _ in range(2)]

    assert results == ["done", "gone"]
    leaving = await ClusterReader(api).get(CONFIG_MAPS, "a", space)
    assert leaving["metadata"]["deletionTimestamp"]
    leaving["metadata"]["finalizers"] = []
    await writer.replace(CONFIG_MAPS, leaving)


async def test_what_the_server_finds_invalid_is_named_by_field(cluster_backend: Backend, api: Api) -> None:
    space = await cluster_backend.namespace()

    with pytest.raises(Rejected, match=f"^POST /api/v1/namespaces/{space}/configmaps: 422 Invalid at metadata.name$"):
        await ClusterWriter(api).create(CONFIG_MAPS, config_map(space, "Canary_"))


async def test_a_missing_right_is_named_so_that_it_can_be_pasted(cluster_backend: Backend, stage: Stage) -> None:
    space = await cluster_backend.namespace()
    kubeconfig = await cluster_backend.grant([Rule("pods", "list", namespace=space)])
    poor, account = stage.keep(await Api.connect(kubeconfig)), f"service account {kubeconfig.stem}/account"

    with pytest.raises(Denied) as read:
        await ClusterReader(poor).get(PODS, "a", space)
    with pytest.raises(Denied) as listed:
        _ = [page async for page in ClusterReader(poor).pages(CONFIG_MAPS)]
    with pytest.raises(Denied) as written:
        await ClusterWriter(poor).create(CONFIG_MAPS, config_map(space))

    assert str(read.value) == (
        f"may not get pods in namespace {space}; add to a Role in namespace {space} that {account} is bound to: "
        '{apiGroups: [""], resources: [pods], verbs: [get]}'
    )
    assert str(listed.value).endswith(
        f'a ClusterRole that {account} is bound to: {{apiGroups: [""], resources: [configmaps], verbs: [list]}}'
    )
    assert "may not create configmaps" in str(written.value)


async def test_access_is_asked_of_the_server_verb_by_verb_and_name_by_name(
    cluster_backend: Backend, stage: Stage
) -> None:
    space = await cluster_backend.namespace()
    granted = [
        Rule("pods", "get", "list", namespace=space),
        Rule("pods/log", "get", namespace=space),
        Rule("configmaps", "update", namespace=space, names=["a"]),
    ]
    poor = stage.keep(await Api.connect(await cluster_backend.grant(granted)))
    asked = {
        Rule("pods", "get", "list", namespace=space): True,
        Rule("pods", "get", "delete", namespace=space): False,
        Rule("pods", "list"): False,
        Rule("pods/log", "get", namespace=space): True,
        Rule("pods/exec", "get", namespace=space): False,
        Rule("configmaps", "update", namespace=space, names=["a"]): True,
        Rule("configmaps", "update", namespace=space, names=["a", "b"]): False,
        Rule("deployments.apps", "get", namespace=space): False,
    }

    assert {rule: await allowed(poor, rule) for rule in asked} == asked


async def test_logs_that_cannot_be_had_say_why(cluster_backend: Backend, api: Api) -> None:
    space = await cluster_backend.namespace()
    container = {"name": "main", "image": "example.org/app:1"}
    pod = {"metadata": {"name": "waiting", "namespace": space}, "spec": {"containers": [container]}}
    await cluster_backend.apply({"apiVersion": "v1", "kind": "Pod"} | pod)

    with pytest.raises(Missing, match=f"^pod {space}/nobody or its node is gone$"):
        await tail(api, space, "nobody", "main")
    with pytest.raises(Missing, match=r"^container other: it has not started, or the pod has none of that name$"):
        await tail(api, space, "waiting", "other")


async def test_a_path_that_is_not_that_of_one_object_is_never_sent(stage: Stage) -> None:
    server = await stage.serve(reply({}))
    writer = ClusterWriter(await stage.connect(server))

    for name, namespace in (("", "a"), ("..", "a"), (".", "a"), ("a/b", "a"), ("a%2fb", "a"), ("b", ""), ("b", "..")):
        target = ObjectRef(resource="pods", namespace=namespace, name=name, uid="u")
        with pytest.raises(Refused, match="is not a name that the API allows; nothing was sent"):
            await writer.delete(PODS, target, "1")
    with pytest.raises(Refused):
        await writer.create(PODS, {"metadata": {"name": "a"}})

    assert server.seen == []


async def test_a_delete_says_which_object_is_meant_and_as_it_was_when(stage: Stage) -> None:
    server = await stage.serve(reply({"kind": "Status", "status": "Success"}))
    writer = ClusterWriter(await stage.connect(server))

    await writer.delete(PODS, ObjectRef(resource="pods", namespace="a", name="b", uid="u"), "7")

    assert (server.seen[0].method, server.seen[0].target) == ("DELETE", "/api/v1/namespaces/a/pods/b")
    assert json.loads(server.seen[0].body) == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "preconditions": {"uid": "u", "resourceVersion": "7"},
    }


async def test_without_preconditions_nothing_is_deleted_or_replaced(stage: Stage) -> None:
    server = await stage.serve(reply({}))
    writer = ClusterWriter(await stage.connect(server))
    target = ObjectRef(resource="pods", namespace="a", name="b", uid="u")

    with pytest.raises(Refused, match="without uid and resourceVersion it may be another object by now; not deleted"):
        await writer.delete(PODS, target, "")
    with pytest.raises(Refused):
        await writer.delete(PODS, target.model_copy(update={"uid": ""}), "1")
    with pytest.raises(Refused, match="without a resourceVersion a change of someone else could be lost"):
        await writer.replace(PODS, {"metadata": {"name": "b", "namespace": "a"}})

    assert server.seen == []


async def test_a_delete_whose_reply_was_lost_is_sent_again_and_found_gone(stage: Stage, sandbox: Sandbox) -> None:
    writer = ClusterWriter(stage.keep(await Api.connect(sandbox.kubeconfig(stage.folder / "config"))))
    made = await writer.create(CONFIG_MAPS, config_map("default"))
    sandbox.faults.append(Fault("delete", reset="after"))

    assert await writer.delete(CONFIG_MAPS, ref(made), version(made)) == "gone"
    assert [request.verb for request in sandbox.requests][-2:] == ["delete", "delete"]


async def test_a_conflict_that_cannot_be_looked_into_stays_a_conflict(stage: Stage) -> None:
    server = await stage.serve(refusal(409, "Conflict"), refusal(403, "Forbidden"))
    writer = ClusterWriter(await stage.connect(server))

    with pytest.raises(Conflict):
        await writer.delete(PODS, ObjectRef(resource="pods", namespace="a", name="b", uid="u"), "1")


async def test_another_object_than_was_asked_for_is_unreadable(stage: Stage) -> None:
    reader = ClusterReader(
        await stage.connect(await stage.serve(reply({"kind": "Pod", "metadata": {"name": "other"}})))
    )

    with pytest.raises(Unreadable, match=r"^GET /api/v1/namespaces/a/pods/mine: the reply is not that Pod$"):
        await reader.get(PODS, "mine", "a")


async def test_an_answer_about_access_that_says_nothing_is_unreadable(stage: Stage) -> None:
    api = await stage.connect(
        await stage.serve(reply({"kind": "SelfSubjectAccessReview", "status": {"allowed": "yes"}}))
    )

    with pytest.raises(Unreadable, match="does not say whether it is allowed"):
        await allowed(api, Rule("pods", "list"))


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ('pods is forbidden: User "x" cannot list resource "pods" in API group ""', "may not list namespaces"),
        ("exceeded quota: canary", "not a missing right; a quota, an admission policy or Pod Security"),
    ],
)
async def test_a_403_of_a_quota_does_not_ask_for_a_right(stage: Stage, message: str, said: str) -> None:
    reader = ClusterReader(await stage.connect(await stage.serve(refusal(403, "Forbidden", message))))

    with pytest.raises(Denied, match=said):
        _ = [page async for page in reader.pages(NAMESPACES)]


async def test_of_a_long_log_the_end_is_kept_cut_at_a_line(stage: Stage) -> None:
    lines = "".join(f"line {i:04} é\n" for i in range(1000))
    server = await stage.serve(reply(lines.encode(), content="text/plain"))
    api = await stage.connect(server)

    kept = await tail(api, "a", "b", "c", previous=True, lines=1000, limit_bytes=38)

    assert kept == "line 0998 é\nline 0999 é\n"
    assert server.seen[0].target == (
        "/api/v1/namespaces/a/pods/b/log?container=c&tailLines=1000&limitBytes=1048576&timestamps=true&previous=true"
    )


async def test_a_log_of_an_instance_that_is_not_kept_says_so(stage: Stage) -> None:
    api = await stage.connect(await stage.serve(refusal(400, "BadRequest")))

    with pytest.raises(Missing, match=r"^container c: no previous instance of it is kept$"):
        await tail(api, "a", "b", "c", previous=True)


async def test_a_node_that_does_not_answer_is_asked_once(stage: Stage) -> None:
    server = await stage.serve(refusal(500, "InternalError", "dial tcp 10.0.0.1:10250: canary"))
    api = await stage.connect(server)

    with pytest.raises(Exception, match=r"^the node did not hand it out: GET .*: 500 InternalError$"):
        await tail(api, "a", "b", "c")

    assert len(server.seen) == 1
