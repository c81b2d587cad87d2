from typing import Any

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.core.errors import JobError, Unreadable
from maintd.core.resource import CONFIG_MAPS, JOBS, NAMESPACES, NODES, PODS, Resource
from tests.cluster.conftest import Answer, Seen, Stage, refusal, reply
from tests.conftest import Backend

ALL = frozenset({"create", "delete", "get", "list", "patch", "update"})


def known(name: str, kind: str, scope: str = "Namespaced", **more: Any) -> dict[str, Any]:
    return {"resource": name, "responseKind": {"kind": kind}, "scope": scope, "verbs": sorted(ALL)} | more


def group(name: str, versions: dict[str, list[dict[str, Any]]], **more: Any) -> dict[str, Any]:
    found = [{"version": version, "resources": resources} | more for version, resources in versions.items()]
    return {"metadata": {"name": name}, "versions": found}


def aggregated(*groups: dict[str, Any]) -> bytes:
    return reply({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": list(groups)})


def by_path(answers: dict[str, Answer]) -> Any:
    def script(seen: Seen) -> Answer:
        return answers.get(seen.path, refusal(404, "NotFound"))

    return script


def old(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "namespaced": True, "verbs": sorted(ALL)} | more


LEGACY: dict[str, Answer] = {
    "/api": reply({"kind": "APIVersions", "versions": ["v1"]}),
    "/apis": reply(
        {
            "kind": "APIGroupList",
            "groups": [
                {
                    "name": "apps",
                    "versions": [{"version": "v1beta1"}, {"version": "v1"}],
                    "preferredVersion": {"version": "v1"},
                },
                {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}]},
            ],
        }
    ),
    "/api/v1": reply(
        {"resources": [old("pods", "Pod"), old("pods/log", "Pod"), old("nodes", "Node", namespaced=False)]}
    ),
    "/apis/apps/v1": reply({"resources": [old("deployments", "Deployment")]}),
    "/apis/apps/v1beta1": reply({"resources": [old("deployments", "Deployment"), old("scales", "Scale")]}),
    "/apis/metrics.k8s.io/v1beta1": refusal(404, "NotFound"),
}


async def test_a_cluster_says_what_it_has_and_how_it_is_called(cluster_backend: Backend, stage: Stage) -> None:
    reader = ClusterReader(stage.keep(await Api.connect(cluster_backend.kubeconfig)))

    found = await reader.discover()

    assert found.failed == {}
    addresses = {(each.name, each.api_version, each.kind, each.namespaced) for each in found.resources}
    expected = [PODS, NODES, NAMESPACES, CONFIG_MAPS, JOBS, Resource("apps", "v1", "deployments", "Deployment")]
    assert {(each.name, each.api_version, each.kind, each.namespaced) for each in expected} <= addresses
    assert all("/" not in each.plural for each in found.resources)
    assert {
        each.name: {"list", "create", "delete"} <= each.verbs for each in found.resources if each.name == "pods"
    } == {"pods": True}


async def test_whatever_a_cluster_says_can_be_listed_can_be_read_as_a_list(
    cluster_backend: Backend, stage: Stage
) -> None:
    reader = ClusterReader(stage.keep(await Api.connect(cluster_backend.kubeconfig)))
    listable = [each for each in (await reader.discover()).resources if "list" in each.verbs]

    whole = {each.name: [page.last async for page in reader.pages(each)] for each in listable}

    assert len(listable) > 10
    assert whole == {each.name: [True] for each in listable}


async def test_the_first_version_that_has_a_resource_is_the_one_that_the_server_prefers(stage: Stage) -> None:
    core = aggregated(group("", {"v1": [known("pods", "Pod"), known("nodes", "Node", "Cluster")]}))
    versions = {"v2": [known("deployments", "Deployment")], "v1": [known("deployments", "Deployment"), known("x", "X")]}
    server = await stage.serve(script=by_path({"/api": core, "/apis": aggregated(group("apps", versions))}))
    reader = ClusterReader(await stage.connect(server))

    found = await reader.discover()

    assert found.failed == {}
    assert found.resources == (
        Resource("", "v1", "nodes", "Node", False, ALL),
        Resource("", "v1", "pods", "Pod", True, ALL),
        Resource("apps", "v1", "x", "X", True, ALL),
        Resource("apps", "v2", "deployments", "Deployment", True, ALL),
    )


async def test_a_group_whose_server_is_down_is_named_and_hides_no_other(stage: Stage) -> None:
    stale = group("metrics.k8s.io", {"v1beta1": [known("pods", "PodMetrics")]}, freshness="Stale")
    apis = aggregated(stale, group("apps", {"v1": [known("deployments", "Deployment")]}))
    server = await stage.serve(script=by_path({"/api": aggregated(), "/apis": apis}))
    reader = ClusterReader(await stage.connect(server))

    found = await reader.discover()

    assert [each.name for each in found.resources] == ["deployments.apps"]
    assert found.failed == {
        "metrics.k8s.io/v1beta1": "the server behind it does not answer; see: kubectl get apiservices"
    }


async def test_an_older_server_is_asked_version_by_version(stage: Stage) -> None:
    reader = ClusterReader(await stage.connect(await stage.serve(script=by_path(LEGACY))))

    found = await reader.discover()

    assert [(each.name, each.api_version) for each in found.resources] == [
        ("nodes", "v1"),
        ("pods", "v1"),
        ("deployments.apps", "apps/v1"),
        ("scales.apps", "apps/v1beta1"),
    ]
    assert found.failed == {
        "metrics.k8s.io/v1beta1": "GET /apis/metrics.k8s.io/v1beta1: 404 NotFound: it does not exist"
    }


@pytest.mark.parametrize(
    "resource", [{"resource": "odd"}, known("", "Odd"), known("odd", "Odd", verbs="list"), known("odd", "", verbs=None)]
)
async def test_a_resource_that_is_not_described_is_named_as_failed(stage: Stage, resource: dict[str, Any]) -> None:
    apis = aggregated(group("odd.example.org", {"v1": [resource, known("fine", "Fine")]}))
    server = await stage.serve(script=by_path({"/api": aggregated(), "/apis": apis}))

    found = await ClusterReader(await stage.connect(server)).discover()

    assert [each.plural for each in found.resources] == ["fine"]
    assert list(found.failed) == ["odd.example.org/v1"]


@pytest.mark.parametrize(
    "apis",
    [
        reply({"kind": "APIGroupDiscoveryList", "items": None}),
        reply({"kind": "APIGroupDiscoveryList", "items": [None]}),
        reply({"kind": "APIGroupDiscoveryList", "items": [{"metadata": None, "versions": []}]}),
        reply({"kind": "APIGroupDiscoveryList", "items": [{"metadata": {"name": "a"}, "versions": [{"version": 1}]}]}),
        reply({"kind": "APIGroupList", "groups": None}),
        reply({"kind": "Status", "status": "Success"}),
        reply({}),
    ],
)
async def test_an_answer_that_is_no_list_of_groups_is_unreadable(stage: Stage, apis: bytes) -> None:
    server = await stage.serve(script=by_path({"/api": aggregated(), "/apis": apis}))
    reader = ClusterReader(await stage.connect(server))

    with pytest.raises(Unreadable, match="GET /apis"):
        await reader.discover()


async def test_discovery_that_is_refused_is_an_error_not_an_empty_cluster(stage: Stage) -> None:
    reader = ClusterReader(await stage.connect(await stage.serve(refusal(403, "Forbidden", "x cannot get path"))))

    with pytest.raises(JobError, match="our service account has no right to it"):
        await reader.discover()
