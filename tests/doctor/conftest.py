"""A maintd to look at: its jobs, its cluster, its store, what Google says, and the environment it would be in."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import requests
import yaml
from aiohttp import web

from maintd.app.doctor.examine import examine
from maintd.app.doctor.line import Line
from maintd.app.doctor.visit import Visit
from maintd.app.grants import grants_for
from maintd.cli.jobsfile import loader
from maintd.cluster.api import Api
from maintd.config.jobs import JobsFile
from maintd.config.settings import Settings
from maintd.core.resource import Json
from maintd.derive import rbac
from maintd.gcp.gke import Google
from maintd.sandbox.server import Sandbox
from maintd.storage.open import open_store

JOBS = """version: 1
targets: {shop: {namespace: SPACE}}
defaults: {target: shop}
jobs:
  - {name: tidy, kind: cleanup-pods, mode: act, schedule: "17 3 * * sun", params: {phases: [Failed]}}
  - {name: copies, kind: backup, schedule: "0 1 * * *"}
  - {name: versions, kind: version-check, every: 1h}
"""
MERGE_PATCH = "application/merge-patch+json"
RBAC = "/apis/rbac.authorization.k8s.io/v1"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Patient:
    """Everything a doctor looks at; a test changes what it is about."""

    folder: Path
    kubeconfig: Path
    jobs_text: str
    own: str = "maintd"
    storage: str = ""
    google: str = ""
    in_pod: bool = True
    environ: dict[str, str] = field(default_factory=dict)
    allowed_emulator: str = ""
    mounts: str = ""
    now: Callable[[], datetime] = now
    patience: float = 10.0

    @property
    def settings(self) -> Settings:
        storage = self.storage or f"file://{self.folder / 'store'}"
        return Settings(
            storage=storage,
            cluster="lab",
            namespace=self.own,
            gke_endpoint=self.google,
            allow_storage_emulator=self.allowed_emulator,
        )

    @property
    def file(self) -> JobsFile:
        path = self.folder / "jobs.yaml"
        path.write_text(self.jobs_text)
        return loader(self.settings).load(path)

    @property
    def rendered(self) -> str:
        return rbac.text(grants_for(self.settings, self.file))

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Visit]:
        settings = self.settings
        async with Google(settings.gke_endpoint, deadline=timedelta(seconds=1)) as google:
            store = open_store(settings.storage, settings.cluster, hurried=True)
            yield Visit(
                settings, self.file, store, google, self.environ, self.in_pod, self.now, self.mounts, context=""
            )

    async def examine(self, kubeconfig: Path | None = None) -> dict[str, list[Line]]:
        """By the name of the check."""
        api = await Api.connect(kubeconfig or self.kubeconfig, hurried=True)
        try:
            async with self.visit() as visit:
                found = await examine(visit, api, self.patience)
        finally:
            await api.close()
        return {each.check: list(each.lines) for each in found}


def fine(lines: list[Line]) -> bool:
    return not any(line.verdict.fails for line in lines)


@pytest.fixture
def patient(sandbox: Sandbox, tmp_path: Path) -> Patient:
    """A daemon in the embedded cluster, as somebody who may do everything."""
    sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "maintd"}})
    sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    return Patient(tmp_path, sandbox.kubeconfig(tmp_path / "kubeconfig"), JOBS.replace("SPACE", "shop"))


@dataclass
class Installed:
    """maintd in a cluster, embedded or real, with the Roles that were rendered for it."""

    patient: Patient
    backend: Any
    space: str
    token: str = ""

    @property
    def daemon(self) -> Path:
        """The kubeconfig of its own ServiceAccount."""
        config = json.loads(self.backend.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": self.token}
        path = self.patient.folder / "daemon.kubeconfig"
        path.write_text(json.dumps(config))
        return path

    async def rights(self, kubeconfig: Path) -> list[Line]:
        return (await self.patient.examine(kubeconfig))["rights"]

    async def both(self) -> tuple[list[Line], list[Line]]:
        """What the daemon is told of itself, and what the admin is told of it."""
        return await self.rights(self.daemon), await self.rights(self.patient.kubeconfig)

    async def until(self, wanted: Callable[[list[Line]], bool]) -> None:
        """Authorizers learn of a Role from a watch, a little later."""
        async with asyncio.timeout(20):
            while not all(map(wanted, await self.both())):
                await asyncio.sleep(0.05)

    async def apply(self, text: str) -> None:
        """Create what is not there, and give what is there these rules."""
        for obj in yaml.safe_load_all(text):
            where = f"/namespaces/{obj['metadata']['namespace']}" if "namespace" in obj["metadata"] else ""
            path = f"{RBAC}{where}/{obj['kind'].lower()}s"
            made = await self.backend.request("POST", path, obj)
            if made.status == 409:
                path = f"{path}/{obj['metadata']['name']}"
                made = await self.backend.request("PATCH", path, obj, content=MERGE_PATCH)
            assert made.status in (200, 201), made.text

    async def rules(self, edit: Callable[[list[Json]], list[Json]]) -> None:
        """Change the Role in the application's namespace."""
        path = f"{RBAC}/namespaces/{self.space}/roles/maintd-{self.patient.own}"
        role = (await self.backend.request("GET", path)).json
        done = await self.backend.request("PATCH", path, {"rules": edit(role["rules"])}, content=MERGE_PATCH)
        assert done.status == 200, done.text


@pytest.fixture
async def installed(cluster_backend: Any, tmp_path: Path) -> AsyncIterator[Installed]:
    own, space = await cluster_backend.namespace(), await cluster_backend.namespace()
    patient = Patient(tmp_path, cluster_backend.kubeconfig, JOBS.replace("SPACE", space), own=own, in_pod=False)
    found = Installed(patient, cluster_backend, space)
    made = await cluster_backend.request(
        "POST", f"/api/v1/namespaces/{own}/serviceaccounts", {"metadata": {"name": "maintd"}}
    )
    assert made.status == 201, made.text
    found.token = await cluster_backend._token(own, "maintd")
    await found.apply(patient.rendered)
    yield found
    for plural in ("clusterroles", "clusterrolebindings"):
        await cluster_backend.request("DELETE", f"{RBAC}/{plural}/maintd-{own}")


@dataclass
class Bucket:
    """fake-gcs-server's program holds the objects; what the bucket says of itself, and what fails, says the test."""

    behind: str
    url: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    """Status by operation: `about`, `write`, `read`."""
    held: set[str] = field(default_factory=set)
    """The permissions of whoever asks, beside those to read and write."""
    silent: bool = False
    """It begins to answer and goes on for ever, so that no time-out between two bytes ends it."""
    altered: bytes = b""
    """What downloads hold instead of what was written."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.silent:
            return await self._never(request)
        operation = self._operation(request)
        if code := self.refused.get(operation):
            return web.json_response({"error": {"code": code, "message": "secret words"}}, status=code)
        if operation == "about":
            return web.json_response({"kind": "storage#bucket", "name": "bucket"} | dict(self.about))
        if operation == "permissions":
            return web.json_response(
                {"permissions": [name for name in request.query.getall("permissions") if name in self.held]}
            )
        if self.altered and request.path.startswith("/download/"):
            return web.Response(body=self.altered)
        return await self._passed_on(request)

    async def _never(self, request: web.Request) -> web.StreamResponse:
        reply = web.StreamResponse()
        await reply.prepare(request)
        while True:
            await reply.write(b" ")
            await asyncio.sleep(0.5)

    def _operation(self, request: web.Request) -> str:
        if request.path == "/storage/v1/b/bucket":
            return "about"
        if request.path.endswith("/iam/testPermissions"):
            return "permissions"
        return "write" if request.method == "POST" else "read"

    async def _passed_on(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name in ("Content-Type", "Accept")}
        body = await request.read()
        async with (
            aiohttp.ClientSession(auto_decompress=False) as session,
            session.request(request.method, self.behind + request.path_qs, data=body, headers=headers) as reply,
        ):
            kept = {
                name: value for name, value in reply.headers.items() if name.lower().startswith(("x-goog", "content-e"))
            }
            kept["Content-Type"] = reply.headers["Content-Type"]
            return web.Response(status=reply.status, body=await reply.read(), headers=kept)


@pytest.fixture
async def bucket(fake_gcs: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bucket]:
    """A bucket called `bucket` that is new and well, and that the environment leads to."""
    requests.delete(f"{fake_gcs}/storage/v1/b/bucket", timeout=5)
    requests.post(f"{fake_gcs}/storage/v1/b", json={"name": "bucket"}, timeout=5)
    found = Bucket(fake_gcs)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", found.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", found.url)
    yield found
    await runner.cleanup()
