"""DELETE. Run against the sandbox and, in `make test-cluster`, a real control plane."""

import pytest

MERGE_PATCH = "application/merge-patch+json"
OTHER = "11111111-2222-3333-4444-555555555555"
POD = {"schedulerName": "none", "containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]}


@pytest.fixture
async def space(cluster_backend):
    return await cluster_backend.namespace()


@pytest.fixture
async def made(cluster_backend, space):
    """The path and the object of a new ConfigMap."""
    path = f"/api/v1/namespaces/{space}/configmaps"
    answer = await cluster_backend.request("POST", path, {"metadata": {"name": "a"}})
    assert answer.status == 201, answer.text
    return f"{path}/a", answer.json


@pytest.fixture
async def held(cluster_backend, space):
    """The path of a new ConfigMap with a finalizer; it is released at the end."""
    path = f"/api/v1/namespaces/{space}/configmaps"
    metadata = {"name": "held", "finalizers": ["example.com/hold"]}
    assert (await cluster_backend.request("POST", path, {"metadata": metadata})).status == 201
    yield f"{path}/held"
    release = {"metadata": {"finalizers": None}}
    await cluster_backend.request("PATCH", f"{path}/held", release, content=MERGE_PATCH)


async def test_it_answers_a_status_that_names_the_object(cluster_backend, made):
    path, obj = made

    answer = await cluster_backend.request("DELETE", path)

    assert (answer.status, answer.json) == (
        200,
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        | {"details": {"name": "a", "kind": "configmaps", "uid": obj["metadata"]["uid"]}},
    )
    assert (await cluster_backend.request("GET", path)).status == 404


async def test_of_nothing_is_a_404(cluster_backend, made):
    await cluster_backend.request("DELETE", made[0])

    answer = await cluster_backend.request("DELETE", made[0])

    assert (answer.status, answer.reason) == (404, "NotFound")


async def test_with_the_uid_and_version_that_were_read_it_deletes(cluster_backend, made):
    path, obj = made
    preconditions = {key: obj["metadata"][key] for key in ("uid", "resourceVersion")}

    answer = await cluster_backend.request("DELETE", path, {"preconditions": preconditions})

    assert (answer.status, (await cluster_backend.request("GET", path)).status) == (200, 404)


@pytest.mark.parametrize(
    ("precondition", "said"),
    [
        ({"uid": OTHER}, f"the UID in the precondition ({OTHER}) does not match the UID in record ("),
        ({"resourceVersion": "1"}, "the ResourceVersion in the precondition (1) does not match the ResourceVersion in"),
    ],
)
async def test_with_another_uid_or_version_it_is_a_409_and_the_object_stays(cluster_backend, made, precondition, said):
    answer = await cluster_backend.request("DELETE", made[0], {"preconditions": precondition})

    assert (answer.status, answer.reason) == (409, "Conflict")
    assert answer.json["details"] == {"name": "a", "kind": "ConfigMap"}
    assert answer.json["message"].startswith(f'Operation cannot be fulfilled on ConfigMap "a": {said}')
    assert (await cluster_backend.request("GET", made[0])).json == made[1]


async def test_a_failed_precondition_names_the_kind_with_its_group(cluster_backend, space):
    path = f"/apis/networking.k8s.io/v1/namespaces/{space}/networkpolicies"
    policy = {"metadata": {"name": "a"}, "spec": {"podSelector": {}}}
    uid = (await cluster_backend.request("POST", path, policy)).json["metadata"]["uid"]

    answer = await cluster_backend.request("DELETE", f"{path}/a", {"preconditions": {"uid": OTHER}})

    said = (
        f'Operation cannot be fulfilled on NetworkPolicy.networking.k8s.io "a": the UID in the precondition ({OTHER}) '
        f"does not match the UID in record ({uid}). The object might have been deleted and then recreated"
    )
    assert answer.json == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": said,
        "reason": "Conflict",
        "details": {"name": "a", "group": "networking.k8s.io", "kind": "NetworkPolicy"},
        "code": 409,
    }


@pytest.mark.parametrize(("query", "body"), [("?dryRun=All", None), ("", {"dryRun": ["All"]})])
async def test_a_dry_run_answers_and_keeps_the_object(cluster_backend, made, query, body):
    answer = await cluster_backend.request("DELETE", made[0] + query, body)

    assert (answer.status, answer.json["status"]) == (200, "Success")
    assert (await cluster_backend.request("GET", made[0])).json == made[1]


async def test_a_dry_run_checks_the_preconditions(cluster_backend, made):
    answer = await cluster_backend.request("DELETE", f"{made[0]}?dryRun=All", {"preconditions": {"uid": OTHER}})

    assert (answer.status, answer.reason) == (409, "Conflict")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"dryRun": ["Some"]}, 422, "Invalid"),
        ({"propagationPolicy": "Silly"}, 422, "Invalid"),
        (b"{nope", 400, "BadRequest"),
    ],
)
async def test_options_that_cannot_be_are_refused(cluster_backend, made, body, status, reason):
    answer = await cluster_backend.request("DELETE", made[0], body)

    assert (answer.status, answer.reason) == (status, reason)
    assert (await cluster_backend.request("GET", made[0])).status == 200


class TestFinalizers:
    """What holds an object keeps it, marked, until it lets go."""

    async def test_a_held_object_is_marked_and_stays(self, cluster_backend, held):
        answer = await cluster_backend.request("DELETE", held)

        metadata = answer.json["metadata"]
        assert (answer.status, answer.json["kind"], metadata["deletionGracePeriodSeconds"]) == (200, "ConfigMap", 0)
        assert metadata["deletionTimestamp"]
        assert (await cluster_backend.request("GET", held)).json == answer.json

    async def test_a_second_delete_changes_nothing(self, cluster_backend, held):
        first = await cluster_backend.request("DELETE", held)

        second = await cluster_backend.request("DELETE", held)

        assert (second.status, second.json) == (200, first.json)

    async def test_no_finalizer_can_be_added_to_what_is_being_deleted(self, cluster_backend, held):
        await cluster_backend.request("DELETE", held)
        more = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}

        answer = await cluster_backend.request("PATCH", held, more, content=MERGE_PATCH)

        assert (answer.status, answer.reason) == (422, "Invalid")
        assert answer.json["details"]["causes"][0]["field"] == "metadata.finalizers"

    async def test_it_goes_when_the_last_finalizer_does(self, cluster_backend, held):
        await cluster_backend.request("DELETE", held)

        answer = await cluster_backend.request("PATCH", held, {"metadata": {"finalizers": None}}, content=MERGE_PATCH)

        assert (answer.status, (await cluster_backend.request("GET", held)).status) == (200, 404)

    async def test_without_a_delete_the_last_finalizer_goes_and_the_object_stays(self, cluster_backend, held):
        await cluster_backend.request("PATCH", held, {"metadata": {"finalizers": None}}, content=MERGE_PATCH)

        assert (await cluster_backend.request("GET", held)).status == 200


class TestPods:
    """A pod goes at once where no kubelet has to stop it, and is answered whole."""

    @pytest.mark.parametrize("phase", ["Failed", "Succeeded", "Pending"])
    async def test_that_no_kubelet_runs_goes_at_once(self, cluster_backend, space, phase):
        head = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": space}}
        await cluster_backend.apply(head | {"spec": POD, "status": {"phase": phase}})
        path = f"/api/v1/namespaces/{space}/pods/p"

        answer = await cluster_backend.request("DELETE", path)

        metadata = answer.json["metadata"]
        assert (answer.status, answer.json["kind"], metadata["deletionGracePeriodSeconds"]) == (200, "Pod", 0)
        assert (answer.json["status"]["phase"], "deletionTimestamp" in metadata) == (phase, True)
        assert (await cluster_backend.request("GET", path)).status == 404

    async def test_that_ended_on_a_node_goes_at_once(self, cluster_backend, space):
        metadata = {"name": "p", "namespace": space}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": POD | {"nodeName": "no-such-node"}}
        await cluster_backend.apply(pod | {"status": {"phase": "Failed"}})
        path = f"/api/v1/namespaces/{space}/pods/p"

        answer = await cluster_backend.request("DELETE", path)

        assert (answer.status, answer.json["metadata"]["deletionGracePeriodSeconds"]) == (200, 0)
        assert (await cluster_backend.request("GET", path)).status == 404

    async def test_that_runs_on_a_node_has_its_grace(self, cluster_backend, space):
        pod = {"metadata": {"name": "p"}, "spec": POD | {"nodeName": "no-such-node"}}
        path = f"/api/v1/namespaces/{space}/pods"
        assert (await cluster_backend.request("POST", path, pod)).status == 201

        answer = await cluster_backend.request("DELETE", f"{path}/p")

        metadata = answer.json["metadata"]
        assert (answer.status, metadata["deletionGracePeriodSeconds"], metadata["generation"]) == (200, 30, 2)
        now = await cluster_backend.request("DELETE", f"{path}/p?gracePeriodSeconds=0")
        assert (now.status, now.json["metadata"]["deletionGracePeriodSeconds"]) == (200, 0)
        assert (await cluster_backend.request("GET", f"{path}/p")).status == 404
