"""What a server says it serves. The sandbox's catalog is the claim; the real server is asked whether it is true."""

from email.utils import parsedate_to_datetime

import pytest

from maintd.sandbox.discovery import AGGREGATED
from maintd.sandbox.resources import Catalog

CLAIMED = list(Catalog())
GROUP_VERSIONS = sorted({served.resource.api_version for served in CLAIMED})
ONLY_REAL = {"watch", "deletecollection"}
"""Verbs that the sandbox neither does nor claims."""


def claimed(group_version):
    return {served.resource.plural: served for served in CLAIMED if served.resource.api_version == group_version}


def facts_claimed(served):
    resource = served.resource
    return {
        "kind": resource.kind,
        "singular": resource.kind.lower(),
        "namespaced": resource.namespaced,
        "verbs": set(resource.verbs),
        "short names": set(served.short_names),
        "subresources": set(served.subresources),
    }


def root(group_version):
    return f"/api/{group_version}" if group_version == "v1" else f"/apis/{group_version}"


async def test_the_core_versions_are_listed(cluster_backend):
    answer = await cluster_backend.request("GET", "/api")

    assert (answer.status, answer.json["kind"], answer.json["versions"]) == (200, "APIVersions", ["v1"])


async def test_every_group_is_listed_with_its_preferred_version(cluster_backend):
    answer = await cluster_backend.request("GET", "/apis")

    preferred = {group["preferredVersion"]["groupVersion"] for group in answer.json["groups"]}
    assert answer.json["kind"] == "APIGroupList"
    assert set(GROUP_VERSIONS) - {"v1"} <= preferred


async def test_a_group_is_described_alone(cluster_backend):
    answer = await cluster_backend.request("GET", "/apis/apps")

    version = {"groupVersion": "apps/v1", "version": "v1"}
    expected = {"name": "apps", "versions": [version], "preferredVersion": version}
    assert answer.json == {"kind": "APIGroup", "apiVersion": "v1"} | expected


@pytest.mark.parametrize("group_version", GROUP_VERSIONS)
async def test_each_resource_is_described_by_what_it_is(cluster_backend, group_version):
    answer = await cluster_backend.request("GET", root(group_version))

    rows = {row["name"]: row for row in answer.json["resources"]}
    assert (answer.json["kind"], answer.json["groupVersion"]) == ("APIResourceList", group_version)
    for name, served in claimed(group_version).items():
        row = rows[name]
        assert facts_claimed(served) == {
            "kind": row["kind"],
            "singular": row["singularName"],
            "namespaced": row["namespaced"],
            "verbs": set(row["verbs"]) - ONLY_REAL,
            "short names": set(row.get("shortNames", ())),
            "subresources": {sub for sub in ("log", "status") if f"{name}/{sub}" in rows},
        }


@pytest.mark.parametrize("path", ["/api", "/apis"])
async def test_the_aggregated_form_says_the_same(cluster_backend, path):
    answer = await cluster_backend.request("GET", path, accept=AGGREGATED)

    assert (answer.json["kind"], answer.headers["Content-Type"]) == ("APIGroupDiscoveryList", AGGREGATED)
    found = {}
    for group in answer.json["items"]:
        for version in group["versions"]:
            found[f"{group['metadata'].get('name', '')}/{version['version']}".lstrip("/")] = version["resources"]
    for group_version in GROUP_VERSIONS:
        if (group_version == "v1") is not (path == "/api"):
            continue
        rows = {row["resource"]: row for row in found[group_version]}
        for name, served in claimed(group_version).items():
            row = rows[name]
            assert facts_claimed(served) == {
                "kind": row["responseKind"]["kind"],
                "singular": row["singularResource"],
                "namespaced": row["scope"] == "Namespaced",
                "verbs": set(row["verbs"]) - ONLY_REAL,
                "short names": set(row.get("shortNames", ())),
                "subresources": {row["subresource"] for row in row.get("subresources", ())} & {"log", "status"},
            }


@pytest.mark.parametrize(
    "path",
    ["/api/v2", "/apis/apps/v9", "/apis/apps/v1/nothing", "/api/v1/namespaces/default/nodes", "/api/v1/pods/a/b/c"],
)
async def test_what_a_served_group_does_not_have_is_a_404_with_a_status(cluster_backend, path):
    answer = await cluster_backend.request("GET", path)

    assert (answer.status, answer.json["kind"], answer.reason) == (404, "Status", "NotFound")


@pytest.mark.parametrize("path", ["/nothing", "/apis/nothing.example.com", "/apis/nothing.example.com/v1/things"])
async def test_where_nothing_is_mounted_the_404_is_plain_text(cluster_backend, path):
    answer = await cluster_backend.request("GET", path)

    text = (404, "404 page not found\n", "text/plain; charset=utf-8")
    assert (answer.status, answer.text, answer.headers["Content-Type"]) == text


async def test_the_version_names_minor_and_git_version(cluster_backend):
    version = (await cluster_backend.request("GET", "/version")).json

    assert (version["major"], version["gitVersion"].split(".")[:2]) == ("1", ["v1", version["minor"]])


@pytest.mark.parametrize("path", ["/readyz", "/livez", "/healthz"])
async def test_health_is_plain_text(cluster_backend, path):
    answer = await cluster_backend.request("GET", path)

    assert (answer.status, answer.text, answer.headers["Content-Type"]) == (200, "ok", "text/plain; charset=utf-8")


async def test_every_reply_carries_the_servers_date(cluster_backend):
    answer = await cluster_backend.request("GET", "/api/v1/namespaces")

    assert parsedate_to_datetime(answer.headers["Date"]).utcoffset().total_seconds() == 0
