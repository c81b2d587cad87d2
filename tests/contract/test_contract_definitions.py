"""CustomResourceDefinitions. Run against the sandbox and, in `make test-cluster`, a real control plane."""

import pytest

MERGE_PATCH = "application/merge-patch+json"
SCHEMA = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


def definition(group):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [
                {"name": "v1beta1", "served": True, "storage": False, "schema": SCHEMA},
                {"name": "v1", "served": True, "storage": True, "schema": SCHEMA, "subresources": {"status": {}}},
            ],
        },
    }


@pytest.fixture
async def space(cluster_backend):
    return await cluster_backend.namespace()


@pytest.fixture
async def group(cluster_backend, space):
    """An API group of our own, with Widgets in it."""
    await cluster_backend.apply(definition(f"{space}.example.com"))
    await cluster_backend.wait_for(f"/apis/{space}.example.com/v1/widgets")
    return f"{space}.example.com"


@pytest.fixture
def shelf(group, space):
    return f"/apis/{group}/v1/namespaces/{space}/widgets"


@pytest.fixture
def widget(group):
    return {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}


async def test_a_definition_is_established_and_discovered(cluster_backend, group):
    await cluster_backend.wait_for(f"/apis/{group}/v1")

    status = (await cluster_backend.request("GET", f"{DEFINITIONS}/widgets.{group}")).json["status"]
    versions = (await cluster_backend.request("GET", f"/apis/{group}")).json["versions"]
    resources = (await cluster_backend.request("GET", f"/apis/{group}/v1")).json["resources"]

    rows = {row["name"]: row for row in resources}
    assert {one["type"]: one["status"] for one in status["conditions"]}["Established"] == "True"
    assert (status["acceptedNames"]["plural"], status["storedVersions"]) == ("widgets", ["v1"])
    assert [one["version"] for one in versions] == ["v1", "v1beta1"]
    assert (rows["widgets"]["kind"], rows["widgets"]["shortNames"]) == ("Widget", ["wd"])
    assert "widgets/status" in rows


async def test_custom_objects_live_like_any_other(cluster_backend, shelf, group, widget):
    made = await cluster_backend.request("POST", shelf, widget)
    changed = await cluster_backend.request("PATCH", f"{shelf}/w", {"spec": {"size": 2}}, content=MERGE_PATCH)
    listed = await cluster_backend.request("GET", shelf)
    deleted = await cluster_backend.request("DELETE", f"{shelf}/w")

    assert [one.status for one in (made, changed, listed, deleted)] == [201, 200, 200, 200]
    assert (made.json["metadata"]["generation"], changed.json["metadata"]["generation"]) == (1, 2)
    assert (deleted.json["kind"], deleted.json["details"]["group"]) == ("Status", group)


async def test_items_of_a_custom_list_name_their_kind(cluster_backend, shelf, group, widget):
    """Unlike those of a built-in list."""
    await cluster_backend.request("POST", shelf, widget)

    listed = (await cluster_backend.request("GET", shelf)).json

    found = [(item["kind"], item["apiVersion"], item["spec"]) for item in listed["items"]]
    assert (listed["kind"], found) == ("WidgetList", [("Widget", f"{group}/v1", {"size": 1})])


async def test_a_custom_object_must_say_its_kind(cluster_backend, shelf):
    answer = await cluster_backend.request("POST", shelf, {"metadata": {"name": "w"}})

    assert (answer.status, answer.reason) == (400, "BadRequest")


async def test_an_update_must_carry_the_version_that_was_read(cluster_backend, shelf, widget):
    made = await cluster_backend.request("POST", shelf, widget)

    without = await cluster_backend.request("PUT", f"{shelf}/w", widget | {"spec": {"size": 2}})
    with_it = await cluster_backend.request("PUT", f"{shelf}/w", made.json | {"spec": {"size": 2}})

    assert (without.status, without.reason, with_it.status) == (422, "Invalid", 200)
    assert without.json["details"]["causes"][0]["field"] == "metadata.resourceVersion"


async def test_its_versions_show_the_same_objects(cluster_backend, shelf, group, widget):
    await cluster_backend.request("POST", shelf, widget)

    answer = await cluster_backend.request("GET", f"{shelf.replace('/v1/', '/v1beta1/')}/w")

    assert (answer.status, answer.json["apiVersion"]) == (200, f"{group}/v1beta1")
    assert answer.json["spec"] == {"size": 1}


async def test_fields_of_it_are_not_selected_on(cluster_backend, shelf):
    answer = await cluster_backend.request("GET", f"{shelf}?fieldSelector=spec.size=1")

    assert (answer.status, answer.reason) == (400, "BadRequest")


async def test_without_its_definition_it_is_gone(cluster_backend, shelf, group, widget):
    await cluster_backend.request("POST", shelf, widget)

    deleted = await cluster_backend.request("DELETE", f"{DEFINITIONS}/widgets.{group}")
    gone = await cluster_backend.wait_for(shelf, status=404)

    assert (deleted.status, deleted.json["kind"], gone.status) == (200, "CustomResourceDefinition", 404)
