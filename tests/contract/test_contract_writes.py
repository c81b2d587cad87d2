"""Create, update, merge-patch. Run against the sandbox and, in `make test-cluster`, a real control plane."""

import json
from datetime import UTC, datetime, timedelta

import pytest

MERGE_PATCH = "application/merge-patch+json"
APP = {
    "selector": {"matchLabels": {"app": "a"}},
    "replicas": 0,
    "template": {
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]},
    },
}


@pytest.fixture
async def space(cluster_backend):
    return await cluster_backend.namespace()


@pytest.fixture
def shelf(space):
    return f"/api/v1/namespaces/{space}/configmaps"


@pytest.fixture
async def made(cluster_backend, shelf):
    """A ConfigMap as the server answered when it was created."""
    answer = await cluster_backend.request("POST", shelf, {"metadata": {"name": "a"}, "data": {"k": "1"}})
    assert answer.status == 201, answer.text
    return answer.json


def without_managed_fields(obj):
    return obj | {"metadata": {key: obj["metadata"][key] for key in obj["metadata"] if key != "managedFields"}}


async def test_a_new_object_has_a_uid_a_version_and_a_birthday(cluster_backend, shelf, space):
    sent = {"metadata": {"name": "a", "labels": {"app": "x"}}, "data": {"k": "v"}}

    answer = await cluster_backend.request("POST", shelf, sent)

    metadata = answer.json["metadata"]
    born = datetime.fromisoformat(metadata["creationTimestamp"])
    given = {key: metadata[key] for key in ("uid", "resourceVersion", "creationTimestamp")}
    assert (answer.status, without_managed_fields(answer.json)) == (
        201,
        {"kind": "ConfigMap", "apiVersion": "v1"}
        | {"metadata": {"name": "a", "namespace": space, "labels": {"app": "x"}} | given, "data": {"k": "v"}},
    )
    assert len(metadata["uid"]) == 36
    assert abs(datetime.now(UTC) - born) < timedelta(minutes=1)
    assert (await cluster_backend.request("GET", f"{shelf}/a")).json == answer.json


async def test_what_is_the_servers_own_cannot_be_chosen(cluster_backend, shelf):
    chosen = {"uid": "mine", "creationTimestamp": "2020-01-01T00:00:00Z", "deletionTimestamp": "2020-01-01T00:00:00Z"}

    answer = await cluster_backend.request("POST", shelf, {"metadata": {"name": "a"} | chosen})

    metadata = answer.json["metadata"]
    assert (answer.status, "deletionTimestamp" in metadata) == (201, False)
    assert metadata["uid"] != "mine"
    assert not metadata["creationTimestamp"].startswith("2020")


async def test_a_generated_name_gets_five_letters_more(cluster_backend, shelf):
    answers = [await cluster_backend.request("POST", shelf, {"metadata": {"generateName": "a-"}}) for _ in range(3)]

    names = {answer.json["metadata"]["name"] for answer in answers}
    assert ([answer.status for answer in answers], len(names)) == ([201] * 3, 3)
    assert all(name.startswith("a-") and len(name) == 7 for name in names)


@pytest.mark.parametrize(
    ("obj", "status", "reason"),
    [
        ({"metadata": {"name": "a"}}, 409, "AlreadyExists"),
        ({"metadata": {}}, 422, "Invalid"),
        ({}, 422, "Invalid"),
        ({"metadata": {"name": "Upper_case"}}, 422, "Invalid"),
        ({"metadata": {"name": "x" * 254}}, 422, "Invalid"),
        ({"metadata": {"name": "b", "namespace": "other"}}, 400, "BadRequest"),
        ({"metadata": {"name": "b"}, "kind": "Secret", "apiVersion": "v1"}, 400, "BadRequest"),
        ({"metadata": {"name": "b"}, "kind": "ConfigMap", "apiVersion": "apps/v1"}, 400, "BadRequest"),
        ({"metadata": {"name": "b", "resourceVersion": "5"}}, 500, ""),
        (b"{nope", 400, "BadRequest"),
        (b"[]", 400, "BadRequest"),
        (b"", 400, "BadRequest"),
    ],
)
async def test_a_create_that_cannot_be_is_refused(cluster_backend, shelf, made, obj, status, reason):
    answer = await cluster_backend.request("POST", shelf, obj)

    assert (answer.status, answer.reason, answer.json["kind"]) == (status, reason, "Status")


async def test_refusals_name_what_they_are_about(cluster_backend, shelf, made):
    taken = await cluster_backend.request("POST", shelf, {"metadata": {"name": "a"}})
    absent = await cluster_backend.request("GET", f"{shelf}/b")
    nameless = await cluster_backend.request("POST", shelf, {"metadata": {}})

    head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    about = {"name": "a", "kind": "configmaps"}
    said = "Required value: name or generateName is required"
    cause = {"reason": "FieldValueRequired", "message": said, "field": "metadata.name"}
    assert [taken.json, absent.json, nameless.json] == [
        head | {"code": 409, "reason": "AlreadyExists", "details": about, "message": 'configmaps "a" already exists'},
        head
        | {"code": 404, "reason": "NotFound", "details": about | {"name": "b"}, "message": 'configmaps "b" not found'},
        head
        | {"code": 422, "reason": "Invalid", "message": f'ConfigMap "" is invalid: metadata.name: {said}'}
        | {"details": {"kind": "ConfigMap", "causes": [cause]}},
    ]


async def test_a_config_map_holds_a_mebibyte_and_no_more(cluster_backend, shelf):
    full = await cluster_backend.request("POST", shelf, {"metadata": {"name": "full"}, "data": {"k": "x" * 1048576}})
    over = await cluster_backend.request("POST", shelf, {"metadata": {"name": "over"}, "data": {"k": "x" * 1048577}})
    grown = {"data": {"n": "y"}}
    more = await cluster_backend.request("PATCH", f"{shelf}/full", grown, content=MERGE_PATCH)

    assert [(one.status, one.json["kind"]) for one in (full, over, more)] == [
        (201, "ConfigMap"),
        (422, "Status"),
        (422, "Status"),
    ]
    assert over.json["details"]["causes"][0]["reason"] == "FieldValueTooLong"


async def test_a_body_of_another_media_type_is_a_415(cluster_backend, shelf):
    answer = await cluster_backend.request("POST", shelf, {"metadata": {"name": "b"}}, content="text/plain")

    assert (answer.status, answer.reason) == (415, "UnsupportedMediaType")


async def test_nothing_is_created_in_a_namespace_that_is_not_there(cluster_backend):
    answer = await cluster_backend.request("POST", "/api/v1/namespaces/nowhere/configmaps", {"metadata": {"name": "a"}})

    assert (answer.status, answer.reason) == (404, "NotFound")
    assert answer.json["details"] == {"name": "nowhere", "kind": "namespaces"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/configmaps"),
        ("POST", "{shelf}/a"),
        ("PUT", "{shelf}"),
        ("PATCH", "{shelf}"),
        ("POST", "/version"),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ],
)
async def test_a_method_in_the_wrong_place_is_a_405(cluster_backend, shelf, method, path):
    content = MERGE_PATCH if method == "PATCH" else "application/json"
    body = None if method == "GET" else {"metadata": {"name": "a"}}
    answer = await cluster_backend.request(method, path.format(shelf=shelf), body, content=content)

    assert (answer.status, answer.reason) == (405, "MethodNotAllowed")


class TestUpdate:
    """PUT."""

    async def test_with_the_version_that_was_read_it_replaces(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("PUT", f"{shelf}/a", made | {"data": {"n": "2"}})

        assert (answer.status, answer.json["data"]) == (200, {"n": "2"})
        assert answer.json["metadata"]["uid"] == made["metadata"]["uid"]
        assert int(answer.json["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])

    async def test_with_an_old_version_it_is_a_409_and_changes_nothing(self, cluster_backend, shelf, made):
        first = await cluster_backend.request("PUT", f"{shelf}/a", made | {"data": {"winner": "yes"}})
        second = await cluster_backend.request("PUT", f"{shelf}/a", made | {"data": {"winner": "no"}})

        said = (
            'Operation cannot be fulfilled on configmaps "a": the object has been modified; '
            "please apply your changes to the latest version and try again"
        )
        about = {"name": "a", "kind": "configmaps"}
        assert (first.status, second.status, second.reason) == (200, 409, "Conflict")
        assert (second.json["message"], second.json["details"]) == (said, about)
        assert (await cluster_backend.request("GET", f"{shelf}/a")).json["data"] == {"winner": "yes"}

    async def test_without_a_version_it_replaces_whatever_is_there(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("PUT", f"{shelf}/a", {"metadata": {"name": "a"}, "data": {"n": "2"}})

        assert (answer.status, answer.json["data"]) == (200, {"n": "2"})

    async def test_of_what_is_the_same_it_writes_nothing(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("PUT", f"{shelf}/a", made)

        assert (answer.status, answer.json) == (200, made)

    @pytest.mark.parametrize(
        ("metadata", "status", "reason"),
        [
            ({"name": "other"}, 400, "BadRequest"),
            ({}, 400, "BadRequest"),
            ({"name": "a", "namespace": "other"}, 400, "BadRequest"),
            ({"name": "a", "uid": "11111111-2222-3333-4444-555555555555"}, 409, "Conflict"),
            ({"name": "a", "resourceVersion": "1"}, 409, "Conflict"),
        ],
    )
    async def test_of_something_else_it_is_refused(self, cluster_backend, shelf, made, metadata, status, reason):
        answer = await cluster_backend.request("PUT", f"{shelf}/a", {"metadata": metadata, "data": {"n": "2"}})

        assert (answer.status, answer.reason) == (status, reason)
        assert (await cluster_backend.request("GET", f"{shelf}/a")).json == made

    async def test_of_nothing_it_is_a_404(self, cluster_backend, shelf):
        answer = await cluster_backend.request("PUT", f"{shelf}/b", {"metadata": {"name": "b"}})

        assert (answer.status, answer.reason) == (404, "NotFound")

    async def test_of_a_lease_that_is_not_there_it_creates_one(self, cluster_backend, space):
        path = f"/apis/coordination.k8s.io/v1/namespaces/{space}/leases/l"

        answer = await cluster_backend.request(
            "PUT", path, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}
        )

        assert (answer.status, answer.json["spec"]) == (201, {"holderIdentity": "me"})


class TestLease:
    """A Lease is stricter than most: two candidates must not both believe they hold it."""

    async def test_an_update_must_carry_the_version_that_was_read(self, cluster_backend, space):
        path = f"/apis/coordination.k8s.io/v1/namespaces/{space}/leases"
        made = await cluster_backend.request(
            "POST", path, {"metadata": {"name": "l"}, "spec": {"holderIdentity": "me"}}
        )
        mine = {"metadata": {"name": "l"}, "spec": {"holderIdentity": "you"}}

        without = await cluster_backend.request("PUT", f"{path}/l", mine)
        with_it = await cluster_backend.request("PUT", f"{path}/l", made.json | {"spec": mine["spec"]})
        late = await cluster_backend.request("PUT", f"{path}/l", made.json | {"spec": {"holderIdentity": "late"}})

        assert [(one.status, one.reason) for one in (without, late)] == [(422, "Invalid"), (409, "Conflict")]
        assert (with_it.status, with_it.json["spec"]) == (200, {"holderIdentity": "you"})


class TestMergePatch:
    """PATCH with application/merge-patch+json."""

    async def test_it_adds_changes_and_removes(self, cluster_backend, shelf, made):
        patch = {"data": {"k": None, "n": "2"}, "metadata": {"labels": {"app": "x"}}}

        answer = await cluster_backend.request("PATCH", f"{shelf}/a", patch, content=MERGE_PATCH)

        assert (answer.status, answer.json["data"], answer.json["metadata"]["labels"]) == (
            200,
            {"n": "2"},
            {"app": "x"},
        )

    async def test_that_changes_nothing_writes_nothing(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("PATCH", f"{shelf}/a", {"data": {"k": "1"}}, content=MERGE_PATCH)

        assert (answer.status, answer.json) == (200, made)

    async def test_an_old_version_in_it_is_a_409(self, cluster_backend, shelf, made):
        patch = {"metadata": {"resourceVersion": "1"}, "data": {"n": "2"}}

        answer = await cluster_backend.request("PATCH", f"{shelf}/a", patch, content=MERGE_PATCH)

        assert (answer.status, answer.reason) == (409, "Conflict")
        assert (await cluster_backend.request("GET", f"{shelf}/a")).json == made

    async def test_the_version_that_was_read_is_fine(self, cluster_backend, shelf, made):
        same = {key: made["metadata"][key] for key in ("resourceVersion", "uid")}

        answer = await cluster_backend.request(
            "PATCH", f"{shelf}/a", {"metadata": same, "data": {"n": "2"}}, content=MERGE_PATCH
        )

        assert (answer.status, answer.json["data"]) == (200, {"k": "1", "n": "2"})

    async def test_another_uid_in_it_is_a_422(self, cluster_backend, shelf, made):
        """Not the 409 of an update or a delete: a uid is a field that cannot be changed."""
        patch = {"metadata": {"uid": "11111111-2222-3333-4444-555555555555"}, "data": {"n": "2"}}

        answer = await cluster_backend.request("PATCH", f"{shelf}/a", patch, content=MERGE_PATCH)

        assert (answer.status, answer.reason) == (422, "Invalid")
        assert answer.json["details"]["causes"][0]["field"] == "metadata.uid"

    @pytest.mark.parametrize(
        ("patch", "status", "reason"),
        [
            ({"metadata": {"name": "b"}}, 400, "BadRequest"),
            ({"metadata": {"namespace": "other"}}, 400, "BadRequest"),
            (b"{nope", 400, "BadRequest"),
            (b"[]", 400, "BadRequest"),
        ],
    )
    async def test_that_cannot_be_is_refused(self, cluster_backend, shelf, made, patch, status, reason):
        answer = await cluster_backend.request("PATCH", f"{shelf}/a", patch, content=MERGE_PATCH)

        assert (answer.status, answer.reason) == (status, reason)

    async def test_of_nothing_is_a_404(self, cluster_backend, shelf):
        answer = await cluster_backend.request("PATCH", f"{shelf}/b", {"data": {"n": "2"}}, content=MERGE_PATCH)

        assert (answer.status, answer.reason) == (404, "NotFound")

    async def test_with_another_content_type_is_a_415(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("PATCH", f"{shelf}/a", {"data": {"n": "2"}})

        assert (answer.status, answer.reason) == (415, "UnsupportedMediaType")


class TestDryRun:
    """`dryRun=All`: the answer of the deed, and no deed."""

    async def test_of_a_create_answers_201_and_stores_nothing(self, cluster_backend, shelf):
        answer = await cluster_backend.request("POST", f"{shelf}?dryRun=All", {"metadata": {"name": "a"}})

        assert (answer.status, len(answer.json["metadata"]["uid"])) == (201, 36)
        assert (await cluster_backend.request("GET", f"{shelf}/a")).status == 404

    async def test_of_an_update_answers_the_change_and_keeps_what_was(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("PUT", f"{shelf}/a?dryRun=All", made | {"data": {"n": "2"}})

        assert (answer.status, answer.json["data"]) == (200, {"n": "2"})
        assert (await cluster_backend.request("GET", f"{shelf}/a")).json == made

    async def test_of_a_patch_answers_the_change_and_keeps_what_was(self, cluster_backend, shelf, made):
        path = f"{shelf}/a?dryRun=All"
        answer = await cluster_backend.request("PATCH", path, {"data": {"n": "2"}}, content=MERGE_PATCH)

        assert (answer.status, answer.json["data"]) == (200, {"k": "1", "n": "2"})
        assert (await cluster_backend.request("GET", f"{shelf}/a")).json == made

    async def test_of_a_create_that_cannot_be_is_refused_all_the_same(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("POST", f"{shelf}?dryRun=All", {"metadata": {"name": "a"}})

        assert (answer.status, answer.reason) == (409, "AlreadyExists")

    @pytest.mark.parametrize(
        ("method", "path", "content"),
        [("POST", "", "application/json"), ("PUT", "/a", "application/json"), ("PATCH", "/a", MERGE_PATCH)],
    )
    async def test_any_other_value_is_a_422(self, cluster_backend, shelf, made, method, path, content):
        body = json.dumps({"metadata": {"name": "a"}}).encode()
        answer = await cluster_backend.request(method, f"{shelf}{path}?dryRun=Some", body, content=content)

        assert (answer.status, answer.reason) == (422, "Invalid")
        assert answer.json["details"]["causes"][0]["field"] == "dryRun"


class TestStatusSubresource:
    """`/status` writes the status and nothing else; everything else never writes the status."""

    @pytest.fixture
    async def app(self, cluster_backend, space):
        path = f"/apis/apps/v1/namespaces/{space}/deployments"
        obj = {"metadata": {"name": "a"}, "spec": APP, "status": {"replicas": 7}}
        answer = await cluster_backend.request("POST", path, obj)
        assert answer.status == 201, answer.text
        return f"{path}/a", answer.json

    async def test_a_create_forgets_the_status_it_was_given(self, app):
        assert app[1]["status"].get("replicas", 0) == 0

    async def test_a_patch_of_the_object_leaves_the_status(self, cluster_backend, app):
        patch = {"status": {"replicas": 7}, "metadata": {"labels": {"seen": "yes"}}}

        answer = await cluster_backend.request("PATCH", app[0], patch, content=MERGE_PATCH)

        assert (answer.status, answer.json["metadata"]["labels"]) == (200, {"seen": "yes"})
        assert answer.json["status"].get("replicas", 0) == 0

    async def test_a_patch_of_the_status_leaves_the_spec(self, cluster_backend, app):
        patch = {"status": {"collisionCount": 7}, "spec": {"replicas": 99}}

        answer = await cluster_backend.request("PATCH", f"{app[0]}/status", patch, content=MERGE_PATCH)

        assert (answer.status, answer.json["spec"]["replicas"]) == (200, 0)
        assert answer.json["status"]["collisionCount"] == 7
        assert (await cluster_backend.request("GET", f"{app[0]}/status")).json["spec"]["replicas"] == 0

    async def test_generation_counts_changes_of_the_spec_only(self, cluster_backend, app):
        async def generation(path, patch):
            answer = await cluster_backend.request("PATCH", path, patch, content=MERGE_PATCH)
            return answer.json["metadata"]["generation"]

        found = [
            app[1]["metadata"]["generation"],
            await generation(app[0], {"metadata": {"labels": {"seen": "yes"}}}),
            await generation(f"{app[0]}/status", {"status": {"collisionCount": 7}}),
            await generation(app[0], {"spec": {"revisionHistoryLimit": 3}}),
        ]
        assert found == [1, 1, 1, 2]

    async def test_where_there_is_no_such_subresource_it_is_a_404(self, cluster_backend, shelf, made):
        answer = await cluster_backend.request("GET", f"{shelf}/a/status")

        assert (answer.status, answer.reason) == (404, "NotFound")
