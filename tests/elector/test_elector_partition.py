"""Three candidates on one API server, each over a line of its own that is cut while it leads; in real time, scaled."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import NotLeading
from maintd.core.guard import Guard
from maintd.election.elector import Elector
from maintd.election.lease_homes import ClusterLease
from maintd.sandbox.server import Sandbox
from tests.elector.conftest import Lines

LEASE = 1.5
SLACK = 1.5
"""Seconds, for a machine that has other things to do; nothing that must never happen has any."""


@dataclass
class Proxy:
    """A TCP line to the API server. `fault`: reset, refuse, black hole, slow (10 B/s), or empty."""

    target: tuple[str, int]
    fault: str = ""
    port: int = 0
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self) -> None:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self, fault: str) -> None:
        self.fault = fault
        if fault in ("reset", "refuse"):
            self._abort()
        if fault == "refuse" and self._server:
            self._server.close()
            self._server = None

    async def heal(self) -> None:
        self.fault = ""
        self._abort()
        if self._server is None:
            await self.listen()

    async def close(self) -> None:
        self._abort()
        if self._server:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _abort(self) -> None:
        for writer in self._writers:
            with contextlib.suppress(OSError):
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.fault == "reset":
            self._writers.add(writer)
            self._abort()
            return
        there, back = await asyncio.open_connection(*self.target)
        ends = {writer, back}
        self._writers |= ends
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pump(reader, back))
                both.create_task(self._pump(there, writer))
        except* (ConnectionError, OSError):
            pass
        finally:
            self._writers -= ends
            for end in ends:
                end.transport.abort()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if self.fault == "slow":
                for at in range(len(data)):
                    sink.write(data[at : at + 1])
                    await asyncio.sleep(0.1 if self.fault else 0)
            elif self.fault == "black hole":
                await asyncio.Event().wait()
            else:
                sink.write(data)
        raise ConnectionResetError


@dataclass
class Candidate:
    name: str
    proxy: Proxy
    elector: Elector
    reigns: list[Guard] = field(default_factory=list)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def acts(self) -> bool:
        try:
            return bool(self.reigns) and self.reigns[-1].seconds_left() > 0
        except NotLeading:
            return False

    async def lead(self, reign: Guard) -> None:
        self.reigns.append(reign)
        await self.leave.wait()


@dataclass
class Field:
    """All candidates, and the most that ever acted at once, looked at every few milliseconds."""

    candidates: list[Candidate]
    most: int = 0

    async def watch(self) -> None:
        while True:
            self.most = max(self.most, sum(one.acts for one in self.candidates))
            await asyncio.sleep(0.005)

    async def leader(self, *, but: Candidate | None = None) -> Candidate:
        async with asyncio.timeout(30):
            while not (acting := [one for one in self.candidates if one.acts and one is not but]):
                await asyncio.sleep(0.005)
        return acting[0]

    @property
    def epochs(self) -> list[int]:
        return sorted(reign.epoch for one in self.candidates for reign in one.reigns)


@pytest.fixture
async def field_of_three(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Field]:
    target = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
    async with contextlib.AsyncExitStack() as stack:
        made = Field([])
        for name in ("one", "two", "three"):
            proxy = Proxy(target)
            await proxy.listen()
            stack.push_async_callback(proxy.close)
            path = sandbox.kubeconfig(tmp_path / name)
            path.write_text(path.read_text().replace(sandbox.url, f"http://127.0.0.1:{proxy.port}"))
            api = await Api.connect(path)
            stack.push_async_callback(api.close)
            view = api.scoped(patience=timedelta(seconds=LEASE / 5))
            home = ClusterLease(ClusterReader(view), ClusterWriter(view), "default")
            made.candidates.append(Candidate(name, proxy, Elector(home, name, timedelta(seconds=LEASE), Lines())))
        tasks = [asyncio.create_task(made.watch())]
        for one in made.candidates:
            one.task = asyncio.create_task(one.elector.run(one.lead))
            tasks.append(one.task)
        yield made
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_over_every_kind_of_cut_one_acts_at_a_time_and_another_takes_over(field_of_three: Field):
    now = asyncio.get_running_loop().time
    took, first = {}, await field_of_three.leader()
    for fault in ("reset", "refuse", "black hole", "slow"):
        cut = now()
        await first.proxy.cut(fault)
        second = await field_of_three.leader(but=first)
        took[fault] = now() - cut
        await asyncio.sleep(LEASE / 3)
        await first.proxy.heal()
        await asyncio.sleep(LEASE / 3)
        assert second.acts
        first = second

    assert field_of_three.most == 1
    assert field_of_three.epochs == [1, 2, 3, 4, 5]
    assert max(took.values()) <= LEASE + 0.4 + SLACK, took


async def test_who_leaves_hands_over_without_a_wait(field_of_three: Field):
    now = asyncio.get_running_loop().time
    first = await field_of_three.leader()
    assert first.task is not None
    await asyncio.sleep(LEASE / 2)
    left = now()
    first.leave.set()
    await first.task
    await field_of_three.leader(but=first)

    assert now() - left < LEASE / 2 + SLACK
    assert (field_of_three.most, field_of_three.epochs) == (1, [1, 2])


async def test_two_that_the_lease_was_taken_from_under_never_act_together(sandbox: Sandbox, field_of_three: Field):
    for _ in range(2):
        await field_of_three.leader()
        await asyncio.sleep(LEASE / 2)
        sandbox.remove("coordination.k8s.io/v1", "Lease", "maintd", "default")
        await asyncio.sleep(LEASE / 2)
    await field_of_three.leader()

    assert field_of_three.most == 1
    assert len(set(field_of_three.epochs)) == len(field_of_three.epochs) >= 2
