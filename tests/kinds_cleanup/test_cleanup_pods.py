"""cleanup-pods on the embedded cluster, and in `make test-cluster` on a real one."""

from urllib.parse import quote

import pytest

from maintd.core.errors import Denied, Refused
from maintd.core.limits import Limits
from maintd.core.outcome import Finding, Status
from maintd.core.rules import Rule
from maintd.objects.selectors import matcher


def decisions(outcome):
    """name → (decision, rule)."""
    return {one.object.name: (one.decision, one.rule) for one in outcome.considered}


def ended(outcome):
    """name → result."""
    return {change.object.name: change.result for change in outcome.changes}


async def names(backend, space):
    listed = await backend.request("GET", f"/api/v1/namespaces/{space}/pods")
    return {pod["metadata"]["name"] for pod in listed.json["items"]}


async def test_old_finished_pods_go_and_the_rest_stays(cluster_backend, cleanup, pod):
    space = await cluster_backend.namespace()
    for one in (
        pod("failed", space, hours=31.01),
        pod("done", space, phase="Succeeded", hours=30.01),
        pod("young", space, hours=2.01),
        pod("works", space, phase="Running"),
        pod("waits", space, phase="Pending"),
    ):
        await cluster_backend.apply(one)

    outcome = await cleanup(space)

    assert decisions(outcome) == {
        "failed": ("delete", "finished 1d7h ago (finishedAt), older than 1d"),
        "done": ("delete", "finished 1d6h ago (finishedAt), older than 1d"),
        "young": ("keep", "finished 2h ago (finishedAt), not older than 1d"),
    }
    assert ended(outcome) == {"failed": "done", "done": "done"}
    assert outcome.judged() is Status.OK
    assert outcome.summary == f"deleted 2 pods; looked at 5 pods in {space}, 3 of them finished"
    assert outcome.metrics == {"listed_pods": 5, "finished_pods": 3, "deleted_pods": 2}
    assert await names(cluster_backend, space) == {"young", "works", "waits"}


async def test_a_dry_run_says_what_it_would_delete_and_deletes_nothing(cluster_backend, cleanup, pod):
    space = await cluster_backend.namespace()
    await cluster_backend.apply(pod("failed", space))

    outcome = await cleanup(space, "dry-run")

    assert ended(outcome) == {"failed": "planned"}
    assert outcome.summary == f"would delete 1 pod; looked at 1 pod in {space}, 1 of them finished"
    assert await names(cluster_backend, space) == {"failed"}


async def test_only_the_phases_and_reasons_that_are_asked_for(cluster_backend, cleanup, pod):
    space = await cluster_backend.namespace()
    for one in (
        pod("evicted", space, reason="Evicted"),
        pod("shutdown", space, reason="NodeShutdown"),
        pod("failed", space),
        pod("done", space, phase="Succeeded", reason="Evicted"),
    ):
        await cluster_backend.apply(one)

    outcome = await cleanup(space, phases=["Failed"], reasons=["evicted", "Terminated"])

    assert {name: decision for name, (decision, _) in decisions(outcome).items()} == {
        "evicted": "delete",
        "shutdown": "keep",
        "failed": "keep",
    }
    assert decisions(outcome)["shutdown"][1] == "its reason is NodeShutdown, not evicted or Terminated"
    assert decisions(outcome)["failed"][1] == "its reason is not given, not evicted or Terminated"
    assert await names(cluster_backend, space) == {"shutdown", "failed", "done"}


async def test_pods_of_a_job_that_has_not_finished_are_left_to_it(cluster_backend, cleanup, pod, owned):
    space = await cluster_backend.namespace()
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "shop:1"}]}}
    job = await cluster_backend.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "import", "namespace": space},
            "spec": {"suspend": True, "template": template},
        }
    )
    owner = owned("Job", "import", job["metadata"]["uid"], "batch/v1")
    await cluster_backend.apply(pod("of-import", space, **owner))

    outcome = await cleanup(space)

    assert decisions(outcome) == {"of-import": ("keep", "left to Job import, which is not known to have finished")}
    assert await names(cluster_backend, space) == {"of-import"}


async def test_pods_of_a_replica_set_go(cluster_backend, cleanup, pod, owned):
    space = await cluster_backend.namespace()
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "shop:1"}]}}
    made = await cluster_backend.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "web", "namespace": space},
            "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
        }
    )
    owner = owned("ReplicaSet", "web", made["metadata"]["uid"], "apps/v1")
    await cluster_backend.apply(pod("of-web", space))  # owned only once it has failed: a live one would be scaled down
    path = f"/api/v1/namespaces/{space}/pods/of-web"
    await cluster_backend.request("PATCH", path, {"metadata": owner}, content="application/merge-patch+json")

    outcome = await cleanup(space)

    assert ended(outcome) == {"of-web": "done"}
    assert await names(cluster_backend, space) == set()


async def test_a_label_selector_narrows_the_job_and_percentages_are_of_all_pods_all_the_same(
    cluster_backend, cleanup, pod
):
    space = await cluster_backend.namespace()
    for number in range(3):
        await cluster_backend.apply(pod(f"other-{number}", space))
    for name, phase in (("web-a", "Failed"), ("web-b", "Running")):
        await cluster_backend.apply(pod(name, space, phase=phase, labels={"app": "web", "tier": "front"}))

    with pytest.raises(Refused, match="1 candidate among 5 objects listed, and abort_over is 19% of them, at most 0"):
        await cleanup(space, label_selector="app=web,tier in (front, back)", limits=Limits(abort_over="19%"))
    outcome = await cleanup(space, label_selector="app=web,tier in (front, back)", limits=Limits(abort_over="20%"))

    assert ended(outcome) == {"web-a": "done"}
    assert outcome.summary == f"deleted 1 pod; looked at 5 pods in {space}, 2 selected, 1 of them finished"
    assert outcome.metrics == {"listed_pods": 5, "finished_pods": 1, "deleted_pods": 1}


@pytest.mark.parametrize(
    "selector",
    [
        "app",
        "!app",
        "app=web",
        "app==web",
        "app != web",
        "app=",
        "app!=",
        "app in (web)",
        "app in (web, api),tier notin (test),!legacy",
        "app notin (web,api)",
        "app in (web,)",
        "app in ()",
        "example.com/app=web.v1_2-x",
        "app=web,app!=api, tier",
    ],
)
async def test_a_selector_selects_what_the_api_server_would(cluster_backend, selector):
    space = await cluster_backend.namespace()
    labels = ({}, {"app": ""}, {"app": "web"}, {"app": "api", "legacy": "x"}, {"tier": "test", "app": "web"})
    labels += ({"app": "web", "tier": ""}, {"tier": "front"}, {"example.com/app": "web.v1_2-x"})
    for number, given in enumerate(labels):
        about = {"name": f"c{number}", "namespace": space, "labels": given}
        await cluster_backend.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": about})

    async def listed(query=""):
        answer = await cluster_backend.request("GET", f"/api/v1/namespaces/{space}/configmaps{query}")
        return {item["metadata"]["name"]: item["metadata"].get("labels") or {} for item in answer.json["items"]}

    everything, selected = await listed(), await listed(f"?labelSelector={quote(selector)}")
    assert {name for name, given in everything.items() if matcher(selector)(given)} == set(selected)
    assert 0 < len(selected) < len(everything)


async def test_several_namespaces_are_one_run_with_one_cap(cluster_backend, cleanup, pod):
    first, second = await cluster_backend.namespace(), await cluster_backend.namespace()
    await cluster_backend.apply(pod("a", first, hours=50))
    await cluster_backend.apply(pod("b", second, hours=60))

    outcome = await cleanup(None, namespaces=[first, second, first], limits=Limits(max_count=1))

    assert ended(outcome) == {"a": "left", "b": "done"}
    assert outcome.judged() is Status.PARTIAL
    assert outcome.summary == f"deleted 1 pod, 1 left; looked at 2 pods in {first}, {second}, 2 of them finished"


async def test_nothing_to_delete_says_how_many_were_looked_at(cluster_backend, cleanup, pod):
    space = await cluster_backend.namespace()
    await cluster_backend.apply(pod("works", space, phase="Running"))

    outcome = await cleanup(space)

    assert outcome.summary == f"no pod to delete; looked at 1 pod in {space}, 0 of them finished"
    assert (outcome.judged(), outcome.findings) == (Status.OK, ())


async def test_a_namespace_without_any_pod_is_worth_a_look(cluster_backend, cleanup):
    space = await cluster_backend.namespace()

    outcome = await cleanup(space)

    assert outcome.judged() is Status.ATTENTION
    assert outcome.findings == (
        Finding(
            subject=f"namespace {space}",
            message="there is no pod in it, so nothing was checked",
            remedy=f"see whether the name is right: kubectl get pods -n {space}",
        ),
    )


async def test_protected_pods_are_kept_with_the_reason(cluster_backend, cleanup, pod):
    space = await cluster_backend.namespace()
    await cluster_backend.apply(pod("a", space, annotations={"maintd.dev/protect": "true"}))
    await cluster_backend.apply(pod("b", space, annotations={"maintd.dev/keep-until": "2999-12-31"}))

    outcome = await cleanup(space)

    reasons = {
        "a": "annotation maintd.dev/protect is 'true'",
        "b": "annotation maintd.dev/keep-until is 2999-12-31",
    }
    assert {change.object.name: change.reason for change in outcome.changes} == reasons
    assert decisions(outcome) == {name: ("keep", reason) for name, reason in reasons.items()}
    assert await names(cluster_backend, space) == {"a", "b"}


async def test_a_missing_right_is_named_and_nothing_is_deleted(cluster_backend, cleanup, pod):
    space = await cluster_backend.namespace()
    await cluster_backend.apply(pod("a", space))
    rights = [Rule("pods", "list", namespace=space), Rule("jobs.batch", "list", namespace=space)]

    with pytest.raises(Denied, match=f"may not delete, get pods in namespace {space}; add to a Role in namespace"):
        await cleanup(space, rights=rights)

    assert await names(cluster_backend, space) == {"a"}


async def test_evidence_lies_where_the_change_says(cluster_backend, cleanup, pod, tmp_path):
    space = await cluster_backend.namespace()
    await cluster_backend.apply(pod("a", space))

    outcome = await cleanup(space)

    folder = tmp_path / "store" / "test" / outcome.changes[0].evidence
    assert sorted(path.name for path in folder.iterdir()) == ["logs.txt", "manifest.yaml"]
    assert f"namespace: {space}" in (folder / "manifest.yaml").read_text()
