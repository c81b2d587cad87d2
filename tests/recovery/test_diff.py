"""What has changed in the cluster since a backup, against the sandbox and, in `make test-cluster`, a real one."""

from typing import Any

import pytest

from maintd.core.errors import ConfigError
from maintd.core.resource import Json
from maintd.core.rules import Rule
from tests.recovery.conftest import Shop, config_map

BOX = "spec.template.spec.containers[web]"


async def test_what_has_not_changed_prints_nothing(shop: Shop) -> None:
    await shop.backup()
    held = await shop.held()
    assert (held.comparison.objects, held.comparison.unchecked, held.same_cluster) == ((), (), True)
    assert held.comparison.same == held.manifest.objects > 2


async def test_an_image_that_moved_is_that_line_and_no_other(shop: Shop) -> None:
    await shop.backup()
    await shop.replace("deployments", "web", image="shop:2")
    assert await shop.diff() == (1, ["~ deployments.apps NS/web", f"    ~ {BOX}.image: shop:1 -> shop:2"])


CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    (
        {
            "env": [
                {"name": "DEBUG", "value": "1"},
                {"name": "A", "value": "1"},
                {"name": "GIT_SHA", "value": "12e4567"},
            ]
        },
        [f'    + {BOX}.env[DEBUG]: {{"name": "DEBUG", "value": "1"}}'],
    ),
    ({"env": [{"name": "A", "value": "1"}]}, [f'    - {BOX}.env[GIT_SHA]: {{"name": "GIT_SHA", "value": "12e4567"}}']),
    (
        {"env": [{"name": "GIT_SHA", "value": "12e4567"}, {"name": "A", "value": "1"}]},
        [f"    ~ {BOX}.env: in another order", '      - ["A", "GIT_SHA"]', '      + ["GIT_SHA", "A"]'],
    ),
    ({"args": ["--port", "81"]}, [f"    ~ {BOX}.args[1]: 80 -> 81"]),
    ({"pod": {"nodeSelector": {"a.io/b": "c"}}}, ['    + spec.template.spec.nodeSelector: {"a.io/b": "c"}']),
]


@pytest.mark.parametrize(("change", "lines"), CHANGES)
async def test_each_change_is_told_at_its_place(shop: Shop, change: dict[str, Any], lines: list[str]) -> None:
    await shop.backup()
    await shop.replace("deployments", "web", **change)
    assert await shop.diff() == (1, ["~ deployments.apps NS/web", *lines])


async def test_a_sidecar_that_somebody_added_is_one_addition(shop: Shop) -> None:
    await shop.backup()
    path = shop.path("deployments", "web")
    live = (await shop.backend.request("GET", path)).json
    live["spec"]["template"]["spec"]["containers"].append({"name": "proxy", "image": "proxy:1"})
    await shop.backend.request("PUT", path, live)

    code, [head, line] = await shop.diff()

    assert (code, head) == (1, "~ deployments.apps NS/web")
    assert line.startswith('    + spec.template.spec.containers[proxy]: {"')


async def test_both_directions_are_told_of_keys_and_of_objects(shop: Shop) -> None:
    await shop.make(config_map("gone", A="1"))
    await shop.backup()
    await shop.change("configmaps", "flags", {"data": {"FLAG": None, "NEW": "1"}, "metadata": {"labels": {"a": "b"}}})
    await shop.delete("configmaps", "gone")
    await shop.make(config_map("new", A="1"))

    assert await shop.diff() == (
        1,
        [
            "~ configmaps NS/flags",
            "    + metadata.labels: {\"a\": \"b\"}",
            "    - data.FLAG: on",
            "    + data.NEW: 1",
            "- configmaps NS/gone: missing from the cluster",
            "+ configmaps NS/new: only in the cluster",
        ],
    )  # fmt: skip


async def test_text_of_several_lines_is_told_line_by_line(shop: Shop) -> None:
    await shop.backup()
    await shop.change("configmaps", "flags", {"data": {"start.sh": "#!/bin/sh\nset -eux\nexec shop\n"}})
    assert await shop.diff() == (
        1,
        [
            "~ configmaps NS/flags",
            '    ~ data["start.sh"]:',
            "      @@ -1,3 +1,3 @@",
            "        #!/bin/sh",
            "      - set -eu",
            "      + set -eux",
            "        exec shop",
        ],
    )


def autoscaler() -> Json:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 5, "metrics": []}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": spec,
    }


@pytest.mark.parametrize("made", ["before the backup", "after it", "and deleted"])
async def test_replicas_that_an_autoscaler_owns_are_no_difference(shop: Shop, made: str) -> None:
    if made != "after it":
        await shop.make(autoscaler())
    await shop.backup(kinds=["deployments.apps", "horizontalpodautoscalers.autoscaling"])
    if made == "after it":
        await shop.make(autoscaler())
    if made == "and deleted":
        path = f"/apis/autoscaling/v2/namespaces/{shop.space}/horizontalpodautoscalers/web"
        assert (await shop.backend.request("DELETE", path)).status == 200
    await shop.change("deployments", "web", {"spec": {"replicas": 1}})

    assert await shop.diff("deployment/web") == (0, [])


async def test_replicas_that_nobody_owns_are_a_difference(shop: Shop) -> None:
    await shop.backup()
    await shop.change("deployments", "web", {"spec": {"replicas": 1}})
    assert await shop.diff() == (1, ["~ deployments.apps NS/web", "    ~ spec.replicas: 0 -> 1"])


async def test_what_a_backup_would_leave_out_is_no_noise(shop: Shop) -> None:
    await shop.backup()
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "u", "controller": True}
    owned = config_map("made", A="1")
    owned["metadata"]["ownerReferences"] = [owner]
    await shop.make(owned)
    assert await shop.diff() == (0, [])


async def test_an_object_on_its_way_out_is_not_taken_for_the_one_that_was(shop: Shop) -> None:
    held = config_map("held", A="1")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await shop.make(held)
    await shop.backup()
    await shop.delete("configmaps", "held")

    code, lines = await shop.diff("cm/held")

    await shop.change("configmaps", "held", {"metadata": {"finalizers": None}})
    assert (code, lines[0]) == (1, "~ configmaps NS/held")
    assert [line.partition(": ")[0] for line in lines[1:]] == ["    + metadata.deletionTimestamp"]


async def test_names_kinds_and_namespaces_narrow_it(shop: Shop) -> None:
    await shop.make(config_map("other", A="1"))
    await shop.backup()
    for name in ("flags", "other"):
        await shop.change("configmaps", name, {"data": {"B": "2"}})
    await shop.replace("deployments", "web", image="shop:2")

    by_name = await shop.diff("cm/flags")
    by_kind = await shop.diff(kinds=("deploy",))

    assert by_name == (1, ["~ configmaps NS/flags", "    + data.B: 2"])
    assert by_kind == (1, ["~ deployments.apps NS/web", f"    ~ {BOX}.image: shop:1 -> shop:2"])
    assert (await shop.diff("web", namespaces=(shop.space,)))[1] == by_kind[1]


async def test_a_name_that_is_nowhere_is_said(shop: Shop) -> None:
    await shop.backup()
    with pytest.raises(ConfigError, match="nothing was found that is called configmaps flgs; `maintd backups 20"):
        await shop.diff("cm/flgs")


async def test_a_kind_that_may_not_be_listed_is_not_taken_for_the_same(shop: Shop) -> None:
    await shop.backup(kinds=["configmaps", "deployments.apps"])
    await shop.replace("deployments", "web", image="shop:2")
    kubeconfig = await shop.backend.grant([Rule("deployments.apps", "list", namespace=shop.space)])

    held = await shop.held(kubeconfig=kubeconfig)

    assert (held.same_cluster, held.comparison.exit_code, len(held.comparison.objects)) == (None, 3, 1)
    [missed] = held.comparison.unchecked
    assert missed.what == f"configmaps in {shop.space}"
    assert missed.why.startswith(f"may not list configmaps in namespace {shop.space}; ")


async def test_a_damaged_file_is_named_and_proves_nothing(shop: Shop) -> None:
    await shop.backup(kinds=["configmaps", "deployments.apps"])
    [file] = shop.desk.root.rglob("configmaps.yaml")
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"FLAG", b"FLAC"))

    code, [line] = await shop.diff()

    assert code == 3
    assert line.startswith("? configmaps in NS/configmaps.yaml: file://")
    assert line.endswith("is not what its manifest names: it was changed after it was written")


async def test_what_a_damaged_file_holds_is_not_taken_for_added_where_others_can_be_read(shop: Shop) -> None:
    other = await shop.backend.namespace(f"{shop.space}-too")
    await shop.backend.apply(config_map("flags", A="1") | {"metadata": {"name": "flags", "namespace": other}})
    await shop.backup(kinds=["configmaps"], namespaces=[f"{shop.space}*"])
    [file] = shop.desk.root.rglob(f"{shop.space}/configmaps.yaml")
    file.unlink()
    await shop.make(config_map("new", A="1"))

    code, [line] = await shop.diff()

    assert (code, line.partition(": ")[0]) == (3, "? configmaps in NS/configmaps.yaml")


async def test_a_kind_that_the_backup_lacks_is_not_taken_for_the_same(shop: Shop) -> None:
    kubeconfig = await shop.backend.grant(
        [Rule("configmaps", "list", namespace=shop.space), Rule("namespaces", "get", names=["kube-system"])]
    )
    await shop.desk.backup(kubeconfig, namespaces=[shop.space], kinds=["configmaps", "deployments.apps"])

    code, [line] = await shop.diff()

    assert code == 3
    assert line.startswith("? deployments.apps in NS: it is not in the backup: ")


@pytest.mark.parametrize("cluster_backend", ["sandbox"], indirect=True)
async def test_one_list_is_read_a_kind_and_no_object_by_itself(shop: Shop) -> None:
    assert shop.backend.sandbox is not None
    await shop.make(*(config_map(f"many-{number}", A="1") for number in range(30)))
    await shop.backup(kinds=["configmaps", "deployments.apps"])
    before = len(shop.backend.sandbox.requests)

    assert await shop.diff() == (0, [])

    paths = [request.path for request in shop.backend.sandbox.requests[before:]]
    assert sorted(paths) == [
        "/api",
        "/api/v1/namespaces/kube-system",
        f"/api/v1/namespaces/{shop.space}/configmaps",
        "/apis",
        f"/apis/apps/v1/namespaces/{shop.space}/deployments",
        "/version",
    ]
