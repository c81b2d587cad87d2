"""What of a backup is meant, and what is said where nothing of it is."""

from datetime import UTC, datetime
from typing import Any

import pytest

from maintd.core.errors import ConfigError
from maintd.objects.backup_manifest import LeftOut, ListRead, Manifest, NotWhole, StoredFile
from maintd.recovery.selection import Asked, Selection, choose
from maintd.recovery.source import anywhere

AT = datetime(2026, 11, 20, 3, tzinfo=UTC)


def stored(path: str, kind: str, count: int = 1) -> StoredFile:
    namespace, name = path.removesuffix(".yaml").split("/")
    sums: dict[str, Any] = {"size": 1, "sha256": "a", "stored_size": 1, "stored_sha256": "a"}
    space = "" if namespace == "_cluster" else namespace
    return StoredFile(path=path, resource=name, kind=kind, namespace=space, count=count, **sums)


def read(resource: str, version: str, kind: str, *, namespaced: bool = True) -> ListRead:
    return ListRead(resource=resource, api_version=version, kind=kind, namespaced=namespaced, objects=1)


MANIFEST = Manifest(
    id="20261120T030000Z-abcdef",
    run_id="r",
    cluster="c",
    kube_system_uid="u",
    server_version="v1.35.4",
    maintd_version="0",
    started=AT,
    ended=AT,
    lists=(
        read("namespaces", "v1", "Namespace", namespaced=False),
        read("configmaps", "v1", "ConfigMap"),
        read("deployments.apps", "apps/v1", "Deployment"),
        read("clusterroles.rbac.authorization.k8s.io", "rbac.authorization.k8s.io/v1", "ClusterRole", namespaced=False),
        read("widgets.example.com", "example.com/v1beta1", "Widget"),
    ),
    files=(
        stored("_cluster/namespaces.yaml", "Namespace", 2),
        stored("_cluster/clusterroles.rbac.authorization.k8s.io.yaml", "ClusterRole"),
        stored("shop/configmaps.yaml", "ConfigMap"),
        stored("shop/deployments.apps.yaml", "Deployment"),
        stored("bank/configmaps.yaml", "ConfigMap"),
    ),
    left_out=(LeftOut(rule="secrets", reason="a backup is not encrypted", resource="secrets"),),
    not_whole=(NotWhole(resource="ingresses.networking.k8s.io", why="denied", remedy="grant it"),),
)


def paths(selection: Selection) -> list[str]:
    return [file.path for file in selection.files]


@pytest.mark.parametrize(
    "word",
    ["deploy", "deployment", "Deployment", "deployments", "deployments.apps", "deployment.apps", "deployments.v1.apps"],
)
def test_a_kind_is_known_by_every_name_that_kubectl_knows(word: str) -> None:
    assert paths(choose(MANIFEST, Asked(kinds=(word,)))) == ["shop/deployments.apps.yaml"]


def test_only_the_files_that_may_hold_what_is_meant_are_read() -> None:
    assert paths(choose(MANIFEST, Asked())) == [
        "_cluster/namespaces.yaml",
        "shop/configmaps.yaml",
        "bank/configmaps.yaml",
        "shop/deployments.apps.yaml",
        "_cluster/clusterroles.rbac.authorization.k8s.io.yaml",
    ]
    in_shop = choose(MANIFEST, Asked(namespaces=("shop",)))
    assert paths(in_shop) == ["_cluster/namespaces.yaml", "shop/configmaps.yaml", "shop/deployments.apps.yaml"]
    assert paths(choose(MANIFEST, Asked(names=("deploy/web", "cm/flags")))) == [
        "shop/configmaps.yaml",
        "bank/configmaps.yaml",
        "shop/deployments.apps.yaml",
    ]


def test_a_namespace_goes_with_what_is_in_it_and_names_narrow_further() -> None:
    selection = choose(MANIFEST, Asked(namespaces=("shop",), names=("shop", "deploy/web")))
    resources = {part.resource.plural: part.resource for part in selection.parts}

    def wants(plural: str, name: str, namespace: str = "") -> bool:
        return selection.wants(resources[plural], {"metadata": {"name": name, "namespace": namespace}})

    assert wants("namespaces", "shop")
    assert not wants("namespaces", "bank")
    assert wants("deployments", "web", "shop")
    assert not wants("deployments", "web", "bank")
    assert not wants("configmaps", "web", "shop")
    assert wants("configmaps", "shop", "shop")


def test_what_the_backup_lacks_of_what_is_meant_is_named_and_nothing_else() -> None:
    assert choose(MANIFEST, Asked(kinds=("ingress",))).not_whole == MANIFEST.not_whole
    assert choose(MANIFEST, Asked(kinds=("cm",))).not_whole == ()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (
            Asked(namespaces=("shob",)),
            "backup 20261120T030000Z-abcdef has nothing of namespace shob; did you mean shop?; it has bank, shop",
        ),
        (
            Asked(kinds=("deploymnt",)),
            (
                "backup 20261120T030000Z-abcdef has no kind deploymnt; did you mean deployment?; it has "
                "clusterroles.rbac.authorization.k8s.io, configmaps, deployments.apps, namespaces"
            ),
        ),
        (
            Asked(namespaces=("shop",), kinds=("clusterrole",)),
            (
                "backup 20261120T030000Z-abcdef has no clusterroles.rbac.authorization.k8s.io of namespace shop; "
                "leave out -n or --kind"
            ),
        ),
        (
            Asked(kinds=("secret",)),
            "backup 20261120T030000Z-abcdef has no secrets: they were left out, a backup is not encrypted",
        ),
    ],
)
def test_what_the_backup_has_nothing_of_is_said_with_what_to_type(asked: Asked, says: str) -> None:
    with pytest.raises(ConfigError) as raised:
        choose(MANIFEST, asked)
    assert str(raised.value) == says


def test_a_name_that_nothing_has_is_said_with_the_nearest_one() -> None:
    selection = choose(MANIFEST, Asked(namespaces=("shop",), names=("deploy/wep", "flags")))
    selection.check_found({("deployments.apps", "wep"), ("configmaps", "flags")})
    with pytest.raises(ConfigError) as raised:
        selection.check_found({("deployments.apps", "web"), ("configmaps", "flags")})
    says = "nothing was found that is called deployments.apps wep in namespace shop; did you mean web?"
    assert str(raised.value) == says


@pytest.mark.parametrize(
    ("url", "where", "backup_id"),
    [
        ("gs://b1c/maintd/prod/backups/ID", "gs://b1c/maintd/prod/x", "ID"),
        ("gs://b1c/prod/backups/ID/manifest.json", "gs://b1c/prod/x", "ID"),
        ("file:///srv/store/prod/backups/ID/", "file:///srv/store/prod/x", "ID"),
        ("file:///prod/backups", "file:///prod/x", ""),
    ],
)
def test_a_backup_anywhere_is_found_by_its_url(url: str, where: str, backup_id: str) -> None:
    store, found = anywhere(url)
    assert (store.url("x"), found) == (where, backup_id)


@pytest.mark.parametrize("url", ["", "backups/ID", "s3://b/c/backups/ID", "gs://bucket/prod", "gs://B/c/backups/ID"])
def test_what_is_no_place_of_a_backup_is_said_in_the_words_of_the_option(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        anywhere(url)
    assert str(raised.value).startswith("--from")
    assert "MAINTD" not in str(raised.value)
