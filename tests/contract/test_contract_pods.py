"""Pods, their logs, and Events. Run against the sandbox and, in `make test-cluster`, a real control plane."""

import pytest

MERGE_PATCH = "application/merge-patch+json"
ONE = [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]
TWO = [*ONE, {"name": "side", "image": "registry.k8s.io/pause:3.10"}]


@pytest.fixture
async def space(cluster_backend):
    return await cluster_backend.namespace()


@pytest.fixture
async def pod(cluster_backend, space):
    """Makes a pod that no node runs; returns its path."""

    async def make(containers=ONE, **status):
        metadata = {"name": "p", "namespace": space}
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers}}
        await cluster_backend.apply(obj | ({"status": status} if status else {}))
        return f"/api/v1/namespaces/{space}/pods/p"

    return make


async def test_a_new_pod_is_pending_and_has_the_defaults_that_are_read_back(cluster_backend, pod):
    answer = await cluster_backend.request("GET", await pod(phase="Pending"))

    spec, status = answer.json["spec"], answer.json["status"]
    wanted = ("restartPolicy", "terminationGracePeriodSeconds", "serviceAccountName", "schedulerName", "dnsPolicy")
    assert [spec[key] for key in wanted] == ["Always", 30, "default", "none", "ClusterFirst"]
    assert (status["phase"], status["qosClass"], answer.json["metadata"]["generation"]) == ("Pending", "BestEffort", 1)


async def test_a_status_is_kept_as_it_is_written(cluster_backend, pod):
    ended = {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-02T03:04:05Z"}
    container = {
        "name": "main",
        "state": {"terminated": ended},
        "restartCount": 3,
        "ready": False,
        "image": "",
        "imageID": "",
    }
    path = await pod(phase="Failed", reason="Evicted", message="low on memory", containerStatuses=[container])

    status = (await cluster_backend.request("GET", path)).json["status"]

    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "Evicted", "low on memory")
    found = status["containerStatuses"][0]
    assert (found["restartCount"], found["state"]["terminated"]["finishedAt"]) == (3, "2026-01-02T03:04:05Z")


class TestLogs:
    """What the API server itself decides about a log; what a kubelet answers is tested with the sandbox's."""

    async def test_of_a_pod_without_a_node_is_a_204(self, cluster_backend, pod):
        answer = await cluster_backend.request("GET", f"{await pod()}/log?previous=true&tailLines=5&limitBytes=100")

        assert (answer.status, answer.text) == (204, "")

    async def test_of_no_pod_is_a_404(self, cluster_backend, space):
        answer = await cluster_backend.request("GET", f"/api/v1/namespaces/{space}/pods/none/log")

        assert (answer.status, answer.reason) == (404, "NotFound")

    async def test_of_one_container_among_several_needs_its_name(self, cluster_backend, pod):
        answer = await cluster_backend.request("GET", f"{await pod(TWO)}/log")

        said = "a container name must be specified for pod p, choose one of: [main side]"
        assert (answer.status, answer.reason, answer.json["message"]) == (400, "BadRequest", said)

    async def test_of_a_container_that_is_not_there_is_a_400(self, cluster_backend, pod):
        answer = await cluster_backend.request("GET", f"{await pod(TWO)}/log?container=other")

        said = "container other is not valid for pod p"
        assert (answer.status, answer.reason, answer.json["message"]) == (400, "BadRequest", said)

    @pytest.mark.parametrize(
        ("query", "status", "reason"),
        [
            ("tailLines=-1", 422, "Invalid"),
            ("limitBytes=0", 422, "Invalid"),
            ("tailLines=x", 400, "BadRequest"),
        ],
    )
    async def test_with_numbers_that_cannot_be_is_refused(self, cluster_backend, pod, query, status, reason):
        answer = await cluster_backend.request("GET", f"{await pod()}/log?{query}")

        assert (answer.status, answer.reason) == (status, reason)


class TestEvents:
    """One store, two spellings."""

    @pytest.fixture
    def core(self, space):
        return f"/api/v1/namespaces/{space}/events"

    @pytest.fixture
    def grouped(self, space):
        return f"/apis/events.k8s.io/v1/namespaces/{space}/events"

    @pytest.fixture
    def about(self, space):
        return {"kind": "Pod", "namespace": space, "name": "p", "uid": "u-1"}

    @pytest.fixture
    def modern(self, about, space):
        return {
            "metadata": {"name": "e", "namespace": space},
            "eventTime": "2026-01-02T03:04:05.000006Z",
            "regarding": about,
            "related": {"kind": "Deployment", "namespace": space, "name": "d"},
            "reason": "PodsDeleted",
            "action": "Delete",
            "note": "deleted 3 pods",
            "type": "Normal",
            "reportingController": "maintd.dev/maintd",
            "reportingInstance": "maintd-0",
        }

    async def test_an_event_of_the_old_spelling_is_read_in_the_new(self, cluster_backend, core, grouped, about):
        times = {"firstTimestamp": "2026-01-02T03:04:05Z", "lastTimestamp": "2026-01-02T03:05:06Z"}
        event = {"involvedObject": about, "reason": "BackOff", "message": "waits", "type": "Warning", "count": 3}
        made = await cluster_backend.request(
            "POST", core, {"metadata": {"name": "e"}, "source": {"component": "kubelet"}} | event | times
        )
        assert made.status == 201, made.text

        found = (await cluster_backend.request("GET", f"{grouped}/e")).json

        expected = {
            "kind": "Event",
            "apiVersion": "events.k8s.io/v1",
            "regarding": about,
            "reason": "BackOff",
            "note": "waits",
            "type": "Warning",
            "eventTime": None,
            "deprecatedCount": 3,
            "deprecatedSource": {"component": "kubelet"},
            "deprecatedFirstTimestamp": times["firstTimestamp"],
            "deprecatedLastTimestamp": times["lastTimestamp"],
        }
        assert {key: found.get(key) for key in expected} == expected
        assert found["metadata"]["uid"] == made.json["metadata"]["uid"]

    async def test_an_event_of_the_new_spelling_is_read_in_the_old(self, cluster_backend, core, grouped, modern, about):
        made = await cluster_backend.request("POST", grouped, modern)
        assert made.status == 201, made.text

        found = (await cluster_backend.request("GET", f"{core}/e")).json

        expected = {
            "kind": "Event",
            "apiVersion": "v1",
            "involvedObject": about,
            "related": modern["related"],
            "reason": "PodsDeleted",
            "action": "Delete",
            "message": "deleted 3 pods",
            "type": "Normal",
            "eventTime": modern["eventTime"],
            "reportingComponent": "maintd.dev/maintd",
            "reportingInstance": "maintd-0",
            "firstTimestamp": None,
            "source": {},
        }
        assert {key: found.get(key) for key in expected} == expected

    @pytest.mark.parametrize(
        "field", ["eventTime", "reportingController", "reportingInstance", "action", "reason", "type"]
    )
    async def test_the_new_spelling_requires_its_fields(self, cluster_backend, grouped, modern, field):
        answer = await cluster_backend.request("POST", grouped, {key: modern[key] for key in modern if key != field})

        assert (answer.status, answer.reason) == (422, "Invalid")
        assert answer.json["details"]["causes"][0]["field"] == field

    async def test_an_event_about_another_namespace_is_a_422(self, cluster_backend, core, about):
        event = {"metadata": {"name": "e"}, "involvedObject": about | {"namespace": "other"}, "reason": "x"}

        answer = await cluster_backend.request("POST", core, event)

        assert (answer.status, answer.reason) == (422, "Invalid")

    @pytest.mark.parametrize(
        ("selector", "count"),
        [
            ("involvedObject.uid=u-1", 1),
            ("involvedObject.name=p,involvedObject.kind=Pod,type=Normal", 1),
            ("reason=PodsDeleted,reportingComponent=maintd.dev/maintd", 1),
            ("source=maintd.dev/maintd", 1),
            ("involvedObject.uid=u-2", 0),
            ("type=Warning", 0),
        ],
    )
    async def test_they_are_found_by_what_they_are_about(self, cluster_backend, core, grouped, modern, selector, count):
        await cluster_backend.request("POST", grouped, modern)

        answer = await cluster_backend.request("GET", f"{core}?fieldSelector={selector}")

        assert (answer.status, len(answer.json["items"])) == (200, count)

    async def test_the_new_spelling_finds_them_by_its_own_names(self, cluster_backend, grouped, modern):
        await cluster_backend.request("POST", grouped, modern)

        answer = await cluster_backend.request(
            "GET", f"{grouped}?fieldSelector=regarding.uid=u-1,reportingController=maintd.dev/maintd"
        )

        assert [item["regarding"]["uid"] for item in answer.json["items"]] == ["u-1"]
