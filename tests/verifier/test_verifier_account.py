"""deploy/components/verifier on a real control plane: its account asks about everything, and changes nothing at all."""

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from maintd.core.resource import Json
from tests.conftest import MERGE_PATCH, Answer, Backend
from tests.restore.conftest import config_map
from tests.verifier.conftest import Scene, said

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.parametrize("cluster_backend", ["controlplane"], indirect=True),
]

COMPONENT = Path(__file__).parents[2] / "deploy/components/verifier"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
APPLY = "application/apply-patch+yaml"
SAID = "ValidatingAdmissionPolicy 'maintd-verifier"


@dataclass
class Account:
    """The verifier of one namespace's maintd, with a token of its own."""

    scene: Scene
    home: str
    token: str
    kubeconfig: Path

    @property
    def backend(self) -> Backend:
        return self.scene.backend

    async def send(self, method: str, path: str, body: Any = None, *, content: str = "application/json") -> Answer:
        return await self.backend.request(method, path, body, content=content, token=self.token)

    async def render(self, *words: str) -> str:
        """`maintd render verifier` for a job that backs the scene's namespace up."""
        jobs = self.backend.folder / "jobs.yaml"
        jobs.write_text(
            f"version: 1\ntargets: {{it: {{namespace: {self.scene.space}}}}}\ndefaults: {{target: it}}\n"
            "jobs:\n- {name: nightly, kind: backup, manual: true}\n"
        )
        code, out = await self.scene.maintd("render", "verifier", *words)
        assert code == 0, out
        return out

    async def may_everything(self) -> None:
        """As if somebody had bound it to all the rights there are: what holds then is the policy alone."""
        subject = {"kind": "ServiceAccount", "namespace": self.home, "name": "maintd-verifier"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding"}
        await self.backend.apply(
            binding | {"metadata": {"name": f"all-{self.home}"}, "roleRef": role, "subjects": [subject]}
        )


@pytest.fixture
async def account(scene: Scene) -> Account:
    """The component as it is, but for the namespace; it is in force."""
    home = scene.home = await scene.backend.namespace()
    policy = (COMPONENT / "policy.yaml").read_text().replace("serviceaccount:maintd:", f"serviceaccount:{home}:")
    made = [*yaml.safe_load_all(policy.replace("name: maintd-verifier", f"name: maintd-verifier-{home}"))]
    for obj in made:
        obj["spec"] |= {"policyName": f"maintd-verifier-{home}"} if "policyName" in obj["spec"] else {}
        await scene.backend.apply(obj)
    path = f"/api/v1/namespaces/{home}/serviceaccounts"
    assert (await scene.backend.request("POST", path, {"metadata": {"name": "maintd-verifier"}})).status == 201
    token = await scene.backend._token(home, "maintd-verifier")
    config = json.loads(scene.backend.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": token}
    kubeconfig = scene.backend.folder / "verifier.kubeconfig"
    kubeconfig.write_text(json.dumps(config))
    return Account(scene, home, token, kubeconfig)


async def in_force(account: Account) -> None:
    """A new policy is known to the API server a moment after it was made."""
    path = f"/api/v1/namespaces/{account.home}/configmaps"
    async with asyncio.timeout(20):
        while (await account.send("POST", path, config_map("early"))).status != 403:
            await account.backend.request("DELETE", f"{path}/early")
            await asyncio.sleep(0.1)


async def granted(account: Account, rendered: str) -> None:
    for obj in yaml.safe_load_all(rendered):
        await account.backend.apply(obj)
    path = f"/apis/authorization.k8s.io/v1/namespaces/{account.scene.space}/localsubjectaccessreviews"
    wanted = {"namespace": account.scene.space, "verb": "update", "group": "apps", "resource": "deployments"}
    review = {
        "metadata": {"namespace": account.scene.space},
        "spec": {"user": f"system:serviceaccount:{account.home}:maintd-verifier", "resourceAttributes": wanted},
    }
    async with asyncio.timeout(20):
        while not (await account.backend.request("POST", path, review)).json["status"]["allowed"]:
            await asyncio.sleep(0.05)


async def test_with_the_rights_that_are_rendered_for_it_everything_is_asked_about(account: Account) -> None:
    scene = account.scene
    await granted(account, await account.render())
    await in_force(account)
    made = await scene.backup()
    maps = f"/api/v1/namespaces/{scene.space}/configmaps"
    await scene.delete(f"{maps}/flags")

    answers = await scene.ask(made, account.kubeconfig)

    assert answers.refused == ()
    assert [answer.objects for answer in answers.unchecked if not answer.by_nature] == []
    assert answers.taken > 4
    assert (await scene.backend.request("GET", f"{maps}/flags")).status == 404


async def test_the_command_of_the_cron_job_runs_under_that_account_and_leaves_its_record(account: Account) -> None:
    [cron] = yaml.safe_load_all((COMPONENT / "cron-job.yaml").read_text())
    [container] = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    await granted(account, await account.render())
    await in_force(account)
    made = await account.scene.backup()

    code, out = await account.scene.maintd(*container["args"], kubeconfig=account.kubeconfig)

    assert code == 0, out
    assert "could not be read" not in out
    assert account.scene.note(made)["depth"] == "apply"
    assert [path for path in account.scene.desk.written() if path.startswith("runs/")]


def pod(name: str) -> Json:
    spec = {"schedulerName": "none", "containers": [{"name": "c", "image": "c:1"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def writes(space: str) -> dict[str, tuple[str, str, Any, str]]:
    """One request of every shape in which something can be changed."""
    core, apps = f"/api/v1/namespaces/{space}", f"/apis/apps/v1/namespaces/{space}"
    ours = {"kind": "ServiceAccount", "namespace": space, "name": "default"}
    admin = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web"}, "spec": {"replicas": 1}}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": space}}
    target = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    debug = {"spec": {"ephemeralContainers": [{"name": "d", "image": "d", "targetContainerName": "c"}]}}
    applied = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}}).encode()
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{space}/leases"
    strategic, plain = "application/strategic-merge-patch+json", "application/json"
    return {
        "create": ("POST", f"{core}/configmaps", config_map("made"), plain),
        "create in no namespace": ("POST", "/api/v1/namespaces", {"metadata": {"name": f"{space}-more"}}, plain),
        "update": ("PUT", f"{core}/configmaps/flags", config_map("flags", A="9"), plain),
        "update that creates": ("PATCH", f"{core}/configmaps/applied?fieldManager=v", applied, APPLY),
        "patch": ("PATCH", f"{core}/configmaps/flags", {"data": {"A": "9"}}, MERGE_PATCH),
        "status": ("PATCH", f"{core}/pods/p/status", {"status": {"message": "x"}}, MERGE_PATCH),
        "scale": ("PUT", f"{apps}/deployments/web/scale", scale, plain),
        "eviction": ("POST", f"{core}/pods/p/eviction", eviction, plain),
        "binding of a pod": ("POST", f"{core}/pods/p/binding", target, plain),
        "ephemeral containers": ("PATCH", f"{core}/pods/p/ephemeralcontainers", debug, strategic),
        "token": ("POST", f"{core}/serviceaccounts/default/token", {"spec": {}}, plain),
        "all rights": (
            "POST",
            f"{RBAC}/clusterrolebindings",
            {"metadata": {"name": f"{space}-all"}, "roleRef": admin, "subjects": [ours]},
            plain,
        ),
        "delete a namespace": ("DELETE", f"/api/v1/namespaces/{space}", None, plain),
        "delete": ("DELETE", f"{core}/configmaps/flags", None, plain),
        "delete many": ("DELETE", f"{core}/configmaps", None, plain),
        "event": (
            "POST",
            f"{core}/events",
            {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "p", "namespace": space}},
            plain,
        ),
        "lease": ("POST", leases, {"metadata": {"name": "l"}}, plain),
    }


async def test_with_all_rights_there_are_each_write_is_refused_and_its_dry_run_allowed(account: Account) -> None:
    await account.may_everything()
    await account.scene.make(pod("p"))
    await in_force(account)
    space, real, dry = account.scene.space, {}, {}

    for name, (method, path, body, content) in writes(space).items():
        joint = "&" if "?" in path else "?"
        answer = await account.send(method, path, body, content=content)
        real[name] = answer.status if SAID in answer.text else f"{answer.status} {answer.text}"
        dry[name] = (await account.send(method, f"{path}{joint}dryRun=All", body, content=content)).status

    assert real == dict.fromkeys(real, 403)
    assert dict.fromkeys(dry, True) == {name: status < 300 for name, status in dry.items()}, dry
    assert (await account.backend.request("GET", f"/api/v1/namespaces/{space}/configmaps/flags")).json["data"] == {
        "FLAG": "on"
    }


@pytest.mark.parametrize(
    "path",
    [
        "pods/p/exec?command=id&stdout=true",
        "pods/p/attach?stdout=true",
        "pods/p/portforward",
        "pods/p/proxy/",
        "services/web/proxy/",
    ],
)
async def test_with_all_rights_there_are_it_gets_into_no_pod(account: Account, path: str) -> None:
    await account.may_everything()
    await account.scene.make(pod("p"))
    await in_force(account)

    for method in ("GET", "POST"):
        answer = await account.send(method, f"/api/v1/namespaces/{account.scene.space}/{path}")
        assert (answer.status, SAID in answer.text) == (403, True), answer.text


async def test_a_dry_run_that_is_said_in_the_body_alone_does_not_let_a_write_through(account: Account) -> None:
    await account.may_everything()
    await account.scene.make(pod("p"))
    await in_force(account)
    path = f"/api/v1/namespaces/{account.scene.space}/pods/p"
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "dryRun": ["All"]}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p"}, "deleteOptions": options}

    await account.send("POST", f"{path}/eviction", eviction)
    await account.send("DELETE", path, options)

    assert "deletionTimestamp" not in (await account.backend.request("GET", path)).json["metadata"]


async def test_what_no_policy_is_asked_about_would_be_written_so_no_right_to_it_is_rendered(account: Account) -> None:
    """That the API server asks no policy about policies is why; should it begin to, this test says so."""
    await account.may_everything()
    await in_force(account)
    hook = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding"}
    name = f"not-guarded-{account.home}"
    spec = {"policyName": "none", "validationActions": ["Warn"]}

    made = await account.send(
        "POST", f"{ADMISSION}/validatingadmissionpolicybindings", hook | {"metadata": {"name": name}, "spec": spec}
    )
    account.backend._made.append(f"{ADMISSION}/validatingadmissionpolicybindings/{name}")

    rules = [rule for obj in yaml.safe_load_all(await account.render("--live")) for rule in obj.get("rules", [])]
    assert made.status == 201
    assert [rule for rule in rules if "admissionregistration.k8s.io" in rule["apiGroups"]] == []


async def test_each_thing_in_the_way_is_named(scene: Scene) -> None:
    fixed, name = config_map("fixed", A="1") | {"immutable": True}, f"no-web-{scene.space}"
    await scene.make(fixed)
    made = await scene.backup()
    root = f"/namespaces/{scene.space}"
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
    await scene.delete(f"/api/v1{root}/configmaps/fixed")
    await scene.make(fixed | {"data": {"A": "2"}}, quota | {"spec": {"hard": {"services": "0"}}})
    await scene.delete(f"/api/v1{root}/services/web")
    rules = [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}]
    here = {"matchLabels": {"kubernetes.io/metadata.name": scene.space}}
    policy = {"matchConstraints": {"resourceRules": rules}, "validations": [{"expression": "false"}]}
    binding = {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}}
    for kind, spec in (("ValidatingAdmissionPolicy", policy), ("ValidatingAdmissionPolicyBinding", binding)):
        metadata = {"name": name}
        await scene.backend.apply(
            {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": metadata, "spec": spec}
        )

    async with asyncio.timeout(20):
        while len((answers := await scene.ask(made)).refused) < 3:
            await asyncio.sleep(0.2)

    assert said(answers.refused) == {
        "data: it cannot be changed once it is there": (f"configmaps {scene.space}/fixed",),
        "ResourceQuota none of the namespace is full": (f"services {scene.space}/web",),
        f"ValidatingAdmissionPolicy {name} of the cluster denies it": (f"deployments.apps {scene.space}/web",),
    }


async def test_of_a_definition_that_is_gone_nothing_is_known(scene: Scene) -> None:
    group = f"{scene.space}.example.com"
    names = {"plural": "widgets", "singular": "widget", "kind": "Widget"}
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"widgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": names,
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
    definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    widgets = f"/apis/{group}/v1/namespaces/{scene.space}/widgets"
    await scene.backend.apply(definition)
    await scene.backend.wait_for(widgets)
    one = {"apiVersion": f"{group}/v1", "kind": "Widget", "metadata": {"name": "one"}}
    assert (await scene.backend.request("POST", widgets, one)).status == 201
    made = await scene.backup()
    await scene.delete(f"{definitions}/widgets.{group}")
    await scene.backend.wait_for(widgets, status=404)

    answers = await scene.ask(made)

    [unknown] = [answer for answer in answers.unchecked if not answer.by_nature]
    assert unknown.objects == (f"widgets.{group} {scene.space}/one",)
    assert unknown.why.startswith(f"this API server has no widgets.{group}, and the backup has no definition of it")


async def test_whoever_asks_without_holding_a_right_cannot_tell_whether_it_may_be_granted(account: Account) -> None:
    scene = account.scene
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["delete"]}]
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "deleter"}}
    await scene.make(role | {"rules": rules})
    await granted(account, await account.render())
    await in_force(account)
    made = await scene.backup(kinds=["roles.rbac.authorization.k8s.io"])
    await scene.delete(f"{RBAC}/namespaces/{scene.space}/roles/deleter")

    answers = await scene.ask(made, account.kubeconfig)

    assert answers.refused == ()
    assert said(answers.unchecked)["nobody may grant rights without having them"] == (
        f"roles.rbac.authorization.k8s.io {scene.space}/deleter",
    )
