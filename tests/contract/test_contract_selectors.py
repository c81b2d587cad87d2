"""Label and field selectors. Run against the sandbox and, in `make test-cluster`, a real control plane."""

from urllib.parse import quote

import pytest

POD = {"containers": [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]}
SCENE = (
    ("failed-web", {"app": "web", "tier": "front"}, {"phase": "Failed", "reason": "Evicted"}),
    ("failed-job", {"app": "job"}, {"phase": "Failed"}),
    ("running-web", {"app": "web"}, {"phase": "Running", "podIP": "10.0.0.9"}),
    ("pending-bare", {}, {}),
)


@pytest.fixture
async def pods(cluster_backend):
    """The path of four pods in a namespace of their own."""
    space = await cluster_backend.namespace()
    for name, labels, status in SCENE:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": space, "labels": labels}}
        await cluster_backend.apply(pod | {"spec": POD, "status": status})
    return f"/api/v1/namespaces/{space}/pods"


async def selected(backend, path, **query):
    asked = "&".join(f"{key}={quote(value)}" for key, value in query.items())
    answer = await backend.request("GET", f"{path}?{asked}")
    assert answer.status == 200, answer.text
    return {item["metadata"]["name"] for item in answer.json["items"]}


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=web", {"failed-web", "running-web"}),
        ("app==web,tier=front", {"failed-web"}),
        ("app = web , tier = front", {"failed-web"}),
        ("app!=web", {"failed-job", "pending-bare"}),
        ("app in (web,job)", {"failed-web", "failed-job", "running-web"}),
        ("app in (web, job),tier", {"failed-web"}),
        ("app notin (web)", {"failed-job", "pending-bare"}),
        ("tier", {"failed-web"}),
        ("!tier", {"failed-job", "running-web", "pending-bare"}),
        ("!app,!tier", {"pending-bare"}),
        ("app=", set()),
        ("app=nothing", set()),
        ("", {"failed-web", "failed-job", "running-web", "pending-bare"}),
    ],
)
async def test_labels_select(cluster_backend, pods, selector, names):
    assert await selected(cluster_backend, pods, labelSelector=selector) == names


@pytest.mark.parametrize("selector", ["app in (web", "app==web,,tier", "app web", "app in web", "=web", "a!b"])
async def test_a_label_selector_that_cannot_be_read_is_a_400(cluster_backend, selector):
    answer = await cluster_backend.request("GET", f"/api/v1/pods?labelSelector={quote(selector)}")

    assert (answer.status, answer.reason) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("status.phase=Failed", {"failed-web", "failed-job"}),
        ("status.phase==Failed,metadata.name!=failed-web", {"failed-job"}),
        ("status.phase!=Failed", {"running-web", "pending-bare"}),
        ("metadata.name=running-web", {"running-web"}),
        ("metadata.namespace=nowhere", set()),
        ("spec.nodeName=", {"failed-web", "failed-job", "running-web", "pending-bare"}),
        ("spec.nodeName!=", set()),
        ("spec.restartPolicy=Always,spec.hostNetwork=false", {one[0] for one in SCENE}),
        ("spec.schedulerName=none", {one[0] for one in SCENE}),
        ("spec.serviceAccountName=default,status.podIP=10.0.0.9", {"running-web"}),
    ],
)
async def test_fields_select(cluster_backend, pods, selector, names):
    assert await selected(cluster_backend, pods, fieldSelector=selector) == names


async def test_both_selectors_must_hold(cluster_backend, pods):
    found = await selected(cluster_backend, pods, labelSelector="app=web", fieldSelector="status.phase=Failed")

    assert found == {"failed-web"}


@pytest.mark.parametrize(
    ("path", "selector"),
    [
        ("/api/v1/pods", "spec.image=x"),
        ("/api/v1/pods", "status.phase"),
        ("/api/v1/nodes", "status.phase=x"),
        ("/api/v1/nodes", "metadata.namespace=x"),
        ("/api/v1/configmaps", "data.x=1"),
        ("/apis/apps/v1/deployments", "status.replicas=1"),
        ("/apis/apps/v1/replicasets", "status.replicas=1"),
        ("/apis/batch/v1/cronjobs", "spec.suspend=true"),
        ("/api/v1/events", "regarding.uid=x"),
        ("/apis/events.k8s.io/v1/events", "involvedObject.uid=x"),
    ],
)
async def test_a_field_that_is_not_selected_on_is_a_400(cluster_backend, path, selector):
    answer = await cluster_backend.request("GET", f"{path}?fieldSelector={quote(selector)}")

    assert (answer.status, answer.reason) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("path", "selector"),
    [
        ("/api/v1/nodes", "spec.unschedulable=true"),
        ("/api/v1/namespaces", "status.phase=Terminating,metadata.name=nowhere"),
        ("/api/v1/secrets", "type=nothing.example.com/x"),
        ("/api/v1/services", "spec.clusterIP=10.9.9.9,spec.type=LoadBalancer"),
        ("/api/v1/replicationcontrollers", "status.replicas=99"),
        ("/apis/batch/v1/jobs", "status.successful=99"),
        ("/api/v1/events", "involvedObject.uid=x,reason=y,type=Normal,source=z,reportingComponent=q"),
        ("/apis/events.k8s.io/v1/events", "regarding.uid=x,reason=y,type=Normal,reportingController=z"),
    ],
)
async def test_other_kinds_select_on_fields_of_their_own(cluster_backend, path, selector):
    assert await selected(cluster_backend, path, fieldSelector=selector) == set()
