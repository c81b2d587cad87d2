"""version-check where the target has `gke:`: what Google says and what the cluster says, in one verdict a pool."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from google.cloud import container_v1

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.core.errors import Transient
from maintd.core.kind import Context
from maintd.core.outcome import Finding, Outcome, Status
from maintd.core.ports import Gke
from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.core.target import GkeCluster, Target
from maintd.gcp.gke import Google
from maintd.kinds.observe.version_check import KIND, VersionCheck
from maintd.sandbox.api import Version
from maintd.sandbox.gke import GkeFault, GkeStandIn, field_from_the_future
from maintd.sandbox.server import Sandbox
from tests.conftest import Backend

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
WHERE = GkeCluster(project="p", location="us-central1-a", cluster="c")
TARGET = Target(namespace="shop", gke=WHERE)
MASTER, OLD = "1.33.4-gke.1000", "1.31.2-gke.9"
POOL = "cloud.google.com/gke-nodepool"
UPGRADE = "gcloud container clusters upgrade c --project=p --location=us-central1-a --node-pool=a"

Check = Callable[..., Awaitable[Outcome]]


def context(cluster: ClusterReader, gke: Gke, target: Target) -> Context:
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
        gke=gke,
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """The control plane that Google speaks of, and one current node."""
    async with Sandbox(version=Version(minor=33, patch=4, build="-gke.1000")) as started:
        node(started, "n1", MASTER)
        yield started


@pytest.fixture
async def google() -> AsyncIterator[GkeStandIn]:
    """A cluster with which nothing is wrong."""
    cluster = container_v1.Cluster(status="RUNNING", current_master_version=MASTER)
    cluster.release_channel.channel = "REGULAR"
    cluster.node_pools = [{"name": "a", "status": "RUNNING", "version": MASTER, "management": {"auto_upgrade": True}}]
    regular = {"channel": "REGULAR", "default_version": MASTER, "valid_versions": [MASTER, OLD]}
    upgrades = {
        "": container_v1.ClusterUpgradeInfo(auto_upgrade_status=["ACTIVE"]),
        "a": container_v1.NodePoolUpgradeInfo(auto_upgrade_status=["ACTIVE"]),
    }
    for info in upgrades.values():
        info.end_of_standard_support_timestamp = "2027-08-03"
    config = container_v1.ServerConfig(default_cluster_version=MASTER, channels=[regular])
    async with GkeStandIn(WHERE, cluster, config, upgrades=upgrades) as started:
        yield started


@pytest.fixture
async def check(sandbox: Sandbox, google: GkeStandIn, tmp_path: Path) -> AsyncIterator[Check]:
    """`await check(eol_warn=…)`: what the kind says, with exactly the rights that it declares."""
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "config", "maintd"))

    async def run(target: Target = TARGET, **params: Any) -> Outcome:
        parsed = VersionCheck(**params)
        sandbox.grant("maintd", KIND.rules(parsed, target))
        outcome: Outcome = await KIND.run(context(ClusterReader(api), client.of(WHERE), target), parsed)
        return outcome

    async with Google(google.endpoint, deadline=timedelta(seconds=1)) as client:
        yield run
    await api.close()


def node(sandbox: Sandbox, name: str, version: str, pool: str = "a") -> None:
    status = {"nodeInfo": {"kubeletVersion": f"v{version}"}}
    labels = {POOL: pool} if pool else {}
    sandbox.put({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status})


def pod(sandbox: Sandbox, name: str, on: str, owner: str = "ReplicaSet", phase: str = "Running", **labels: str) -> None:
    reference = {"apiVersion": "apps/v1", "kind": owner, "name": "o", "uid": "u", "controller": True}
    metadata = {"name": name, "namespace": "shop", "labels": labels, "ownerReferences": [reference]}
    spec = {"nodeName": on, "containers": []}
    sandbox.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {"phase": phase}})


def budget(sandbox: Sandbox, selector: Json | None, status: Json, namespace: str = "shop") -> None:
    metadata = {"name": "web", "namespace": namespace}
    head = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata}
    sandbox.put(head | {"spec": {"minAvailable": 1, "selector": selector}, "status": status})


def workload(sandbox: Sandbox, kind: str, replicas: int | None) -> None:
    spec: Json = {"selector": {"matchLabels": {"app": "web"}}} | ({} if replicas is None else {"replicas": replicas})
    sandbox.put({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": "shop"}, "spec": spec})


def of(outcome: Outcome, subject: str) -> Finding:
    return next(each for each in outcome.findings if each.subject == subject)


async def test_a_cluster_that_google_and_its_nodes_find_current_is_ok(check: Check) -> None:
    outcome = await check()

    assert outcome.judged() == Status.OK
    assert outcome.summary == f"control plane v{MASTER}; pool a: current"
    ends = "standard support ends in 254 days (2027-08-03)"
    assert [each.message.split("; ") for each in outcome.findings] == [
        [
            f"{MASTER}, not behind the default of REGULAR, {MASTER}",
            ends,
            "Google upgrades it at any time: it has no maintenance window",
            "what blocks an upgrade was looked for in namespace shop",
        ],
        [f"current: 1 node at v{MASTER}", ends],
    ]


async def test_an_old_pool_that_a_budget_blocks_says_both(check: Check, sandbox: Sandbox, google: GkeStandIn) -> None:
    google.cluster.node_pools[0].version = OLD
    google.upgrades["a"].minor_target_version = MASTER
    node(sandbox, "n1", OLD)
    pod(sandbox, "web-1", "n1", app="web")
    budget(sandbox, {"matchLabels": {"app": "web"}}, {"disruptionsAllowed": 0})

    outcome = await check()

    assert outcome.judged() == Status.ATTENTION
    assert outcome.summary == (
        f"control plane v{MASTER}; pool a: 2 minors behind, blocked by PodDisruptionBudget shop/web"
    )
    assert of(outcome, "pool a") == Finding(
        severity="warning",
        subject="pool a",
        message=(
            f"2 minors behind: 1 node at v{OLD}; standard support ends in 254 days (2027-08-03); "
            f"Google's next version for it: {MASTER}; "
            "blocked: PodDisruptionBudget shop/web allows no eviction (1 running pod here)"
        ),
        remedy=f"upgrade pool a: {UPGRADE}; see what it waits for: kubectl -n shop describe pdb web",
    )


NOT_SAID = "does not say whether it allows an eviction (1 running pod here)"
TWO = "allows no eviction (2 running pods here)"
EXPRESSION = {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "api"]}]}


@pytest.mark.parametrize(
    ("selector", "status", "pods", "says"),
    [
        ({"matchLabels": {"app": "web"}}, {"disruptionsAllowed": 1}, [{"on": "n1"}], None),
        (
            EXPRESSION,
            {"disruptionsAllowed": 0},
            [{"on": "n1"}, {"on": "n1"}],
            "allows no eviction (2 running pods here)",
        ),
        ({}, {"disruptionsAllowed": 0}, [{"on": "n1"}], "allows no eviction (1 running pod here)"),
        ({}, {}, [{"on": "n1"}], NOT_SAID),
        ({}, {"disruptionsAllowed": 1, "observedGeneration": 7}, [{"on": "n1"}], NOT_SAID),
        (None, {"disruptionsAllowed": 0}, [{"on": "n1"}], None),
        ({"matchLabels": {"app": "api"}}, {"disruptionsAllowed": 0}, [{"on": "n1"}], None),
        ({}, {"disruptionsAllowed": 0}, [{"on": "n1", "phase": "Succeeded"}], None),
        ({}, {"disruptionsAllowed": 0}, [{"on": "n1", "owner": "DaemonSet"}], None),
        ({}, {"disruptionsAllowed": 0}, [{"on": "n9"}], None),
    ],
)
async def test_a_budget_blocks_a_pool_only_with_running_pods_of_its_own_there(
    check: Check, sandbox: Sandbox, selector: Json | None, status: Json, pods: list[Json], says: str | None
) -> None:
    node(sandbox, "n1", OLD)
    for number, each in enumerate(pods):
        pod(sandbox, f"web-{number}", app="web", **each)
    budget(sandbox, selector, status)

    message = of(await check(), "pool a").message

    assert message.partition("blocked: PodDisruptionBudget shop/web ")[2] == (says or "")


@pytest.mark.parametrize(
    ("kind", "replicas", "blocks"),
    [("Deployment", 1, True), ("Deployment", None, True), ("StatefulSet", 1, True), ("Deployment", 2, False)],
)
async def test_a_workload_of_one_replica_blocks_the_pool_that_it_runs_on(
    check: Check, sandbox: Sandbox, google: GkeStandIn, kind: str, replicas: int | None, *, blocks: bool
) -> None:
    google.cluster.node_pools.append({"name": "b", "status": "RUNNING", "version": OLD})
    node(sandbox, "n1", OLD)
    node(sandbox, "n2", OLD, "b")
    pod(sandbox, "web-1", "n2", app="web")
    workload(sandbox, kind, replicas)

    outcome = await check()

    assert (f"blocked by {kind} shop/web" in outcome.summary.partition("pool b: ")[2]) is blocks
    assert "blocked" not in of(outcome, "pool a").message
    plural = kind.lower() + "s"
    assert (f"kubectl -n shop scale {plural} web --replicas=2" in of(outcome, "pool b").remedy) is blocks


async def test_what_would_block_is_only_mentioned_while_there_is_nothing_to_upgrade(
    check: Check, sandbox: Sandbox
) -> None:
    pod(sandbox, "web-1", "n1", app="web")
    budget(sandbox, {}, {"disruptionsAllowed": 0})

    outcome = await check()

    assert outcome.judged() == Status.OK
    assert "would block an upgrade: PodDisruptionBudget shop/web allows no eviction" in of(outcome, "pool a").message


async def test_blockers_of_other_namespaces_are_found_where_one_asks_for_them(check: Check, sandbox: Sandbox) -> None:
    node(sandbox, "n1", OLD)
    budget(sandbox, {}, {"disruptionsAllowed": 0}, namespace="other")
    metadata = {"name": "x", "namespace": "other"}
    running = {"spec": {"nodeName": "n1", "containers": []}, "status": {"phase": "Running"}}
    sandbox.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata} | running)

    assert "blocked" not in (await check()).summary
    assert "blocked" not in (await check(blockers="off")).summary
    assert "blocked by PodDisruptionBudget other/web" in (await check(blockers="cluster")).summary


def test_rights_are_asked_for_where_blockers_are_looked_for() -> None:
    def lists(namespace: str | None) -> tuple[Rule, ...]:
        names = ("pods", "poddisruptionbudgets.policy", "deployments.apps", "statefulsets.apps")
        return tuple(Rule(name, "list", namespace=namespace) for name in names)

    nodes = Rule("nodes", "list")
    assert KIND.rules(VersionCheck(), TARGET) == (nodes, *lists("shop"))
    assert KIND.rules(VersionCheck(blockers="cluster"), TARGET) == (nodes, *lists(None))
    assert KIND.rules(VersionCheck(blockers="off"), TARGET) == (nodes,)
    assert KIND.rules(VersionCheck(), Target(namespace="shop")) == (nodes,)
    assert KIND.permissions(VersionCheck(), Target(namespace="shop")) == ()


async def test_each_right_in_google_cloud_is_needed_and_named_when_it_is_missing(
    check: Check, google: GkeStandIn
) -> None:
    declared = {each.name for each in KIND.permissions(VersionCheck(), TARGET)}
    assert declared == google.permissions

    for permission in sorted(declared):
        google.permissions = declared - {permission}
        outcome = await check()

        assert outcome.judged() == Status.PARTIAL
        assert f"{permission} is missing in project p" in outcome.findings[-1].message
        assert outcome.findings[-1].remedy.startswith("gcloud ")
        assert "pool a: current" in outcome.summary


@pytest.mark.parametrize(
    ("method", "code", "unknown"),
    [
        ("GetCluster", "NOT_FOUND", "Google's view"),
        ("GetServerConfig", "UNIMPLEMENTED", "versions on offer"),
        ("ListOperations", "UNIMPLEMENTED", "running operations"),
        ("FetchClusterUpgradeInfo", "UNIMPLEMENTED", "upgrades of the control plane"),
        ("FetchNodePoolUpgradeInfo", "INVALID_ARGUMENT", "upgrades of a"),
    ],
)
async def test_what_google_does_not_tell_is_named_and_the_run_partial(
    check: Check, google: GkeStandIn, method: str, code: str, unknown: str
) -> None:
    google.faults.append(GkeFault(method, code))

    outcome = await check()

    assert outcome.judged() == Status.PARTIAL
    assert outcome.summary == f"control plane v{MASTER}; pool a: current; not known: {unknown}"
    assert of(outcome, unknown).message.startswith("not known: ")


@pytest.mark.parametrize("fault", [{"code": "UNAVAILABLE"}, {"hang": True}], ids=str)
@pytest.mark.parametrize("method", ["GetCluster", "ListOperations"])
async def test_while_google_is_away_the_run_fails_and_may_be_tried_again(
    check: Check, google: GkeStandIn, method: str, fault: Json
) -> None:
    google.faults.append(GkeFault(method, **fault))

    with pytest.raises(Transient):
        await check()


@pytest.mark.parametrize(
    "method", ["GetCluster", "GetServerConfig", "FetchClusterUpgradeInfo", "FetchNodePoolUpgradeInfo", "ListOperations"]
)
async def test_a_field_from_the_future_is_never_ok(check: Check, google: GkeStandIn, method: str) -> None:
    google.faults.append(GkeFault(method, edit=field_from_the_future(1999)))

    outcome = await check()

    assert outcome.judged() == Status.ATTENTION
    unread = of(outcome, "GKE API").message.partition("cannot read it: ")[2]
    assert "field 1999" in unread
    assert (await check(accept_unread=unread.split(", "))).judged() == Status.OK


def set_state(google: GkeStandIn) -> None:
    container_v1.Cluster.pb(google.cluster).node_pools[0].status = 77


def set_reason(google: GkeStandIn) -> None:
    container_v1.NodePoolUpgradeInfo.pb(google.upgrades["a"]).paused_reason.append(42)


def set_auto_upgrade(google: GkeStandIn) -> None:
    container_v1.NodePoolUpgradeInfo.pb(google.upgrades["a"]).auto_upgrade_status[0] = 42


def set_operation(google: GkeStandIn) -> None:
    google.operations.append(container_v1.Operation(name="o", status="RUNNING", target_link="x/clusters/c/nodePools/a"))


def set_version(google: GkeStandIn) -> None:
    google.cluster.node_pools[0].version = "latest"


@pytest.mark.parametrize("spoil", [set_state, set_reason, set_auto_upgrade, set_operation, set_version])
async def test_a_value_that_nobody_knows_is_never_ok(
    check: Check, google: GkeStandIn, spoil: Callable[[GkeStandIn], None]
) -> None:
    spoil(google)

    outcome = await check()

    assert outcome.judged() == Status.ATTENTION
    assert of(outcome, "pool a").severity == "warning"


@pytest.mark.parametrize(
    ("channel", "standard", "extended", "severity", "says"),
    [
        ("REGULAR", "2027-01-22", "", "info", "standard support ends in 61 days (2027-01-22)"),
        ("REGULAR", "2027-01-20", "", "warning", "standard support ends in 59 days (2027-01-20)"),
        ("REGULAR", "2026-11-20", "2027-12-01", "error", "standard support ended 2 days ago (2026-11-20)"),
        ("EXTENDED", "2026-11-20", "2027-12-01", "info", "standard support ended 2 days ago (2026-11-20)"),
        ("EXTENDED", "2026-01-20", "2026-11-23", "warning", "extended support ends in 1 day (2026-11-23)"),
        ("REGULAR", "", "", "info", "Google does not say when standard support ends"),
    ],
)
async def test_the_end_of_support_that_counts_is_warned_of(
    check: Check, google: GkeStandIn, channel: str, standard: str, extended: str, severity: str, says: str
) -> None:
    google.cluster.release_channel.channel = channel
    google.upgrades["a"].end_of_standard_support_timestamp = standard
    google.upgrades["a"].end_of_extended_support_timestamp = extended

    found = of(await check(), "pool a")

    assert (found.severity, says in found.message) == (severity, True)


async def test_an_upgrade_under_way_is_said_and_nodes_may_differ_meanwhile(
    check: Check, sandbox: Sandbox, google: GkeStandIn
) -> None:
    node(sandbox, "n2", "1.32.9-gke.1")
    google.cluster.node_pools[0].status = "RECONCILING"
    link = "https://container.googleapis.com/v1/projects/1/zones/us-central1-a/clusters/c/nodePools/a"
    google.operations = [
        container_v1.Operation(
            name="operation-1",
            operation_type="UPGRADE_NODES",
            status="RUNNING",
            target_link=link,
            start_time="2026-11-22T09:30:00Z",
            detail="1 of 2 nodes",
        )
    ]

    outcome = await check()

    assert outcome.judged() == Status.OK
    assert outcome.summary == f"control plane v{MASTER}; pool a: 1 minor behind, upgrade under way"
    assert (
        "upgrade under way: UPGRADE_NODES operation-1 since 2026-11-22 09:30 UTC, 1 of 2 nodes"
        in of(outcome, "pool a").message
    )


async def test_a_pause_for_an_exclusion_blocks_an_upgrade_that_is_due(check: Check, google: GkeStandIn) -> None:
    google.upgrades["a"].paused_reason = ["MAINTENANCE_WINDOW", "MAINTENANCE_EXCLUSION_NO_UPGRADES"]
    window = google.cluster.maintenance_policy.window
    window.maintenance_exclusions = {
        "freeze": {"start_time": NOW - timedelta(days=1), "end_time": NOW + timedelta(days=1)},
        "later": {"start_time": NOW + timedelta(days=5), "end_time": NOW + timedelta(days=9)},
    }
    assert (await check()).judged() == Status.OK

    google.upgrades["a"].patch_target_version = "1.33.9-gke.1"
    outcome = await check()

    assert outcome.summary.endswith("pool a: current, blocked by a maintenance exclusion")
    assert (
        "upgrades wait: MAINTENANCE_WINDOW; upgrades blocked by MAINTENANCE_EXCLUSION_NO_UPGRADES "
        "(freeze until 2026-11-23 10:00 UTC)" in of(outcome, "pool a").message
    )


@pytest.mark.parametrize("status", ["RUNNING_WITH_ERROR", "ERROR", "STOPPING"])
async def test_a_pool_in_a_bad_state_is_an_error(check: Check, google: GkeStandIn, status: str) -> None:
    pool = google.cluster.node_pools[0]
    pool.status, pool.status_message = status, "no quota"
    pool.conditions = [{"code": "GCE_QUOTA_EXCEEDED", "message": "CPUS"}]

    found = of(await check(), "pool a")

    assert found.severity == "error"
    assert f"{status}: no quota; GCE_QUOTA_EXCEEDED: CPUS" in found.message


async def test_nodes_and_google_that_disagree_need_attention(
    check: Check, sandbox: Sandbox, google: GkeStandIn
) -> None:
    node(sandbox, "n1", "1.33.1-gke.7")
    node(sandbox, "n2", MASTER, "ghost")
    google.cluster.node_pools.append({"name": "empty", "status": "RUNNING", "version": "1.30.1-gke.1"})
    google.cluster.current_master_version = "1.33.5-gke.2"

    outcome = await check()

    assert outcome.summary == (
        f"control plane v{MASTER}, Google says otherwise; pool a: current, nodes differ, "
        "pool empty: unsupported, 3 minors behind and at most 2 are supported, pool ghost: current, not known to Google"
    )
    assert f"Google says {MASTER}, nodes say v1.33.1-gke.7" in of(outcome, "pool a").message
    assert "no nodes now" in of(outcome, "pool empty").message
    plane = of(outcome, "control plane")
    assert f"the API server says v{MASTER} and Google 1.33.5-gke.2" in plane.message
    assert plane.remedy.startswith("is this the cluster of `gke:`? compare: gcloud container clusters describe c ")


async def test_a_control_plane_behind_its_channels_default_is_told_what_to_type(
    check: Check, google: GkeStandIn
) -> None:
    google.config.channels[0].default_version = "1.35.1-gke.3"
    google.config.channels[0].valid_versions = ["1.35.1-gke.3"]

    outcome = await check()

    plane = of(outcome, "control plane")
    assert outcome.summary.startswith(f"control plane v{MASTER}, 2 minors behind the default of REGULAR; ")
    assert f"1.35.1-gke.3, and {MASTER} is no longer offered; " in plane.message
    assert plane.remedy == (
        "gcloud container clusters upgrade c --project=p --location=us-central1-a --master "
        "--cluster-version=1.35.1-gke.3"
    )
    assert of(await check(max_minor_behind=2), "control plane").severity == "info"


async def test_a_channel_of_which_nothing_is_offered_is_not_known(check: Check, google: GkeStandIn) -> None:
    google.cluster.release_channel.channel = "STABLE"

    outcome = await check()

    assert outcome.judged() == Status.ATTENTION
    assert outcome.summary.startswith(f"control plane v{MASTER}, default of its channel not known; ")


async def test_a_cluster_on_no_channel_is_held_against_the_default_of_its_location(
    check: Check, google: GkeStandIn
) -> None:
    google.cluster.release_channel.channel = "UNSPECIFIED"

    plane = of(await check(), "control plane")

    assert plane.severity == "info"
    assert f"not behind the default outside of release channels, {MASTER}" in plane.message


async def test_the_last_upgrade_that_failed_is_remembered(check: Check, google: GkeStandIn) -> None:
    google.upgrades["a"].upgrade_details = [
        {"state": "SUCCEEDED", "target_version": "1.33.3", "end_time": NOW - timedelta(days=9)},
        {"state": "FAILED", "target_version": MASTER, "end_time": NOW - timedelta(days=1)},
    ]

    found = of(await check(), "pool a")

    assert found.severity == "warning"
    assert f"the last upgrade, to {MASTER}, ended 2026-11-21 10:00 UTC as FAILED" in found.message


async def test_a_real_budget_and_a_real_lone_workload_are_found(
    cluster_backend: Backend, google: GkeStandIn, tmp_path: Path
) -> None:
    space = await cluster_backend.namespace()
    name = f"{space}-node"
    label = {POOL: "a", "app": space}
    status = {"nodeInfo": {"kubeletVersion": "v1.20.3-gke.1"}}
    await cluster_backend.apply(
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": label}, "status": status}
    )
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    spec = {"nodeName": name, "containers": [{"name": "c", "image": "i"}], "tolerations": [{"operator": "Exists"}]}
    head = {"metadata": {"name": "web", "namespace": space, "labels": {"app": "web"}}}
    await cluster_backend.apply({"apiVersion": "v1", "kind": "Pod", **head, "spec": spec, "status": ready})
    selector = {"matchLabels": {"app": "web"}}
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    deployment = {"replicas": 1, "selector": selector, "template": template, "paused": True}
    await cluster_backend.apply({"apiVersion": "apps/v1", "kind": "Deployment", **head, "spec": deployment})
    says = {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}
    tight = {"spec": {"minAvailable": 1, "selector": selector}, "status": says | {"observedGeneration": 1}}
    await cluster_backend.apply({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", **head, **tight})
    target = Target(namespace=space, gke=WHERE)
    api = await Api.connect(await cluster_backend.grant(KIND.rules(VersionCheck(), target)))
    try:
        async with Google(google.endpoint) as client:
            outcome: Outcome = await KIND.run(context(ClusterReader(api), client.of(WHERE), target), VersionCheck())
    finally:
        await api.close()

    found = of(outcome, "pool a")
    assert found.severity == "error"
    assert f"blocked: PodDisruptionBudget {space}/web allows no eviction (1 running pod here)" in found.message
    assert f"blocked: Deployment {space}/web has a single replica" in found.message
