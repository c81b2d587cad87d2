"""Three replicas of maintd before one API server, each on a way of its own; they share the store and the jobs."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from maintd.core.resource import Json
from maintd.sandbox.scene import failed, timestamp
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE
from tests.faults.bucket import Bucket, bucket
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
_MOST_FAILED, _FAIL_TOGETHER = 48, 8
_FAILURES_SECONDS = 0.25
_LEASE = ("coordination.k8s.io/v1", "Lease", "maintd", "maintd")


@dataclass(frozen=True, slots=True)
class Reign:
    """A replica that leads, or led."""

    replica: "Replica"
    epoch: int


@dataclass(eq=False)
class Replica:
    """One of them."""

    process: Maintd
    way: Proxy
    clock: Path
    """What libfaketime adds to its clock, where that is preloaded."""


@dataclass(kw_only=True)
class Replicas:
    """All of them, those that were killed included."""

    folder: Path
    url: str
    """Of the API server."""
    serve: Callable[..., AbstractAsyncContextManager[Maintd]]
    """Starts one behind a proxy, with more environment variables."""
    environment: Mapping[str, str]
    stack: AsyncExitStack
    replicas: list[Replica] = field(default_factory=list)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What all of them have logged, one after the other."""
        return [line for replica in self.replicas for line in replica.process.lines]

    async def join(self, **environment: str) -> Replica:
        """One more, with a spool of its own."""
        number = len(self.replicas)
        way = await self.stack.enter_async_context(proxy(self.url))
        clock = self.folder / f"clock-{number}"
        clock.write_text("+0")
        own = {"MAINTD_SPOOL": str(self.folder / f"spool-{number}"), "FAKETIME_TIMESTAMP_FILE": str(clock)}
        serving = self.serve(way, **{**self.environment, **own, **environment})
        self.replicas.append(Replica(await self.stack.enter_async_context(serving), way, clock))
        return self.replicas[-1]

    async def reign(self, *, above: int = 0) -> Reign:
        """The newest that has taken over the state, once there is one after `above`. Raises TimeoutError."""
        async with asyncio.timeout(_NEW_LEADER_SECONDS):
            while True:
                epoch, number = max(self._reigns(), default=(0, 0))
                if epoch > above:
                    return Reign(self.replicas[number], epoch)
                await asyncio.sleep(_LOOK_SECONDS)

    def _reigns(self) -> Iterator[tuple[int, int]]:
        for number, replica in enumerate(self.replicas):
            for line in replica.process.all("state taken over"):
                yield line["epoch"], number

    async def stop(self) -> list[int]:
        """End whoever is alive, all at once; their exit codes. What each has logged is in the folder then."""
        codes = await asyncio.gather(*(each.process.stop() for each in self.replicas if each.process.alive))
        for number, replica in enumerate(self.replicas):
            told = "".join(json.dumps(line) + "\n" for line in replica.process.lines)
            (self.folder / f"log-{number}.jsonl").write_text(told, encoding="utf-8")
        return codes


@dataclass(kw_only=True)
class Trio(Replicas):
    """Before the embedded cluster."""

    ground: Ground
    bucket: Bucket | None = None
    begun: dict[int, datetime] = field(default_factory=dict)
    """Epoch → when the Lease was first seen to say it, by the API server's clock."""

    @property
    def sandbox(self) -> Sandbox:
        return self.ground.sandbox

    @property
    def lease(self) -> dict[str, Any] | None:
        return self.sandbox.get(*_LEASE)

    async def watch(self) -> None:
        """See the reigns begin, until cancelled."""
        while True:
            annotations = (self.lease or {}).get("metadata", {}).get("annotations", {})
            if epoch := int(annotations.get("maintd.dev/epoch", 0)):
                self.begun.setdefault(epoch, self.sandbox.now())
            await asyncio.sleep(_LOOK_SECONDS)

    def remove_lease(self) -> None:
        """As somebody does who thinks that it is in the way."""
        self.sandbox.remove(*_LEASE)

    def edit_lease(self) -> None:
        """As somebody does who wants another to lead: with a holder that is nobody, and no word of the epoch."""
        lease = self.lease
        assert lease is not None
        metadata = {key: value for key, value in lease["metadata"].items() if key != "annotations"}
        self.sandbox.put(lease | {"metadata": metadata, "spec": lease["spec"] | {"holderIdentity": "nobody_0"}})


async def _go_on_failing(sandbox: Sandbox) -> None:
    """More pods than one run of `tidy` may delete, so that there is always something to do."""
    for number in itertools.count():
        left = [pod for pod in sandbox.select("v1", "Pod", NAMESPACE) if pod["status"]["phase"] == "Failed"]
        for suffix in range(_FAIL_TOGETHER if len(left) < _MOST_FAILED else 0):
            sandbox.put(_failed(f"failed-{number}-{suffix}", sandbox.now()))
        await asyncio.sleep(_FAILURES_SECONDS)


def _failed(name: str, now: datetime) -> Json:
    made = timestamp(now - timedelta(hours=1))
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "creationTimestamp": made},
        "spec": {"containers": [{"name": "c", "image": "i"}]},
        "status": failed("c", now, 1, "Error"),
    }


@asynccontextmanager
async def _kept_in(here: Ground) -> AsyncIterator[Bucket]:
    async with bucket() as store:
        yield store
        await store.copy(here.store.parent)


def scaled(size: int) -> dict[str, str]:
    """The environment of so many, whose times are a tenth."""
    lease = f"{LEASE_SECONDS * 1000:.0f}ms"
    return {"MAINTD_LEASE": lease, "MAINTD_REPLICAS": str(max(size, 1)), "MAINTD_GRACE": "3s"}


@asynccontextmanager
async def trio(
    folder: Path, jobs: str = JOBS, *, size: int = SIZE, in_bucket: bool = False, **environment: str
) -> AsyncIterator[Trio]:
    """Replicas that have started, `size` of them; meanwhile pods fail, and stay for `tidy` to find.

    `in_bucket`: their store is one, and lies in the ground's folder at the end.
    """
    async with ground(folder, jobs) as here, AsyncExitStack() as stack:
        store = await stack.enter_async_context(_kept_in(here)) if in_bucket else None
        made = Trio(
            folder=folder,
            url=here.sandbox.url,
            serve=here.serve,
            environment=scaled(size) | (store.environment if store else {}) | environment,
            stack=stack,
            ground=here,
            bucket=store,
        )
        tasks = [asyncio.create_task(work) for work in (_go_on_failing(here.sandbox), made.watch())]
        try:
            started = [await made.join() for _ in range(size)]
            await asyncio.gather(*(each.process.said("daemon started") for each in started))
            yield made
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
