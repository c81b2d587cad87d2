"""What a backup holds, against the sandbox and, in `make test-cluster`, a real control plane."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from maintd.core.limits import PROTECT
from maintd.core.outcome import Status
from maintd.core.resource import Json
from maintd.core.target import Target
from maintd.kinds.protect.backup import KIND
from maintd.objects.builtin import NAMESPACED, UNNAMESPACED
from maintd.objects.exclusions import left_out_kind
from maintd.sandbox.server import Sandbox
from tests.conftest import Backend
from tests.kinds_backup.conftest import Desk

SCRIPT = '#!/bin/sh\nset -eu\n\nif [ -n "$DEBUG" ]; then\n    set -x\nfi\n'
CANARY = "Y2FuYXJ5LXRoYXQtbXVzdC1ub3QtbGVhaw=="
TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def made_by_hand(space: str) -> list[Json]:
    """An application, as somebody wrote it."""
    data = {"FLAG": "on", "GIT_SHA": "12e4567", "start.sh": SCRIPT}
    request = {"requests": {"storage": "1Gi"}}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    parts: list[tuple[str, str, str, Json]] = [
        ("v1", "ConfigMap", "settings", {"data": data, "binaryData": {"logo.png": "iVBORw0KGgo="}}),
        ("v1", "Secret", "password", {"data": {"password": CANARY}}),
        ("v1", "Service", "web", {"spec": {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80}]}}),
        ("v1", "Service", "peers", {"spec": {"clusterIP": "None", "selector": {"a": "b"}, "ports": [{"port": 81}]}}),
        ("v1", "PersistentVolumeClaim", "files", {"spec": {"accessModes": ["ReadWriteOnce"], "resources": request}}),
        (
            "apps/v1",
            "Deployment",
            "web",
            {"spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}},
        ),
        ("rbac.authorization.k8s.io/v1", "Role", "reader", {"rules": rules}),
    ]
    return [
        {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": space}} | more
        for version, kind, name, more in parts
    ]


@pytest.fixture
async def space(cluster_backend: Backend) -> str:
    name = await cluster_backend.namespace()
    for obj in made_by_hand(name):
        await cluster_backend.apply(obj)
    return name


async def test_a_namespace_is_written_as_files_that_people_and_kubectl_can_read(
    cluster_backend: Backend, desk: Desk, space: str
) -> None:
    made = await desk.backup(cluster_backend.kubeconfig, namespaces=[space])

    kinds = ("configmaps", "deployments.apps", "persistentvolumeclaims", "roles.rbac.authorization.k8s.io", "services")
    assert list(made.files) == ["_cluster/namespaces.yaml", *(f"{space}/{kind}.yaml" for kind in kinds)]
    assert made.files[f"{space}/configmaps.yaml"].decode() == (
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n"
        f"  namespace: {space}\n"
        "data:\n  FLAG: 'on'\n  GIT_SHA: '12e4567'\n  start.sh: |\n"
        + "".join(f"    {line}\n" if line else "\n" for line in SCRIPT.splitlines())
        + "binaryData:\n  logo.png: iVBORw0KGgo=\n"
    )
    assert made.names("_cluster/namespaces.yaml") == [space]


async def test_objects_are_free_of_what_a_restore_must_not_carry(
    cluster_backend: Backend, desk: Desk, space: str
) -> None:
    made = await desk.backup(cluster_backend.kubeconfig, namespaces=[space])

    documents = [document for path in made.files for document in made.documents(path)]
    assert {key for document in documents for key in document["metadata"]} == {"name", "namespace"}
    assert not [document for document in documents if "status" in document]
    web, peers = sorted(
        made.documents(f"{space}/services.yaml"), key=lambda service: service["metadata"]["name"] != "web"
    )
    assert not {"clusterIP", "clusterIPs"} & set(web["spec"])
    assert not [port for port in web["spec"]["ports"] if "nodePort" in port]
    assert peers["spec"]["clusterIP"] == "None"


async def test_no_secret_is_in_it_and_the_summary_says_so(cluster_backend: Backend, desk: Desk, space: str) -> None:
    plain = await desk.backup(cluster_backend.kubeconfig, namespaces=[space])
    counted = await desk.backup(cluster_backend.kubeconfig, namespaces=[space], count_secrets=True)

    assert plain.outcome.judged() is Status.OK
    assert plain.outcome.summary.endswith("KiB, Secrets left out")
    assert counted.outcome.summary.endswith("KiB, Secrets left out (1)")
    assert [(row.count, row.namespaces) for row in counted.manifest.left_out if row.rule == "secrets"] == [
        (1, {space: 1})
    ]
    everything = [file.read_bytes() for file in desk.root.rglob("*") if file.is_file()]
    assert not [data for data in everything if CANARY.encode() in data]


async def test_the_manifest_names_claims_whose_data_is_not_in_it(
    cluster_backend: Backend, desk: Desk, space: str
) -> None:
    made = await desk.backup(cluster_backend.kubeconfig, namespaces=[space])

    assert [(claim.namespace, claim.name, claim.request) for claim in made.manifest.volumes.claims] == [
        (space, "files", "1Gi")
    ]
    assert "data in volumes is not in this backup" in made.manifest.volumes.note
    assert [found.severity for found in made.outcome.findings] == ["info"]


async def test_two_backups_of_an_unchanged_namespace_are_the_same_bytes(
    cluster_backend: Backend, desk: Desk, space: str
) -> None:
    first = await desk.backup(cluster_backend.kubeconfig, namespaces=[space])
    second = await desk.backup(cluster_backend.kubeconfig, namespaces=[space])

    assert first.files == second.files
    assert first.manifest.id != second.manifest.id


async def test_the_manifest_says_of_which_cluster_it_is(cluster_backend: Backend, desk: Desk, space: str) -> None:
    system = await cluster_backend.request("GET", "/api/v1/namespaces/kube-system")
    version = await cluster_backend.request("GET", "/version")

    made = await desk.backup(cluster_backend.kubeconfig, namespaces=[space])

    assert made.manifest.kube_system_uid == system.json["metadata"]["uid"]
    assert made.manifest.server_version == version.json["gitVersion"]
    assert (made.manifest.cluster, made.manifest.run_id) == ("test", "20261122T030000Z-backup-abc123")
    assert made.manifest.started <= made.manifest.ended


async def test_a_backup_is_named_by_the_clock_that_all_of_this_cluster_share(desk: Desk, tmp_path: Path) -> None:
    """maintd's own may be behind: then its newest backup would pass for an old one."""
    async with Sandbox(clock=lambda: datetime(2050, 1, 2, 3, tzinfo=UTC)) as sandbox:
        made = await desk.backup(sandbox.kubeconfig(tmp_path / "kubeconfig"))

    assert (made.manifest.id[:16], made.manifest.started.year < 2050) == ("20500102T030000Z", True)


async def test_everything_that_discovery_finds_is_read_or_left_out_by_a_rule(
    cluster_backend: Backend, desk: Desk
) -> None:
    await cluster_backend.namespace()

    made = await desk.backup(cluster_backend.kubeconfig)

    read = [row.resource for row in made.manifest.lists]
    whole_kinds = [row.resource for row in made.manifest.left_out if row.count is None]
    assert made.manifest.complete
    assert sorted(read + whole_kinds) == sorted(resource.name for resource in await discovered(cluster_backend))


async def discovered(backend: Backend) -> tuple[Any, ...]:
    from maintd.cluster.api import Api
    from maintd.cluster.reader import ClusterReader

    api = await Api.connect(backend.kubeconfig)
    try:
        return (await ClusterReader(api).discover()).resources
    finally:
        await api.close()


async def test_the_rights_it_asks_for_are_those_of_what_kubernetes_serves(cluster_backend: Backend) -> None:
    served = [resource for resource in await discovered(cluster_backend) if not left_out_kind(resource)]
    known = {resource.name for resource in served if resource.group != "example.com"}

    asked = {*NAMESPACED, *UNNAMESPACED}

    assert known - asked == set()
    if cluster_backend.sandbox is None:
        assert asked - known == set()


async def test_a_new_cluster_holds_hardly_anything_that_is_worth_a_backup(cluster_backend: Backend, desk: Desk) -> None:
    made = await desk.backup(cluster_backend.kubeconfig, exclude_namespaces=["test-*", "t"])

    kept = {f"{path}:{name}" for path in made.files for name in made.names(path)}
    system = {
        f"_cluster/namespaces.yaml:{name}" for name in ("default", "kube-node-lease", "kube-public", "kube-system")
    }
    assert system <= kept
    assert not {entry for entry in kept - system if "default" in entry}


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}


async def test_custom_resources_are_in_it_with_their_definition(cluster_backend: Backend, desk: Desk) -> None:
    space = await cluster_backend.namespace()
    await cluster_backend.apply(CRD)
    path = f"/apis/example.com/v1/namespaces/{space}/widgets"
    await cluster_backend.wait_for(path)
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": {"ratio": 0.5, "size": "1e3"}}
    sent = widget | {"metadata": {"name": "w", "annotations": {PROTECT: "true"}}}
    assert (await cluster_backend.request("POST", path, sent)).status == 201

    made = await desk.backup(cluster_backend.kubeconfig, kinds=["*.example.com", "customresourcedefinitions.*"])

    assert made.documents(f"{space}/widgets.example.com.yaml") == [
        widget | {"metadata": {"name": "w", "namespace": space, "annotations": {PROTECT: "true"}}}
    ]
    assert "widgets.example.com" in made.names("_cluster/customresourcedefinitions.apiextensions.k8s.io.yaml")


async def test_a_job_on_a_target_covers_its_namespace_with_rights_in_it_alone(
    cluster_backend: Backend, desk: Desk, space: str
) -> None:
    target = Target(namespace=space)
    kubeconfig = await cluster_backend.grant(KIND.rules(KIND.params(), target))

    made = await desk.backup(kubeconfig, target=target)

    assert made.outcome.judged() is Status.OK
    assert {path.partition("/")[0] for path in made.files} == {"_cluster", space}
    assert made.manifest.namespaces == (space,)


async def test_namespaces_are_chosen_by_pattern(cluster_backend: Backend, desk: Desk, space: str) -> None:
    other = await cluster_backend.namespace()
    await cluster_backend.request("POST", f"/api/v1/namespaces/{other}/configmaps", {"metadata": {"name": "mine"}})

    made = await desk.backup(
        cluster_backend.kubeconfig, namespaces=[f"*{other[-4:]}"], kinds=["configmaps", "namespaces"]
    )

    assert {path: made.names(path) for path in made.files} == {
        "_cluster/namespaces.yaml": [other],
        f"{other}/configmaps.yaml": ["mine"],
    }


async def test_owned_and_finished_pods_stay_out(cluster_backend: Backend, desk: Desk) -> None:
    space = await cluster_backend.namespace()
    metadata = {"name": "owner", "namespace": space}
    owner = await cluster_backend.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    for name, metadata, status in (
        ("owned", {"ownerReferences": [reference | {"controller": True}]}, {}),
        ("finished", {}, {"status": {"phase": "Failed"}}),
        ("bare", {"ownerReferences": [reference]}, {"status": {"phase": "Running"}}),
    ):
        head = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": space} | metadata}
        await cluster_backend.apply(head | {"spec": TEMPLATE["spec"]} | status)

    made = await desk.backup(cluster_backend.kubeconfig, namespaces=[space], kinds=["pods"])

    assert made.names(f"{space}/pods.yaml") == ["bare"]
    left_out = {row.rule: row.count for row in made.manifest.left_out if row.resource == "pods"}
    assert left_out == {"finished": 1, "owned": 1}
