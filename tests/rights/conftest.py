"""maintd installed as its own ServiceAccount, with the rights that were rendered for its jobs and no others."""

import json
import os
from asyncio import create_subprocess_exec, sleep, subprocess, timeout
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

import pytest
import yaml
from aiohttp import web
from google.cloud import container_v1

from maintd.app.house import open_house
from maintd.cli.jobsfile import loader
from maintd.config.jobs import Job, JobsFile
from maintd.config.settings import Settings
from maintd.core.outcome import Run
from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.core.target import GkeCluster
from maintd.derive.rbac import Grants
from maintd.derive.rights import Right, collected
from maintd.rails.needs import rails_needs
from maintd.sandbox.app import SampleApp
from maintd.sandbox.gke import GkeStandIn
from maintd.scheduling.homes import state_needs
from tests.forks import typed

SHIPPED = (Path(__file__).parents[2] / "jobs.yaml").read_text()
MERGE_PATCH = "application/merge-patch+json"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_KEPT = ("Content-Type", "Date")


@dataclass
class Wire:
    """Stands between maintd and the API server, passes everything on, and writes down what was refused."""

    backend: Any
    refused: list[str] = field(default_factory=list)
    url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _pass_on(self, request: web.Request) -> web.Response:
        headers = {
            name: request.headers[name]
            for name in ("Accept", "Authorization", "Content-Type")
            if name in request.headers
        }
        async with self.backend.session.request(
            request.method,
            self.backend.url + request.path_qs,
            data=await request.read() or None,
            headers=headers,
            ssl=self.backend.tls,
        ) as reply:
            if reply.status == 403:
                self.refused.append(f"{request.method} {request.path}")
            kept = {name: reply.headers[name] for name in _KEPT if name in reply.headers}
            return web.Response(status=reply.status, body=await reply.read(), headers=kept)


@dataclass
class Installed:
    """Some jobs, their world, and maintd with what `maintd render rbac` says of them."""

    backend: Any
    wire: Wire
    google: GkeStandIn
    folder: Path
    own: str
    """maintd's namespace."""
    space: str
    """The application's."""
    jobs_text: str
    token: str = ""

    @property
    def settings(self) -> Settings:
        store, google = f"file://{self.folder / 'store'}", self.google.endpoint
        return Settings(storage=store, cluster="test", namespace=self.own, gke_endpoint=google)

    @property
    def file(self) -> JobsFile:
        return loader(self.settings).parse(self.jobs_text.encode(), Path("jobs.yaml"))

    @property
    def rights(self) -> Mapping[Right, tuple[str, ...]]:
        gate = partial(rails_needs, own_namespace=self.own)
        return collected(Grants(self.file, self.own, gate, state_needs(self.own)).asked())

    async def render(self, *words: str) -> str:
        """What the command prints, asked as the admin."""
        path = self.folder / "jobs.yaml"
        path.write_text(self.jobs_text)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MAINTD_")}
        said = {"MAINTD_JOBS_FILE": str(path), "MAINTD_NAMESPACE": self.own, "KUBECONFIG": str(self.backend.kubeconfig)}
        code, out, err = await typed("render", "rbac", *words, folder=self.folder, environment=kept | said)
        assert code == 0, err
        return out

    async def install(self, rendered: str) -> None:
        """The ServiceAccount, what was rendered for it, and a token of its own."""
        accounts = f"/api/v1/namespaces/{self.own}/serviceaccounts"
        made = await self.backend.request("POST", accounts, {"metadata": {"name": "maintd"}})
        assert made.status == 201, made.text
        await self.apply(rendered)
        self.token = await self.backend._token(self.own, "maintd")
        await self.granted(*self.rights)

    async def apply(self, rendered: str) -> None:
        """As a person would; the embedded cluster is no place for kubectl."""
        if self.backend.sandbox:
            for obj in yaml.safe_load_all(rendered):
                await self.backend.apply(obj)
            return
        command = ("kubectl", f"--kubeconfig={self.backend.kubeconfig}", "apply", "-f", "-")
        process = await create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        out, _ = await process.communicate(rendered.encode())
        assert process.returncode == 0
        assert out.decode().count(" created\n") == rendered.count("\nkind: ")
        self.backend._made += [
            f"{_RBAC}/{plural}/maintd-{self.own}" for plural in ("clusterroles", "clusterrolebindings")
        ]

    @property
    def kubeconfig(self) -> Path:
        config = json.loads(self.backend.kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": self.wire.url}
        config["users"][0]["user"] = {"token": self.token}
        path = self.folder / "maintd.kubeconfig"
        path.write_text(json.dumps(config))
        return path

    async def run(self, *jobs: Job) -> list[Run]:
        """Each in its mode, in a process' worth of maintd; what was refused is in `wire.refused` afterwards."""
        self.wire.refused.clear()
        for job in jobs:
            if job.kind.acts:
                await self.litter()
        async with open_house(self.settings, embedded=self.kubeconfig) as house:
            await house.state.load()
            runs = [await house.runner.run_now(job, job.mode, actor="a test", reason="") for job in jobs]
            await house.state.close()
            return runs

    def job(self, needed_by: str) -> Job:
        """The job that misses what is said to be for it; for what is maintd's own, any."""
        name = needed_by.removeprefix("the gate for ")
        return self.file.job("node-versions" if name.startswith("maintd itself") else name)

    @staticmethod
    def changes(runs: Iterable[Run]) -> list[str]:
        """What became of each wish to change something."""
        return [change.result for run in runs for change in run.changes]

    async def remember(self, there: bool) -> None:
        """See to it that there is a state, or none."""
        path = f"/api/v1/namespaces/{self.own}/configmaps"
        if there:
            await self.backend.request("POST", path, {"metadata": {"name": "maintd-state"}})
        else:
            await self.backend.request("DELETE", f"{path}/maintd-state")

    async def litter(self) -> None:
        """One pod that failed two days ago, if there is none."""
        finished = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
        await self.pod("failed", {"terminated": {"exitCode": 1, "finishedAt": finished}}, "Failed")

    async def pod(self, name: str, state: Json, phase: str, **metadata: Any) -> None:
        path = f"/api/v1/namespaces/{self.space}/pods"
        spec = {"schedulerName": "none", "containers": [{"name": "app", "image": "shop:1"}]}
        made = await self.backend.request("POST", path, {"metadata": {"name": name, **metadata}, "spec": spec})
        if made.status == 409:
            return
        container = {"name": "app", "image": "shop:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}
        status = {"status": {"phase": phase, "containerStatuses": [container]}}
        done = await self.backend.request("PATCH", f"{path}/{name}/status", status, content=MERGE_PATCH)
        assert done.status == 200, done.text

    async def without(self, right: Right) -> None:
        """Take one right away, and no other."""
        left = [one for one in self.rights if one.namespace == right.namespace and one != right]
        await self._rules(right.namespace, left)
        await self._until(right, allowed=False)

    async def granted(self, *rights: Right) -> None:
        """Give everything that is needed, and wait until each of these is there."""
        for namespace in {right.namespace for right in rights}:
            await self._rules(namespace, [one for one in self.rights if one.namespace == namespace])
        for right in rights:
            await self._until(right, allowed=True)

    async def only_for(self, job: Job) -> None:
        """Leave what one job needs, and maintd itself."""
        mine = {job.name, f"the gate for {job.name}", "maintd itself, for its state"}
        kept = {right for right, needed_by in self.rights.items() if mine & {*needed_by}}
        for namespace in {right.namespace for right in self.rights}:
            await self._rules(namespace, [right for right in kept if right.namespace == namespace])
        for right in self.rights:
            await self._until(right, allowed=right in kept)

    async def replace_rules(self, rendered: str) -> None:
        """What `kubectl apply` of another rendering does to the cluster-wide rights."""
        [role] = [obj for obj in yaml.safe_load_all(rendered) if obj["kind"] == "ClusterRole"]
        path = f"{_RBAC}/clusterroles/{role['metadata']['name']}"
        done = await self.backend.request("PATCH", path, {"rules": role["rules"]}, content=MERGE_PATCH)
        assert done.status == 200, done.text
        last = role["rules"][-1]
        group = f".{last['apiGroups'][0]}" if last["apiGroups"][0] else ""
        await self._until(Right("", last["resources"][-1] + group, last["verbs"][0]), allowed=True)

    async def _rules(self, namespace: str, rights: Iterable[Right]) -> None:
        where = f"/namespaces/{namespace}/roles" if namespace else "/clusterroles"
        path = f"{_RBAC}{where}/maintd-{self.own}"
        done = await self.backend.request("PATCH", path, {"rules": [_row(one) for one in rights]}, content=MERGE_PATCH)
        assert done.status == 200, done.text

    async def _until(self, right: Right, *, allowed: bool) -> None:
        """Authorizers learn of a Role from a watch, a little later."""
        rule = Rule(right.resource, right.verb)
        plural, _, sub = rule.plural.partition("/")
        asked = {"verb": right.verb, "group": rule.group, "resource": plural, "subresource": sub}
        review = {"spec": {"resourceAttributes": asked | {"namespace": right.namespace, "name": right.name}}}
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        async with timeout(20):
            while True:
                answer = await self.backend.request("POST", path, review, token=self.token)
                if answer.json["status"]["allowed"] is allowed:
                    return
                await sleep(0.01)


def _row(right: Right) -> Json:
    rule = Rule(right.resource, right.verb)
    names = {"resourceNames": [right.name]} if right.name else {}
    return {"apiGroups": [rule.group], "resources": [rule.plural], "verbs": [right.verb], **names}


@pytest.fixture
async def world(cluster_backend: Any, tmp_path: Path, need_tool: Any) -> AsyncIterator[Installed]:
    """The shipped jobs in namespaces of their own, something for each to do, and maintd not installed yet."""
    if cluster_backend.sandbox is None:
        need_tool("kubectl")
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(Wire(cluster_backend))
        app = await stack.enter_async_context(SampleApp())
        own, space = await cluster_backend.namespace(), await cluster_backend.namespace()
        google = await stack.enter_async_context(_google())
        jobs = SHIPPED.replace("samples: 5", "samples: 1").replace("namespace: omtx-hub", f"namespace: {space}")
        jobs = jobs.replace("http://omtx-hub-backend-service.omtx-hub.svc", app.url)
        found = Installed(cluster_backend, wire, google, tmp_path, own, space, jobs)
        await _furnish(found)
        yield found


def _google() -> GkeStandIn:
    """Google's side of the shipped target, whoever asks."""
    where = GkeCluster(project="om-models", location="us-central1-a", cluster="omtx-hub-cluster")
    pool = container_v1.NodePool(name="default-pool", status="RUNNING", version="1.35.3-gke.1")
    version = "1.35.4-gke.1"
    return GkeStandIn(where, container_v1.Cluster(status="RUNNING", current_master_version=version, node_pools=[pool]))


async def _furnish(world: Installed) -> None:
    """Pods enough that the failed one is not too many, one that a Job owns, and a node."""
    for number in range(5):
        await world.pod(f"running-{number}", {"running": {}}, "Running")
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "shop:1"}]}}
    job = await world.backend.apply(
        {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": "import", "namespace": world.space},
            "spec": {"suspend": True, "template": template},
        }
    )
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "import", "uid": job["metadata"]["uid"]}
    finished = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
    ended = {"terminated": {"exitCode": 1, "finishedAt": finished}}
    labels = (job["spec"].get("selector") or {}).get("matchLabels") or {}
    await world.pod("of-import", ended, "Failed", ownerReferences=[owner | {"controller": True}], labels=labels)


@pytest.fixture
async def widgets(cluster_backend: Any) -> AsyncIterator[str]:
    """A custom resource of this test's own, as kubectl spells it; it is served already."""
    group = f"{(await cluster_backend.namespace())}.example.com"
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    await cluster_backend.apply(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
                "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
            },
        }
    )
    await cluster_backend.wait_for(f"/apis/{group}/v1/widgets")
    yield f"widgets.{group}"
    await cluster_backend.clean()
