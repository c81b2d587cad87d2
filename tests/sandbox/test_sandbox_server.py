"""The sandbox as a tool: setting a scene, users, the audit log, the clock."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
import pytest

from maintd.core.rules import Rule
from maintd.sandbox.api import Version
from maintd.sandbox.audit import Request
from maintd.sandbox.server import Sandbox

NOON = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)


def config_map(name, namespace="default", **more):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}} | more


@pytest.fixture
async def call(sandbox):
    """Requests to the sandbox as a user; returns (code, JSON)."""

    async with aiohttp.ClientSession() as session:

        async def ask(method, path, user="admin", **more):
            headers = {"Authorization": f"Bearer {sandbox.token(user)}", "User-Agent": "test/1"}
            async with session.request(method, sandbox.url + path, headers=headers, **more) as reply:
                return reply.status, await reply.json()

        yield ask


def test_an_object_is_put_as_it_is_given():
    sandbox = Sandbox()
    born = {"uid": "u-1", "creationTimestamp": "2020-01-01T00:00:00Z"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default"} | born}
    content = {"spec": {"containers": []}, "status": {"phase": "Failed"}}

    put = sandbox.put(pod | content)

    version = {"resourceVersion": put["metadata"]["resourceVersion"]}
    assert put == pod | content | {"metadata": pod["metadata"] | version}
    assert sandbox.get("v1", "Pod", "p", "default") == put


def test_an_object_that_is_put_again_keeps_its_uid_and_gets_a_new_version():
    sandbox = Sandbox()
    first = sandbox.put(config_map("a", data={"k": "1"}))

    second = sandbox.put(config_map("a", data={"k": "2"}))

    assert second["data"] == {"k": "2"}
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert int(second["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])


def test_what_is_handed_out_is_a_copy():
    sandbox = Sandbox()
    sandbox.put(config_map("a", data={"k": "1"}))["data"]["k"] = "changed"

    sandbox.get("v1", "ConfigMap", "a", "default")["data"]["k"] = "changed"
    sandbox.select("v1", "ConfigMap", "default")[0]["data"]["k"] = "changed"

    assert sandbox.get("v1", "ConfigMap", "a", "default")["data"] == {"k": "1"}


def test_a_namespace_that_is_needed_is_made():
    sandbox = Sandbox()

    sandbox.put(config_map("a", namespace="new"))

    assert sandbox.get("v1", "Namespace", "new")["status"] == {"phase": "Active"}
    assert [one["metadata"]["name"] for one in sandbox.select("v1", "ConfigMap", "new")] == ["a", "kube-root-ca.crt"]


def test_what_is_removed_is_gone_whatever_holds_it():
    sandbox = Sandbox()
    obj = config_map("a")
    sandbox.put(obj | {"metadata": obj["metadata"] | {"finalizers": ["example.com/hold"]}})

    sandbox.remove("v1", "ConfigMap", "a", "default")

    assert sandbox.get("v1", "ConfigMap", "a", "default") is None


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        ({"apiVersion": "v9", "kind": "Thing", "metadata": {"name": "a"}}, "does not serve v9 Thing"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}, "needs metadata.namespace"),
    ],
)
def test_what_cannot_be_put_is_said(obj, said):
    with pytest.raises(ValueError, match=said):
        Sandbox().put(obj)


def test_a_definition_that_is_put_makes_its_objects_known():
    sandbox = Sandbox()
    names = {"plural": "widgets", "kind": "Widget"}
    spec = {"group": "example.com", "scope": "Cluster", "names": names, "versions": [{"name": "v1", "served": True}]}
    head = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    sandbox.put(head | {"metadata": {"name": "widgets.example.com"}, "spec": spec})

    sandbox.put({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}})

    assert [one["metadata"]["name"] for one in sandbox.select("example.com/v1", "Widget")] == ["w"]


async def test_a_grant_makes_real_roles_and_nothing_more(sandbox, call):
    rules = [Rule("configmaps", "list", namespace="default"), Rule("nodes", "list"), Rule("jobs.batch", "get")]
    sandbox.grant("maintd", rules)

    paths = ["/api/v1/namespaces/default/configmaps", "/api/v1/nodes", "/apis/batch/v1/namespaces/x/jobs/j"]
    allowed = [(await call("GET", path, user="maintd"))[0] for path in paths]
    refused = [(await call("GET", path, user="maintd"))[0] for path in ("/api/v1/configmaps", "/apis/batch/v1/jobs")]

    assert (allowed, refused) == ([200, 200, 404], [403, 403])
    role = sandbox.select("rbac.authorization.k8s.io/v1", "Role", "default")[0]
    assert role["rules"] == [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list"]}]


async def test_a_second_grant_adds_to_the_first(sandbox, call):
    sandbox.grant("maintd", [Rule("nodes", "list")])
    sandbox.grant("maintd", [Rule("namespaces", "list")])

    found = [(await call("GET", f"/api/v1/{name}", user="maintd"))[0] for name in ("nodes", "namespaces", "pods")]

    assert found == [200, 200, 403]


async def test_a_users_kubeconfig_is_for_that_user_and_for_nobodys_eyes(sandbox, tmp_path):
    path = sandbox.kubeconfig(tmp_path / "kubeconfig", "someone")

    assert oct(path.stat().st_mode)[-3:] == "600"
    assert (sandbox.token("someone") in path.read_text(), sandbox.token() in path.read_text()) == (True, False)
    assert sandbox.url in path.read_text()


async def test_the_audit_log_tells_who_did_what(sandbox, call):
    await call("POST", "/api/v1/namespaces/default/configmaps?dryRun=All", json={"metadata": {"name": "a"}})
    await call("GET", "/api/v1/namespaces/default/pods/p/log", user="someone")

    rows = [row for row in sandbox.requests if isinstance(row, Request)]
    found = [(r.verb, r.resource, r.namespace, r.name, r.user, r.user_agent, r.dry_run, r.status) for r in rows]
    assert found == [
        ("create", "configmaps", "default", "", "admin", "test/1", True, 201),
        ("get", "pods/log", "default", "p", "someone", "test/1", False, 403),
    ]


async def test_the_clock_of_the_server_can_be_another_than_ours():
    async with Sandbox(clock=lambda: NOON) as sandbox, aiohttp.ClientSession() as session:
        sandbox.put(config_map("a"))
        headers = {"Authorization": f"Bearer {sandbox.token()}"}
        async with session.get(f"{sandbox.url}/api/v1/namespaces", headers=headers) as reply:
            date = parsedate_to_datetime(reply.headers["Date"])

    obj = sandbox.get("v1", "ConfigMap", "a", "default")
    assert (date, obj["metadata"]["creationTimestamp"]) == (NOON, "2026-03-04T12:00:00Z")


async def test_the_version_can_be_chosen():
    async with (
        Sandbox(version=Version(33, 1)) as sandbox,
        aiohttp.ClientSession() as session,
        session.get(f"{sandbox.url}/version") as reply,
    ):
        found = await reply.json()

    assert (found["major"], found["minor"], found["gitVersion"]) == ("1", "33", "v1.33.1")


async def test_large_replies_are_compressed_for_those_who_take_it(sandbox):
    for number in range(200):
        sandbox.put(config_map(f"a-{number}", data={"k": "x" * 1000}))
    headers = {"Authorization": f"Bearer {sandbox.token()}"}
    url = f"{sandbox.url}/api/v1/namespaces/default/configmaps"

    async with aiohttp.ClientSession(auto_decompress=False) as session:
        async with session.get(url, headers=headers | {"Accept-Encoding": "gzip"}) as reply:
            packed = (reply.headers.get("Content-Encoding"), len(await reply.read()))
        async with session.get(url, headers=headers | {"Accept-Encoding": "identity"}) as reply:
            plain = (reply.headers.get("Content-Encoding"), len(await reply.read()))

    assert (packed[0], plain[0]) == ("gzip", None)
    assert packed[1] < plain[1] / 10


async def test_pages_are_forgotten_when_they_are_old_or_when_told(sandbox, call):
    path = "/api/v1/namespaces?limit=1"
    tokens = [(await call("GET", path))[1]["metadata"]["continue"] for _ in range(2)]

    before = await call("GET", f"{path}&continue={tokens[0]}")
    sandbox.forget_pages()
    after = await call("GET", f"{path}&continue={tokens[1]}")

    assert (before[0], after[0], after[1]["reason"]) == (200, 410, "Expired")


@pytest.mark.parametrize(("age", "code"), [(timedelta(minutes=4), 200), (timedelta(minutes=6), 410)])
async def test_a_page_lives_for_five_minutes(age, code):
    now = [NOON]
    async with Sandbox(clock=lambda: now[0]) as sandbox, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {sandbox.token()}"}
        url = f"{sandbox.url}/api/v1/namespaces?limit=1"
        async with session.get(url, headers=headers) as reply:
            token = (await reply.json())["metadata"]["continue"]
        now[0] += age
        async with session.get(f"{url}&continue={token}", headers=headers) as reply:
            assert reply.status == code
