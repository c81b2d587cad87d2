"""What a kubelet and the controllers do: container logs, grace, volume protection, emptying a namespace."""

import asyncio

import aiohttp
import pytest

TEXT = "".join(f"line {number}\n" for number in range(1, 11))


@pytest.fixture
async def call(sandbox):
    """Requests as the admin; returns (code, text or JSON)."""
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def ask(method, path, **more):
            async with session.request(method, sandbox.url + path, **more) as reply:
                text = reply.content_type != "application/json"
                return reply.status, await reply.text() if text else await reply.json()

        yield ask


def pod(name="p", **status):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "main"}], "terminationGracePeriodSeconds": 30},
        "status": status or {"phase": "Running"},
    }


async def until_gone(sandbox, kind, name, namespace=""):
    async with asyncio.timeout(5):
        while sandbox.get("v1", kind, name, namespace) is not None:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("", TEXT),
        ("?container=main", TEXT),
        ("?tailLines=2", "line 9\nline 10\n"),
        ("?tailLines=0", ""),
        ("?tailLines=99", TEXT),
        ("?limitBytes=6", "line 1"),
        ("?tailLines=2&limitBytes=8", "line 9\nl"),
        ("?previous=true", "before\n"),
    ],
)
async def test_a_log_is_cut_as_it_is_asked_for(sandbox, call, query, text):
    sandbox.put(pod())
    sandbox.logs["default", "p", "main", False] = TEXT
    sandbox.logs["default", "p", "main", True] = "before\n"

    assert await call("GET", f"/api/v1/namespaces/default/pods/p/log{query}") == (200, text)


@pytest.mark.parametrize(
    ("statuses", "query", "said"),
    [
        ([], "", 'container "main" in pod "p" is not available'),
        (
            [{"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
            "?previous=true",
            'previous terminated container "main" in pod "p" not found',
        ),
        (
            [{"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}],
            "",
            'container "main" in pod "p" is waiting to start: ContainerCreating',
        ),
    ],
)
async def test_without_a_log_the_kubelet_says_why(sandbox, call, statuses, query, said):
    sandbox.put(pod(phase="Failed", containerStatuses=statuses))

    code, status = await call("GET", f"/api/v1/namespaces/default/pods/p/log{query}")

    assert (code, status["reason"], status["message"]) == (400, "BadRequest", said)


async def test_a_running_pod_is_marked_and_goes_when_its_containers_have_stopped(sandbox, call):
    sandbox.put(pod())

    code, obj = await call("DELETE", "/api/v1/namespaces/default/pods/p")

    assert (code, obj["metadata"]["deletionGracePeriodSeconds"]) == (200, 30)
    assert sandbox.get("v1", "Pod", "p", "default") is not None
    await until_gone(sandbox, "Pod", "p", "default")


async def test_a_pod_of_the_same_name_that_came_since_is_not_the_kubelets(sandbox, call):
    sandbox.put(pod())
    await call("DELETE", "/api/v1/namespaces/default/pods/p")
    sandbox.remove("v1", "Pod", "p", "default")
    sandbox.put(pod())

    await asyncio.sleep(0.3)

    assert "deletionTimestamp" not in sandbox.get("v1", "Pod", "p", "default")["metadata"]


async def test_a_claim_is_protected_until_the_controller_lets_go(sandbox, call):
    claim = {"metadata": {"name": "c"}, "spec": {}}
    code, made = await call("POST", "/api/v1/namespaces/default/persistentvolumeclaims", json=claim)

    _, marked = await call("DELETE", "/api/v1/namespaces/default/persistentvolumeclaims/c")

    assert (code, made["metadata"]["finalizers"]) == (201, ["kubernetes.io/pvc-protection"])
    assert "deletionTimestamp" in marked["metadata"]
    await until_gone(sandbox, "PersistentVolumeClaim", "c", "default")


async def test_a_namespace_waits_for_what_a_finalizer_holds(sandbox, call):
    held = {"name": "a", "namespace": "space", "finalizers": ["example.com/hold"]}
    sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": held})
    await call("DELETE", "/api/v1/namespaces/space")
    await until_gone(sandbox, "ServiceAccount", "default", "space")

    waiting = sandbox.get("v1", "Namespace", "space")
    patch = {"data": b'{"metadata":{"finalizers":null}}', "headers": {"Content-Type": "application/merge-patch+json"}}
    await call("PATCH", "/api/v1/namespaces/space/configmaps/a", **patch)

    assert waiting["status"] == {"phase": "Terminating"}
    await until_gone(sandbox, "Namespace", "space")
