"""Namespaces. Run against the sandbox and, in `make test-cluster`, a real control plane."""

import pytest


class TestNamespaces:
    """A namespace has a life: furnished when it is made, closed while it ends, and gone when it is empty."""

    async def test_a_new_one_is_active_and_labelled_with_its_name(self, cluster_backend):
        space = await cluster_backend.namespace()

        obj = (await cluster_backend.request("GET", f"/api/v1/namespaces/{space}")).json

        assert obj["metadata"]["labels"] == {"kubernetes.io/metadata.name": space}
        assert (obj["spec"], obj["status"]) == ({"finalizers": ["kubernetes"]}, {"phase": "Active"})

    async def test_a_new_one_is_furnished(self, cluster_backend):
        path = f"/api/v1/namespaces/{await cluster_backend.namespace()}"

        account = await cluster_backend.wait_for(f"{path}/serviceaccounts/default")
        roots = await cluster_backend.wait_for(f"{path}/configmaps/kube-root-ca.crt")

        assert (account.status, list(roots.json["data"])) == (200, ["ca.crt"])

    @pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
    async def test_those_of_the_cluster_cannot_be_deleted(self, cluster_backend, name):
        answer = await cluster_backend.request("DELETE", f"/api/v1/namespaces/{name}")

        assert (answer.status, answer.reason) == (403, "Forbidden")

    async def test_a_name_with_a_dot_is_a_422(self, cluster_backend):
        answer = await cluster_backend.request("POST", "/api/v1/namespaces", {"metadata": {"name": "a.b"}})

        assert (answer.status, answer.reason) == (422, "Invalid")

    async def test_one_that_ends_takes_nothing_new_and_goes_with_all_it_holds(self, cluster_backend):
        space = await cluster_backend.namespace()
        path = f"/api/v1/namespaces/{space}"
        await cluster_backend.request("POST", f"{path}/configmaps", {"metadata": {"name": "a"}})

        deleted = await cluster_backend.request("DELETE", path)
        late = await cluster_backend.request("POST", f"{path}/configmaps", {"metadata": {"name": "late"}})
        gone = await cluster_backend.wait_for(path, status=404)
        left = await cluster_backend.request("GET", f"{path}/configmaps")

        message = f"namespace {space} is being terminated"
        cause = {"reason": "NamespaceTerminating", "message": message, "field": "metadata.namespace"}
        marked = (deleted.status, deleted.json["kind"], deleted.json["status"]["phase"])
        assert marked == (200, "Namespace", "Terminating")
        assert (late.status, late.reason, late.json["details"]["causes"]) == (403, "Forbidden", [cause])
        assert (gone.reason, left.json["items"]) == ("NotFound", [])
