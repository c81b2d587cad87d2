"""version-check against the sandbox and a real control plane, and against nodes that say odd things."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.core.errors import JobError, Unreadable
from maintd.core.kind import Context
from maintd.core.outcome import Finding, Outcome, Status
from maintd.core.resource import Json
from maintd.core.target import GkeCluster, Target
from maintd.kinds.observe.version_check import KIND, VersionCheck
from maintd.sandbox.faults import Fault, raw
from maintd.sandbox.server import Sandbox
from tests.conftest import Backend

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
POOL = "cloud.google.com/gke-nodepool"
UPGRADE = "gcloud container clusters upgrade c --project=p --location=us-central1-a"
GKE = Target(gke=GkeCluster(project="p", location="us-central1-a", cluster="c"))

Check = Callable[..., Awaitable[Outcome]]


def node(name: str, kubelet: Any, pool: str | None = "default-pool") -> Json:
    labels = {POOL: pool} if pool is not None else {}
    return {"metadata": {"name": name, "labels": labels}, "status": {"nodeInfo": {"kubeletVersion": kubelet}}}


def context(cluster: Any, target: Target) -> Context:
    """A run that reads and nothing else: a kind that touched more would fail on the None."""
    unused = cast("Any", None)
    return Context(
        run_id="r",
        job="node-versions",
        target=target,
        cluster=cluster,
        gate=unused,
        store=unused,
        http=unused,
        log=unused,
        now=lambda: NOW,
        memory={},
    )


@pytest.fixture
async def check(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Check]:
    """`await check("v1.33.4", node("a", "v1.32.0"))`: what the kind says of these nodes and this control plane."""
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "config"))

    async def run(server: str | Json, *nodes: Json, target: Target = GKE, **params: Any) -> Outcome:
        version = server if isinstance(server, dict) else {"major": "1", "minor": "33+", "gitVersion": server}
        sandbox.faults.append(Fault("get", "/version", answer=raw(json.dumps(version).encode())))
        for each in nodes:
            sandbox.put({"apiVersion": "v1", "kind": "Node"} | each)
        outcome: Outcome = await KIND.run(context(ClusterReader(api), target), VersionCheck(**params))
        return outcome

    yield run
    await api.close()


async def test_each_pool_gets_one_verdict_and_its_worst_node_decides(check: Check) -> None:
    outcome = await check(
        "v1.33.4-gke.1000",
        node("a", "v1.33.4-gke.1000"),
        node("b", "v1.33.1-gke.500"),
        node("c", "v1.32.9-gke.100", "batch"),
        node("d", "v1.31.2-gke.100", "batch"),
        node("e", "v1.30.2-gke.100", "old"),
    )

    assert outcome.judged() == Status.ATTENTION
    assert outcome.summary == (
        "control plane v1.33.4-gke.1000; pool batch: 2 minors behind, pool default-pool: current, "
        "pool old: unsupported, 3 minors behind and at most 2 are supported"
    )
    assert outcome.findings == (
        Finding(
            severity="warning",
            subject="pool batch",
            message="2 minors behind: 1 node at v1.31.2-gke.100, 1 node at v1.32.9-gke.100",
            remedy=f"upgrade pool batch: {UPGRADE} --node-pool=batch",
        ),
        Finding(
            severity="info",
            subject="pool default-pool",
            message="current: 1 node at v1.33.1-gke.500, 1 node at v1.33.4-gke.1000",
        ),
        Finding(
            severity="error",
            subject="pool old",
            message="unsupported, 3 minors behind and at most 2 are supported: 1 node at v1.30.2-gke.100",
            remedy=f"upgrade pool old: {UPGRADE} --node-pool=old",
        ),
    )
    assert outcome.metrics == {"pools": 3, "nodes": 5, "worst_pool_minors_behind": 3}


async def test_nodes_within_the_tolerance_are_ok(check: Check) -> None:
    outcome = await check("v1.33.4", node("a", "v1.33.4"), node("b", "v1.32.0"))

    assert outcome.judged() == Status.OK
    assert outcome.summary == "control plane v1.33.4; pool default-pool: 1 minor behind"


@pytest.mark.parametrize(
    ("kubelet", "params", "status", "says"),
    [
        ("v1.33.9", {}, Status.OK, "current"),
        ("v1.33", {}, Status.OK, "current"),
        ("1.33+", {}, Status.OK, "current"),
        ("v1.32.0", {"max_minor_behind": 0}, Status.ATTENTION, "1 minor behind"),
        ("v1.31.0", {}, Status.ATTENTION, "2 minors behind"),
        ("v1.30.0", {"max_minor_behind": 3}, Status.OK, "3 minors behind"),
        ("v1.29.0", {}, Status.ATTENTION, "unsupported, 4 minors behind and at most 3 are supported"),
        (
            "v1.29.0",
            {"max_minor_behind": 9},
            Status.ATTENTION,
            "unsupported, 4 minors behind and at most 3 are supported",
        ),
        ("v1.29.0", {"max_skew": 4, "max_minor_behind": 9}, Status.OK, "4 minors behind"),
        ("v1.31.0", {"max_skew": 1}, Status.ATTENTION, "unsupported, 2 minors behind and at most 1 are supported"),
        ("v1.34.0", {}, Status.ATTENTION, "newer than the control plane"),
        ("v2.0.0", {}, Status.ATTENTION, "newer than the control plane"),
    ],
)
async def test_the_rule_of_the_skew(
    check: Check, kubelet: str, params: dict[str, int], status: Status, says: str
) -> None:
    outcome = await check("v1.33.4", node("a", kubelet), **params)

    assert (outcome.judged(), outcome.summary) == (status, f"control plane v1.33.4; pool default-pool: {says}")


@pytest.mark.parametrize("kubelet", ["", "v1", "latest", "1.33.4 ; rm", None, 5, {}, "v1.x.3", "١.٣٣.٤"])
async def test_a_node_whose_version_cannot_be_read_is_never_ok(check: Check, kubelet: Any) -> None:
    outcome = await check("v1.33.4", node("a", kubelet), node("b", "v1.33.4"))

    assert (outcome.judged(), outcome.summary) == (
        Status.ATTENTION,
        "control plane v1.33.4; pool default-pool: unknown",
    )


async def test_an_unknown_node_does_not_hide_an_unsupported_one(check: Check) -> None:
    outcome = await check("v1.33.4", node("a", ""), node("b", "v1.28.0"))

    assert [finding.severity for finding in outcome.findings] == ["error"]
    assert outcome.findings[0].message == (
        "unsupported, 5 minors behind and at most 3 are supported: "
        "1 node at a version that cannot be read, 1 node at v1.28.0"
    )


@pytest.mark.parametrize("odd", [{"metadata": {"name": "x"}}, {"metadata": {"name": "x", "labels": []}, "status": 5}])
async def test_a_node_of_the_wrong_shape_is_unknown_and_the_others_are_judged(check: Check, odd: Json) -> None:
    outcome = await check("v1.33.4", node("a", "v1.33.4"), odd)

    assert outcome.judged() == Status.ATTENTION
    assert outcome.summary == "control plane v1.33.4; nodes of no pool: unknown, pool default-pool: current"


async def test_without_nodes_nothing_is_proved(check: Check) -> None:
    outcome = await check("v1.33.4")

    assert outcome.judged() == Status.ATTENTION
    assert outcome.findings[0].message == "unknown: the list of nodes is empty, so nothing was compared"
    assert "worst_pool_minors_behind" not in outcome.metrics


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"gitVersion": ""},
        {"gitVersion": "latest"},
        {"gitVersion": "v1", "major": "", "minor": ""},
        {"gitVersion": 5},
    ],
)
async def test_a_control_plane_whose_version_cannot_be_read_fails_the_run(check: Check, reply: Json) -> None:
    with pytest.raises(Unreadable):
        await check(reply, node("a", "v1.33.4"))


async def test_a_minor_with_a_plus_is_read_when_nothing_better_is_said(check: Check) -> None:
    outcome = await check({"major": "1", "minor": "33+", "gitVersion": "unknown"}, node("a", "v1.33.4"))

    assert outcome.summary == "control plane 1.33+; pool default-pool: current"


async def test_a_list_that_is_started_over_counts_no_node_twice(
    check: Check, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maintd.cluster.reader.PAGE_SIZE", 2)
    sandbox.faults.append(Fault("list", "*/nodes", nth=2, answer=raw(b"{}", 410)))

    outcome = await check("v1.33.4", *(node(name, "v1.33.4") for name in "abcde"))

    assert outcome.metrics == {"pools": 1, "nodes": 5, "worst_pool_minors_behind": 0}


@pytest.mark.parametrize(
    ("target", "params", "kubelet", "remedy"),
    [
        (Target(), {}, "v1.28.0", "upgrade pool default-pool to v1.33"),
        (Target(), {}, "v1.34.0", "upgrade the control plane"),
        (GKE, {"pool_label": "other"}, "v1.28.0", "upgrade nodes of no pool to v1.33"),
        (GKE, {}, "", "see what the nodes say of themselves: kubectl get nodes -o wide"),
        (
            GKE,
            {},
            "v1.34.0",
            f"upgrade the control plane: {UPGRADE} --master",
        ),
    ],
)
async def test_the_remedy_is_a_command_where_maintd_knows_it(
    check: Check, target: Target, params: dict[str, str], kubelet: str, remedy: str
) -> None:
    outcome = await check("v1.33.4", node("a", kubelet), target=target, **params)

    assert [finding.remedy for finding in outcome.findings] == [remedy]


async def test_it_runs_with_the_rights_it_asks_for_and_judges_what_the_cluster_says(cluster_backend: Backend) -> None:
    api = await Api.connect(await cluster_backend.grant(KIND.rules(VersionCheck(), Target())))
    try:
        server = (await ClusterReader(api).version())["gitVersion"]
        await cluster_backend.apply(
            {"apiVersion": "v1", "kind": "Node"} | node("version-check-old", "v1.20.3-gke.1", "aged")
        )
        outcome: Outcome = await KIND.run(context(ClusterReader(api), Target()), VersionCheck())
    finally:
        await api.close()

    assert outcome.judged() == Status.ATTENTION
    assert f"control plane {server}; " in outcome.summary
    assert "pool aged: unsupported, " in outcome.summary
    assert "1 node at v1.20.3-gke.1" in next(each.message for each in outcome.findings if each.subject == "pool aged")


async def test_without_the_right_it_fails_and_names_it(cluster_backend: Backend) -> None:
    api = await Api.connect(await cluster_backend.grant(()))
    try:
        with pytest.raises(
            JobError, match=r"may not list nodes in the whole cluster; .*resources: \[nodes\], verbs: \[list\]"
        ):
            await KIND.run(context(ClusterReader(api), Target()), VersionCheck())
    finally:
        await api.close()
