"""Kinds come and go, and so do their versions."""

from collections.abc import AsyncIterator

import pytest

from maintd.core.resource import Json
from tests.recovery.conftest import Shop

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@pytest.fixture
async def widgets(shop: Shop) -> AsyncIterator[str]:
    """The path of a new kind, with one object of it in a backup of the whole cluster; served as v1 and v2."""
    group = f"{shop.space}.example.com"
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    versions = [{"name": name, "served": True, "storage": name == "v1", "schema": schema} for name in ("v1", "v2")]
    definition: Json = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": versions},
    }
    assert (await shop.backend.request("POST", CRDS, definition)).status == 201
    path = f"/apis/{group}/v2/namespaces/{shop.space}/widgets"
    await shop.backend.wait_for(path)
    widget = {"apiVersion": f"{group}/v2", "kind": "Widget", "metadata": {"name": "one"}, "spec": {"a": [1, None, 1.5]}}
    assert (await shop.backend.request("POST", path, widget)).status == 201
    await shop.backup(kinds=["customresourcedefinitions.apiextensions.k8s.io", f"widgets.{group}"], namespaces=[])
    yield path
    await shop.backend.request("DELETE", f"{CRDS}/widgets.{group}")


async def test_a_custom_resource_is_compared_as_any_other(shop: Shop, widgets: str) -> None:
    same = await shop.diff()
    live = (await shop.backend.request("GET", f"{widgets}/one")).json
    live["spec"]["a"][0] = 2
    assert (await shop.backend.request("PUT", f"{widgets}/one", live)).status == 200

    assert same == (0, [])
    changed = ["~ widgets.NS.example.com NS/one", "    ~ spec.a[0]: 1 -> 2"]
    assert await shop.diff("widget/one") == (1, changed)


async def test_a_kind_that_went_took_its_objects_with_it(shop: Shop, widgets: str) -> None:
    await shop.backend.request("DELETE", f"{CRDS}/widgets.{shop.space}.example.com")
    await shop.backend.wait_for(widgets, status=404)
    assert await shop.diff(kinds=("crd", "widgets")) == (
        1,
        [
            "- customresourcedefinitions.apiextensions.k8s.io widgets.NS.example.com: missing from the cluster",
            "- widgets.NS.example.com NS/one: missing from the cluster",
        ],
    )


async def test_a_version_that_is_served_no_longer_is_not_taken_for_objects_that_went(shop: Shop, widgets: str) -> None:
    path = f"{CRDS}/widgets.{shop.space}.example.com"
    definition = (await shop.backend.request("GET", path)).json
    for version in definition["spec"]["versions"]:
        version["served"] = version["storage"] = version["name"] == "v1"
    assert (await shop.backend.request("PUT", path, definition)).status == 200
    await shop.backend.wait_for(widgets, status=404)

    served = "it is served as NS.example.com/v1 now, and no longer as NS.example.com/v2"
    assert await shop.diff(kinds=("widgets",)) == (3, [f"? widgets.NS.example.com: {served}"])
