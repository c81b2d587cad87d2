"""Three replicas of maintd before one API server, each on a way of its own; they share the store and the jobs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import goes_on_breaking
from tests.faults.ground import Ground, ground
from tests.faults.process import Maintd
from tests.faults.proxy import Proxy, proxy

LEASE_SECONDS = 1.5
"""A tenth of what it is unless set."""
SIZE = 3
JOBS = """version: 1
targets: {shop: {namespace: omtx-hub}}
defaults: {target: shop, timeout: 4s}
jobs:
  - {name: tidy, kind: cleanup-pods, every: 1s, mode: act, params: {older_than: 1s}}
  - {name: backup, kind: backup, every: 2s, params: {kinds: [configmaps, services]}}
  - {name: versions, kind: version-check, every: 1s}
"""
_NEW_LEADER_SECONDS = 30.0
_LOOK_SECONDS = 0.02
_POD_EACH = timedelta(milliseconds=150)
_LEASE = ("coordination.k8s.io/v1", "Lease", "maintd", "maintd")


@dataclass(frozen=True, slots=True)
class Reign:
    """A replica that leads, and since when."""

    replica: "Replica"
    epoch: int
    began: float
    """As `time.monotonic`, when it was heard of."""


@dataclass(eq=False)
class Replica:
    """One of them."""

    process: Maintd
    way: Proxy
    clock: Path
    """What libfaketime adds to its clock, where that is preloaded."""


@dataclass
class Trio:
    """All of them, those that were killed included."""

    ground: Ground
    stack: AsyncExitStack
    environment: dict[str, str]
    replicas: list[Replica] = field(default_factory=list)

    @property
    def sandbox(self) -> Sandbox:
        return self.ground.sandbox

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What all of them have logged, one after the other."""
        return [line for replica in self.replicas for line in replica.process.lines]

    @property
    def lease(self) -> dict[str, Any] | None:
        return self.sandbox.get(*_LEASE)

    async def join(self, **environment: str) -> Replica:
        """One more, with a spool of its own."""
        number = len(self.replicas)
        way = await self.stack.enter_async_context(proxy(self.sandbox.url))
        clock = self.ground.folder / f"clock-{number}"
        clock.write_text("+0")
        own = {"MAINTD_SPOOL": str(self.ground.folder / f"spool-{number}"), "FAKETIME_TIMESTAMP_FILE": str(clock)}
        process = await self.stack.enter_async_context(self.ground.serve(way, **self.environment, **own, **environment))
        self.replicas.append(Replica(process, way, clock))
        return self.replicas[-1]

    async def reign(self, *, above: int = 0) -> Reign:
        """The newest that has taken over the state, once there is one after `above`. Raises TimeoutError."""
        async with asyncio.timeout(_NEW_LEADER_SECONDS):
            while True:
                found = max(self._reigns(), default=(0, 0))
                if found[0] > above:
                    return Reign(self.replicas[found[1]], found[0], time.monotonic())
                await asyncio.sleep(_LOOK_SECONDS)

    def _reigns(self) -> Iterator[tuple[int, int]]:
        for number, replica in enumerate(self.replicas):
            for line in replica.process.all("state taken over"):
                yield line["epoch"], number

    def remove_lease(self) -> None:
        """As somebody does who thinks that it is in the way."""
        self.sandbox.remove(*_LEASE)

    def edit_lease(self) -> None:
        """As somebody does who wants another to lead: with a holder that is nobody, and no word of the epoch."""
        lease = self.lease
        assert lease is not None
        metadata = {key: value for key, value in lease["metadata"].items() if key != "annotations"}
        self.sandbox.put(lease | {"metadata": metadata, "spec": lease["spec"] | {"holderIdentity": "nobody_0"}})

    async def stop(self) -> list[int]:
        """End whoever is alive, all at once; their exit codes. What each has logged is in the folder then."""
        codes = await asyncio.gather(*(each.process.stop() for each in self.replicas if each.process.alive))
        for number, replica in enumerate(self.replicas):
            told = "".join(json.dumps(line) + "\n" for line in replica.process.lines)
            (self.ground.folder / f"log-{number}.jsonl").write_text(told, encoding="utf-8")
        return codes


@asynccontextmanager
async def trio(folder: Path, jobs: str = JOBS, *, size: int = SIZE, **environment: str) -> AsyncIterator[Trio]:
    """Replicas that have started; meanwhile pods fail, and stay for `tidy` to find."""
    given = {
        "MAINTD_LEASE": f"{LEASE_SECONDS * 1000:.0f}ms",
        "MAINTD_REPLICAS": str(size),
        "MAINTD_GRACE": "3s",
    } | environment
    async with ground(folder, jobs) as here, AsyncExitStack() as stack:
        made = Trio(here, stack, given)
        breaking = asyncio.create_task(goes_on_breaking(here.sandbox, _POD_EACH))
        try:
            started = [await made.join() for _ in range(size)]
            await asyncio.gather(*(each.process.said("daemon started") for each in started))
            yield made
        finally:
            breaking.cancel()
            with suppress(asyncio.CancelledError):
                await breaking
