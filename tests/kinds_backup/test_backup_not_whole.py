"""What could not be read whole is partial by name; half a list is used for nothing; the manifest comes last."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maintd.cluster.reader import ClusterReader
from maintd.core.errors import Denied, Missing, Transient
from maintd.core.outcome import Status
from maintd.core.ports import Page, Stored
from maintd.core.resource import Resource
from maintd.core.rules import Rule
from maintd.core.target import Target
from maintd.kinds.protect.backup import KIND
from maintd.sandbox.faults import Fault, html, null_items, status_for_a_list, truncated, unavailable
from maintd.sandbox.reply import Reply
from maintd.sandbox.server import Sandbox
from maintd.storage.folder import FolderStore
from tests.kinds_backup.conftest import Desk

CONFIG_MAPS = "/api/v1/configmaps"
GONE = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Expired", "code": 410, "message": "old"}


@pytest.fixture
def kubeconfig(sandbox: Sandbox, tmp_path: Path) -> Path:
    """Of an admin of a cluster with two pages of ConfigMaps, the first of which ends a namespace, and a Service."""
    for number in range(700):
        metadata = {"name": f"c{number:03}", "namespace": "a" if number < 300 else "b"}
        sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v"}})
    sandbox.put({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "a"}, "spec": {}})
    return sandbox.kubeconfig(tmp_path / "kubeconfig")


@pytest.mark.parametrize(
    "fault",
    [
        Fault("list", CONFIG_MAPS, nth=2, answer=html()),
        Fault("list", CONFIG_MAPS, nth=2, edit=truncated),
        Fault("list", CONFIG_MAPS, nth=2, edit=null_items),
        Fault("list", CONFIG_MAPS, nth=2, answer=status_for_a_list()),
        Fault("list", CONFIG_MAPS, nth=2, answer=Reply(501, b"{}")),
        Fault("list", CONFIG_MAPS, nth=2, times=9, answer=Reply(410, json.dumps(GONE).encode())),
        Fault("list", CONFIG_MAPS, nth=1, answer=html()),
    ],
    ids=["html", "truncated", "null", "status", "501", "410 again", "first page"],
)
async def test_half_a_list_is_used_for_nothing(sandbox: Sandbox, desk: Desk, kubeconfig: Path, fault: Fault) -> None:
    sandbox.faults.append(fault)

    made = await desk.backup(kubeconfig)

    assert made.outcome.judged() is Status.PARTIAL
    assert [str(row) for row in made.manifest.not_whole] == ["configmaps"]
    assert made.outcome.summary.endswith("not whole: configmaps")
    assert not made.manifest.complete
    assert not [path for path in made.files if "configmaps" in path]
    assert "a/services.yaml" in made.files


class Curtailed(ClusterReader):
    """Ends every list of two pages after the first."""

    async def pages(self, resource: Resource, namespace: str | None = None, **selectors: str) -> AsyncIterator[Page]:
        async for page in super().pages(resource, namespace, **selectors):
            yield page
            if not page.last:
                return


async def test_a_list_that_stops_before_its_last_page_is_not_whole(desk: Desk, kubeconfig: Path) -> None:
    made = await desk.backup(kubeconfig, reader=Curtailed)

    assert [(row.resource, row.why) for row in made.manifest.not_whole] == [
        ("configmaps", "the list ended before its last page")
    ]
    assert not [path for path in made.files if "configmaps" in path]


async def test_a_list_that_is_started_over_is_in_it_once(sandbox: Sandbox, desk: Desk, kubeconfig: Path) -> None:
    sandbox.faults.append(Fault("list", CONFIG_MAPS, nth=2, answer=Reply(410, json.dumps(GONE).encode())))

    made = await desk.backup(kubeconfig)

    assert made.outcome.judged() is Status.OK
    assert made.names("a/configmaps.yaml") == [f"c{number:03}" for number in range(300)]
    assert made.names("b/configmaps.yaml") == [f"c{number:03}" for number in range(300, 700)]
    counts = {row.rule: row.namespaces for row in made.manifest.left_out if row.resource == "configmaps"}
    assert counts["root-certificate"] == dict.fromkeys(
        ("a", "b", "default", "kube-node-lease", "kube-public", "kube-system"), 1
    )


async def test_a_passing_fault_is_not_noticed(sandbox: Sandbox, desk: Desk, kubeconfig: Path) -> None:
    sandbox.faults.append(Fault("list", CONFIG_MAPS, nth=2, answer=unavailable(503)))
    sandbox.faults.append(Fault("list", "/api/v1/services", reset="before"))

    made = await desk.backup(kubeconfig)

    assert made.manifest.complete
    assert made.names("a/services.yaml") == ["s"]


async def test_a_kind_that_may_not_be_read_is_named_with_the_rule_to_grant(
    sandbox: Sandbox, desk: Desk, kubeconfig: Path, tmp_path: Path
) -> None:
    rules = [rule for rule in KIND.rules(KIND.params(), Target()) if rule.resource != "services"]
    sandbox.grant("maintd", rules)

    made = await desk.backup(sandbox.kubeconfig(tmp_path / "maintd", "maintd"))

    assert made.outcome.judged() is Status.PARTIAL
    [finding] = [found for found in made.outcome.findings if found.severity == "error"]
    assert finding.subject == "services"
    assert Rule("services", "list").as_yaml() in finding.message
    assert finding.remedy == "grant the right, or leave it out: exclude_kinds: [services]"
    assert "a/configmaps.yaml" in made.files
    assert not [path for path in made.files if "services" in path]


async def test_without_any_right_there_is_no_backup(
    sandbox: Sandbox, desk: Desk, kubeconfig: Path, tmp_path: Path
) -> None:
    sandbox.grant("nearly", [Rule("namespaces", "get", names=["kube-system"])])

    outcome = await desk.run(sandbox.kubeconfig(tmp_path / "nearly", "nearly"))
    with pytest.raises(Denied, match="get namespaces"):
        await desk.run(sandbox.kubeconfig(tmp_path / "nobody", "nobody"))

    assert outcome.judged() is Status.FAILED
    assert outcome.artifacts == ()
    assert desk.written() == []


async def test_a_namespace_that_is_not_there_is_named(desk: Desk, kubeconfig: Path) -> None:
    made = await desk.backup(kubeconfig, namespaces=["a", "c"])
    nothing = await desk.run(kubeconfig, namespaces=["c"])

    assert made.outcome.judged() is Status.PARTIAL
    assert [(row.resource, "namespaces/c" in row.why) for row in made.manifest.not_whole] == [("namespaces", True)]
    assert "a/configmaps.yaml" in made.files
    assert nothing.judged() is Status.FAILED


async def test_a_kind_that_nobody_serves_is_named(desk: Desk, kubeconfig: Path) -> None:
    made = await desk.backup(kubeconfig, kinds=["service", "configmaps"])

    assert made.outcome.judged() is Status.PARTIAL
    assert "did you mean services?" in made.manifest.not_whole[0].why


async def test_an_object_that_cannot_be_written_is_named(sandbox: Sandbox, desk: Desk, kubeconfig: Path) -> None:
    metadata = {"name": "odd", "namespace": "a"}
    sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "x" * 9_000_000}})

    made = await desk.backup(kubeconfig)

    assert made.outcome.judged() is Status.PARTIAL
    assert [str(row) for row in made.manifest.not_whole] == ["configmaps odd in a"]
    assert len(made.names("a/configmaps.yaml")) == 300


async def test_a_cluster_without_discovery_or_identity_fails_before_anything_is_written(
    sandbox: Sandbox, desk: Desk, kubeconfig: Path
) -> None:
    sandbox.faults.append(Fault("get", "/apis", answer=html()))
    with pytest.raises(Exception, match="reply"):
        await desk.run(kubeconfig)
    sandbox.remove("v1", "Namespace", "kube-system")
    with pytest.raises(Missing):
        await desk.run(kubeconfig)

    assert desk.written() == []


class Recording(FolderStore):
    """Says in which order things were written, and fails at one of them where it is told to."""

    order: list[str]
    fails_at: int

    async def create(self, path: str, data: bytes) -> Stored:
        if len(self.order) == self.fails_at:
            raise Transient("the disk is full")
        self.order.append(path)
        return await super().create(path, data)


def recording(desk: Desk, fails_at: int = -1) -> Recording:
    store = Recording(desk.root, "test")
    store.order, store.fails_at = [], fails_at
    return store


async def test_the_manifest_is_written_last(desk: Desk, kubeconfig: Path) -> None:
    store = recording(desk)

    await desk.run(kubeconfig, store=store)

    assert [path.endswith("/manifest.json") for path in store.order] == [False] * (len(store.order) - 1) + [True]


@pytest.mark.parametrize("fails_at", range(4))
async def test_a_store_that_fails_leaves_no_manifest(desk: Desk, kubeconfig: Path, fails_at: int) -> None:
    store = recording(desk, fails_at)

    with pytest.raises(Transient, match="disk is full"):
        await desk.run(kubeconfig, store=store, kinds=["configmaps", "services"])

    assert not [path for path in desk.written() if path.endswith("manifest.json")]


async def test_no_request_writes_to_the_cluster(sandbox: Sandbox, desk: Desk, kubeconfig: Path) -> None:
    sandbox.requests.clear()

    await desk.run(kubeconfig)

    assert {request.verb for request in sandbox.requests} == {"get", "list"}
    assert not [request for request in sandbox.requests if request.resource == "secrets"]
