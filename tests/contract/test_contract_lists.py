"""Lists: shape, pages, versions. Run against the sandbox and, in `make test-cluster`, a real control plane."""

import base64
import json

import pytest


@pytest.fixture
async def shelf(cluster_backend):
    """The path of a namespace's ConfigMaps: ten of ours, `app` a or b in turn, beside the controllers' own."""
    space = await cluster_backend.namespace()
    path = f"/api/v1/namespaces/{space}/configmaps"
    await cluster_backend.wait_for(f"{path}/kube-root-ca.crt")
    for number in range(10):
        metadata = {"name": f"cm-{number}", "labels": {"app": "ab"[number % 2]}}
        assert (await cluster_backend.request("POST", path, {"metadata": metadata})).status == 201
    return path


def names(answer):
    return [item["metadata"]["name"] for item in answer.json["items"]]


OURS = [f"cm-{number}" for number in range(10)]


async def test_a_list_names_its_kind_and_its_items_do_not(cluster_backend, shelf):
    answer = await cluster_backend.request("GET", shelf)

    assert (answer.status, answer.json["kind"], answer.json["apiVersion"]) == (200, "ConfigMapList", "v1")
    assert names(answer) == [*OURS, "kube-root-ca.crt"]
    assert not any(key in item for item in answer.json["items"] for key in ("kind", "apiVersion"))


async def test_an_empty_list_has_items(cluster_backend, shelf):
    answer = await cluster_backend.request("GET", shelf.replace("configmaps", "pods"))

    assert (answer.status, answer.json["items"]) == (200, [])


async def test_a_list_in_a_namespace_that_is_not_there_is_empty(cluster_backend):
    answer = await cluster_backend.request("GET", "/api/v1/namespaces/nowhere/configmaps")

    assert (answer.status, answer.json["items"]) == (200, [])


async def test_a_list_over_all_namespaces_is_in_the_order_of_their_names(cluster_backend):
    spaces = sorted([await cluster_backend.namespace() for _ in range(2)])
    for space in reversed(spaces):
        path = f"/api/v1/namespaces/{space}/configmaps"
        assert (await cluster_backend.request("POST", path, {"metadata": {"name": "mine"}})).status == 201

    answer = await cluster_backend.request("GET", "/api/v1/configmaps?fieldSelector=metadata.name=mine")

    found = [item["metadata"]["namespace"] for item in answer.json["items"]]
    assert [space for space in found if space in spaces] == spaces


async def test_pages_follow_each_other_without_a_gap(cluster_backend, shelf):
    found, token, counts = [], "", []
    while True:
        answer = await cluster_backend.request("GET", f"{shelf}?limit=4&continue={token}")
        found += names(answer)
        counts.append((len(names(answer)), answer.json["metadata"].get("remainingItemCount")))
        token = answer.json["metadata"].get("continue", "")
        if not token:
            break

    assert (found, counts) == ([*OURS, "kube-root-ca.crt"], [(4, 7), (4, 3), (3, None)])


async def test_all_pages_show_the_moment_of_the_first(cluster_backend, shelf):
    first = await cluster_backend.request("GET", f"{shelf}?limit=5")
    await cluster_backend.request("DELETE", f"{shelf}/cm-7")
    await cluster_backend.request("POST", shelf, {"metadata": {"name": "cm-55"}})

    token = first.json["metadata"]["continue"]
    second = await cluster_backend.request("GET", f"{shelf}?limit=500&continue={token}")

    assert names(first) + names(second) == [*OURS, "kube-root-ca.crt"]
    assert second.json["metadata"]["resourceVersion"] == first.json["metadata"]["resourceVersion"]


async def test_a_selector_fills_its_pages_and_does_not_count_the_rest(cluster_backend, shelf):
    first = await cluster_backend.request("GET", f"{shelf}?labelSelector=app=b&limit=3")
    token = first.json["metadata"]["continue"]
    second = await cluster_backend.request("GET", f"{shelf}?labelSelector=app=b&limit=3&continue={token}")

    assert (names(first), names(second)) == (["cm-1", "cm-3", "cm-5"], ["cm-7", "cm-9"])
    assert "remainingItemCount" not in first.json["metadata"]


async def test_a_limit_below_one_is_none(cluster_backend, shelf):
    answer = await cluster_backend.request("GET", f"{shelf}?limit=-1")

    assert names(answer) == [*OURS, "kube-root-ca.crt"]


@pytest.mark.parametrize("query", ["limit=abc", "limit=1&continue=garbage", "resourceVersion=abc"])
async def test_a_query_that_cannot_be_read_is_a_400(cluster_backend, shelf, query):
    answer = await cluster_backend.request("GET", f"{shelf}?{query}")

    assert (answer.status, answer.reason) == (400, "BadRequest")


async def test_a_version_from_the_future_is_a_504(cluster_backend, shelf):
    answer = await cluster_backend.request("GET", f"{shelf}?resourceVersion=99999999999")

    assert (answer.status, answer.reason) == (504, "Timeout")
    assert answer.json["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"


async def test_versions_grow_with_every_write(cluster_backend, shelf):
    before = await cluster_backend.request("GET", shelf)
    made = await cluster_backend.request("POST", shelf, {"metadata": {"name": "later"}})
    await cluster_backend.request("DELETE", f"{shelf}/later")
    after = await cluster_backend.request("GET", shelf)

    versions = [int(one.json["metadata"]["resourceVersion"]) for one in (before, made, after)]
    assert versions == sorted(set(versions))


def from_the_beginning(token):
    """A continue token of the server's first version."""
    content = json.loads(base64.urlsafe_b64decode(token + "==="))
    return base64.urlsafe_b64encode(json.dumps(content | {"rv": 1}).encode()).decode().rstrip("=")


async def compact(backend):
    """Make the real store forget old versions, as its server does every five minutes."""
    if backend.sandbox is None:
        etcd = (backend.kubeconfig.parent / "etcd.url").read_text()
        async with backend.session.post(f"{etcd}/v3/kv/range", json={"key": "eA=="}) as reply:
            revision = (await reply.json())["header"]["revision"]
        async with backend.session.post(f"{etcd}/v3/kv/compaction", json={"revision": revision}) as reply:
            assert reply.status == 200, await reply.text()


async def test_a_token_whose_moment_is_gone_is_a_410_with_a_token_to_go_on_with(cluster_backend, shelf):
    first = await cluster_backend.request("GET", f"{shelf}?limit=5")
    await cluster_backend.request("POST", shelf, {"metadata": {"name": "cm-55"}})
    await compact(cluster_backend)

    token = from_the_beginning(first.json["metadata"]["continue"])
    gone = await cluster_backend.request("GET", f"{shelf}?limit=5&continue={token}")
    rest = await cluster_backend.request("GET", f"{shelf}?continue={gone.json['metadata']['continue']}")

    assert (gone.status, gone.reason) == (410, "Expired")
    assert names(rest) == ["cm-5", "cm-55", "cm-6", "cm-7", "cm-8", "cm-9", "kube-root-ca.crt"]
