"""A whole backup into a bucket that stutters, loses its replies and has two writers: one object each, no false failure.

Both servers that stand in for Google's are asked through a proxy, which is what stutters.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from maintd.core.errors import Conflict
from maintd.core.outcome import Status
from maintd.core.ports import Store
from maintd.objects import archive
from maintd.objects.readback import read_back
from maintd.sandbox.server import Sandbox
from maintd.storage.open import open_store
from tests.kinds_backup.conftest import Desk
from tests.storage.conftest import Fault

_NAME = re.compile(rb'"name": ?"([^"]+)"')
_OF_THE_CONNECTION = {"connection", "content-length", "host", "transfer-encoding"}


@dataclass
class Stutter:
    """Does these things to the first uploads of each object, one each; then what it is asked."""

    upstream: str
    session: aiohttp.ClientSession
    url: str
    """Of the store."""
    ills: Sequence[Fault] = ()
    uploads: Counter[str] = field(default_factory=Counter)
    """By the object's name."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.method != "POST":
            return await self.forward(request)
        found = _NAME.search(await request.read())
        assert found
        name = found[1].decode()
        turn, self.uploads[name] = self.uploads[name], self.uploads[name] + 1
        return await (self.ills[turn](request, self.forward) if turn < len(self.ills) else self.forward(request))

    async def forward(self, request: web.Request) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OF_THE_CONNECTION}
        url = URL(self.upstream + request.raw_path, encoded=True)
        async with self.session.request(request.method, url, headers=headers, data=await request.read()) as reply:
            kept = {name: value for name, value in reply.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            return web.Response(status=reply.status, body=await reply.read(), headers=kept)


@pytest.fixture(params=["fake-gcs-server", "our own"])
def upstream(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The address of a server, and the URL of its bucket."""
    if request.param == "our own":
        return request.getfixturevalue("faulty").url, "gs://bucket"
    return request.getfixturevalue("fake_gcs"), request.getfixturevalue("gcs_bucket")


@pytest.fixture
async def stutter(upstream: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stutter]:
    """In front of it, where the environment leads to."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        found = Stutter(upstream[0], session, f"{upstream[1]}/prefix")
        app = web.Application(client_max_size=2**25)
        app.router.add_route("*", "/{path:.*}", found.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://{}:{}".format(*runner.addresses[0][:2]))
        yield found
        await runner.cleanup()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "nowhere")


@pytest.fixture
def kubeconfig(sandbox: Sandbox, tmp_path: Path) -> Path:
    for number in range(4):
        metadata = {"name": f"c{number}", "namespace": f"space-{number % 2}"}
        sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "v" * 100}})
    return sandbox.kubeconfig(tmp_path / "kubeconfig")


async def held_to_its_manifest(store: Store, backup_id: str) -> list[str]:
    """The names of its objects, once every byte of them was read."""
    found = await archive.backup(store, backup_id)
    assert found.state == "complete"
    assert (await read_back(store, found, "r", lambda: datetime.now(UTC))).ok
    return [f"backups/{backup_id}/{path}" for path in ("manifest.json", *(f.path for f in found.manifest.every_file))]


ILLS = {
    "two lost replies": ["lost", "lost"],
    "a run of 503": ["503", "503", "503"],
    "503, then a lost reply, then 503": ["503", "lost", "503"],
    "429, then a connection that breaks before": ["429", "broken"],
}


async def breaks(request: web.Request, _: object) -> web.StreamResponse:
    """The connection, before anything is done."""
    assert request.transport
    request.transport.abort()
    return web.Response()


def played(faults: SimpleNamespace, words: Sequence[str]) -> list[Fault]:
    known = {"lost": faults.loses_the_reply, "broken": breaks}
    return [known.get(word) or faults.refuses(int(word)) for word in words]


@pytest.mark.parametrize("ills", ILLS.values(), ids=ILLS)
async def test_it_is_written_once_and_nobody_is_told_of_a_failure(
    stutter: Stutter, faults: SimpleNamespace, desk: Desk, kubeconfig: Path, ills: list[str]
) -> None:
    stutter.ills = played(faults, ills)
    store = open_store(stutter.url, "test")

    outcome = await desk.run(kubeconfig, store=store, kinds=["configmaps"])

    assert (outcome.judged(), outcome.findings) == (Status.OK, ())
    [manifest] = outcome.artifacts
    names = await held_to_its_manifest(store, manifest.split("/")[1])
    assert sorted([path async for path in store.names("")]) == sorted(names)
    assert stutter.uploads == {f"prefix/test/{name}": len(ills) + 1 for name in names}


async def test_two_writers_at_once_make_a_backup_each(
    stutter: Stutter, faults: SimpleNamespace, desk: Desk, kubeconfig: Path
) -> None:
    stutter.ills = played(faults, ["503", "lost"])
    stores = [open_store(stutter.url, "test") for _ in range(2)]

    outcomes = await asyncio.gather(*(desk.run(kubeconfig, store=store, kinds=["configmaps"]) for store in stores))

    assert [outcome.judged() for outcome in outcomes] == [Status.OK] * 2
    backups = {outcome.artifacts[0].split("/")[1] for outcome in outcomes}
    names = [name for backup_id in backups for name in await held_to_its_manifest(stores[0], backup_id)]
    assert sorted([path async for path in stores[1].names("")]) == sorted(names)
    assert set(stutter.uploads.values()) == {3}


async def test_of_two_writers_of_one_object_one_wins_and_the_other_is_told(
    stutter: Stutter, faults: SimpleNamespace
) -> None:
    stutter.ills = played(faults, ["lost", "lost"])
    stores = [open_store(stutter.url, "test") for _ in range(2)]
    path, contents = "backups/20261122T010000Z-aaaaaa/manifest.json", [b'{"writer": 1}', b'{"writer": 2}']

    ends = await asyncio.gather(
        *(store.create(path, data) for store, data in zip(stores, contents, strict=True)), return_exceptions=True
    )

    [won] = [number for number, end in enumerate(ends) if not isinstance(end, BaseException)]
    assert isinstance(ends[1 - won], Conflict)
    assert await stores[0].read(path) == contents[won]
