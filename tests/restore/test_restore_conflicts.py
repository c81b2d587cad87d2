"""Each thing that can be in the way of a restore ends in an outcome of its own, and never in the way of the rest."""

import asyncio
from datetime import timedelta

import pytest

from maintd.core.errors import Denied
from maintd.core.outcome import Status
from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.recovery.making import Patience
from tests.restore.conftest import Rescue, config_map, reasons, results, service

REAL = pytest.mark.parametrize("cluster_backend", ["controlplane"], indirect=True)
READ = ("configmaps", "services", "deployments.apps", "namespaces", "serviceaccounts", "persistentvolumeclaims")


@REAL
@pytest.mark.cluster
async def test_a_field_that_cannot_be_changed_is_told_before_anything_is_done(rescue: Rescue) -> None:
    await rescue.make(config_map("fixed", A="1") | {"immutable": True})
    await rescue.backup()
    await rescue.delete("configmaps", "fixed")
    await rescue.make(config_map("fixed", A="2") | {"immutable": True})
    await rescue.change("configmaps", "flags", {"data": {"FLAG": "off"}})

    run = await rescue.restore(existing="update")

    assert rescue.plan() == {"configmaps/fixed": "cannot", "configmaps/flags": "update"}
    assert (run.status, results(run)) == (
        Status.PARTIAL,
        {"configmaps/flags": "update done", "configmaps/fixed": "update failed"},
    )
    assert reasons(run)["configmaps/fixed"] == (
        "data: it cannot be changed once it is there; to bring it back delete it and run the restore again: "
        f"kubectl delete configmaps fixed -n {rescue.space}"
    )


@REAL
@pytest.mark.cluster
async def test_an_address_and_a_port_that_another_service_has_by_now_are_named(rescue: Rescue) -> None:
    """A dry run may not see it: the API server allocates nothing in one, and only sometimes looks what is taken."""
    port = {"port": 80, "protocol": "TCP", "nodePort": 30099}
    await rescue.make(service("port", type="NodePort", ports=[port]), service("address", clusterIP="10.0.77.77"))
    await rescue.backup()
    for name in ("port", "address"):
        await rescue.delete("services", name)
    await rescue.make(service("p", type="NodePort", ports=[port]), service("a", clusterIP="10.0.77.77"))
    await rescue.delete("configmaps", "flags")

    rehearsed = await rescue.restore(dry_run=True)
    run = await rescue.restore()

    assert (run.status, results(run)) == (
        Status.PARTIAL,
        {
            "configmaps/flags": "create done",
            "services/port": "create failed",
            "services/address": "create failed",
        },
    )
    said = reasons(run)
    assert "at spec.ports[0].nodePort: another Service has that address or port" in said["services/port"]
    assert "at spec.clusterIPs: another Service has that address or port" in said["services/address"]
    assert results(rehearsed)["configmaps/flags"] == "create planned"
    for name in ("p", "a"):
        await rescue.delete("services", name)


@REAL
@pytest.mark.cluster
async def test_a_quota_that_is_full_is_named(rescue: Rescue) -> None:
    await rescue.backup()
    await rescue.delete("services", "web")
    await rescue.delete("configmaps", "flags")
    quota: Json = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    await rescue.make(quota | {"spec": {"hard": {"services": "0"}}})
    async with asyncio.timeout(20):
        while "hard" not in (await rescue.get("resourcequotas", "none")).get("status", {}):
            pass

    run = await rescue.restore()

    assert (run.status, results(run)) == (
        Status.PARTIAL,
        {"configmaps/flags": "create done", "services/web": "create failed"},
    )
    assert "ResourceQuota none of the namespace is full" in reasons(run)["services/web"]


@REAL
@pytest.mark.cluster
async def test_an_admission_policy_that_denies_is_named(rescue: Rescue) -> None:
    await rescue.backup()
    await rescue.delete("configmaps", "flags")
    await rescue.delete("services", "web")
    name = f"no-maps-{rescue.space}"
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}]
    selector = {"matchLabels": {"kubernetes.io/metadata.name": rescue.space}}
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": rules, "namespaceSelector": selector},
            "validations": [{"expression": "false", "message": "no maps today"}],
        },
    }
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"]},
    }
    await rescue.backend.apply(policy)
    await rescue.backend.apply(binding)
    async with asyncio.timeout(20):
        probe = {"metadata": {"name": "probe"}}
        while (await rescue.backend.request("POST", rescue.path("configmaps") + "?dryRun=All", probe)).status == 201:
            pass

    run = await rescue.restore()

    assert (run.status, results(run)) == (
        Status.PARTIAL,
        {"configmaps/flags": "create failed", "services/web": "create done"},
    )
    assert f"ValidatingAdmissionPolicy {name} of the cluster denies it" in reasons(run)["configmaps/flags"]


async def test_a_right_that_is_missing_is_named_and_the_rest_is_restored(rescue: Rescue) -> None:
    await rescue.backup()
    await rescue.delete("configmaps", "flags")
    await rescue.delete("services", "web")
    rights = [
        Rule("namespaces", "get"),
        *(Rule(kind, "list", namespace=rescue.space) for kind in READ if kind != "namespaces"),
        Rule("horizontalpodautoscalers.autoscaling", "list", namespace=rescue.space),
        Rule("namespaces", "list"),
        Rule("services", "create", namespace=rescue.space),
    ]
    operator = await rescue.backend.grant(rights)

    run = await rescue.restore(kubeconfig=operator)

    assert (run.status, results(run)) == (
        Status.PARTIAL,
        {"configmaps/flags": "create failed", "services/web": "create done"},
    )
    assert f"may not create configmaps in namespace {rescue.space}" in reasons(run)["configmaps/flags"]


async def test_whoever_may_not_even_look_is_told_so(rescue: Rescue) -> None:
    await rescue.backup()
    stranger = await rescue.backend.grant([Rule("configmaps", "list", namespace=rescue.space)])

    with pytest.raises(Denied, match="may not get namespaces"):
        await rescue.restore(kubeconfig=stranger)


async def test_a_namespace_that_is_being_deleted_is_waited_for(rescue: Rescue) -> None:
    before = await rescue.backup()
    assert (await rescue.backend.request("DELETE", f"/api/v1/namespaces/{rescue.space}")).status == 200

    run = await rescue.restore()

    assert (run.status, {change.result for change in run.changes}) == (Status.OK, {"done"})
    assert (await rescue.get("configmaps", "flags"))["data"] == {"FLAG": "on"}
    assert before.manifest.objects == len(run.changes)


async def test_a_namespace_that_does_not_go_is_named_and_nothing_is_tried_in_it(rescue: Rescue) -> None:
    held = config_map("held") | {"metadata": {"name": "held", "finalizers": ["example.com/never"]}}
    await rescue.make(held)
    await rescue.backup()
    await rescue.backend.request("DELETE", f"/api/v1/namespaces/{rescue.space}")

    run = await rescue.restore(patience=Patience(namespace=timedelta(seconds=1)))

    await rescue.change("configmaps", "held", {"metadata": {"finalizers": None}})
    assert (run.status, {change.result for change in run.changes}) == (Status.FAILED, {"failed"})
    said = reasons(run)
    assert f"kubectl get namespace {rescue.space} -o yaml" in said[f"namespaces/{rescue.space}"]
    assert said["configmaps/flags"].startswith(f"its namespace {rescue.space} could not be made: ")


async def test_an_object_that_is_being_deleted_is_named(rescue: Rescue) -> None:
    held = config_map("held") | {"metadata": {"name": "held", "finalizers": ["example.com/slow"]}}
    await rescue.make(held)
    await rescue.backup()
    await rescue.delete("configmaps", "held")

    run = await rescue.restore(existing="update")

    await rescue.change("configmaps", "held", {"metadata": {"finalizers": None}})
    assert results(run) == {"configmaps/held": "update failed"}
    assert "it is being deleted; run the restore again once it is gone" in reasons(run)["configmaps/held"]


async def test_a_kind_that_the_server_does_not_have_is_named(rescue: Rescue) -> None:
    group = f"{rescue.space}.example.org"
    name = f"things.{group}"
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": name},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
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
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    things = f"/apis/{group}/v1/namespaces/{rescue.space}/things"
    thing = {"apiVersion": f"{group}/v1", "kind": "Thing", "metadata": {"name": "one"}, "size": 3}
    await rescue.backend.request("POST", definitions, definition)
    await rescue.backend.wait_for(things)
    await rescue.backend.request("POST", things, thing)
    with_definition = await rescue.backup(namespaces=[rescue.space, "no-*"])
    without = await rescue.backup()
    await rescue.backend.request("DELETE", f"{definitions}/{name}")
    await rescue.backend.wait_for(f"{definitions}/{name}", status=404)

    stuck = await rescue.restore(without.manifest.id, namespaces=(rescue.space,))
    done = await rescue.restore(with_definition.manifest.id, namespaces=(rescue.space,))
    restored = await rescue.backend.request("GET", f"{things}/one")
    await rescue.backend.request("DELETE", f"{definitions}/{name}")

    assert (stuck.status, results(stuck)) == (Status.FAILED, {f"{name}/one": "create failed"})
    assert "the backup has no definition of it" in reasons(stuck)[f"{name}/one"]
    assert results(done) == {
        f"customresourcedefinitions.apiextensions.k8s.io/{name}": "create done",
        f"{name}/one": "create done",
    }
    assert restored.json["size"] == 3
