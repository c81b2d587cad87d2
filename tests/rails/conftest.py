"""A scene for the rails: the embedded cluster at a fixed time, a folder for a store, and gates on them."""

import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from maintd.cluster.api import Api
from maintd.core.errors import JobError
from maintd.core.limits import Limits
from maintd.core.outcome import Change
from maintd.core.ports import Deletion, Store
from maintd.core.resource import PODS, Json
from maintd.core.rules import Rule
from maintd.objects.metadata import deletion
from maintd.rails.gate import RailGate
from maintd.rails.ledger import Tally
from maintd.rails.scope import Scope
from maintd.sandbox.server import Sandbox
from maintd.storage.folder import FolderStore

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SPACE = "shop"
RIGHTS = (
    Rule("pods", "delete", "get", "list", namespace=SPACE),
    Rule("events", "list", namespace=SPACE),
    Rule("pods/log", "get", namespace=SPACE),
    Rule("deployments.apps", "get", namespace="maintd", names=("maintd",)),
    Rule("events.events.k8s.io", "create", namespace="maintd"),
)


def failed_pod(name: str, *, hours: float = 48, namespace: str = SPACE, **metadata: Any) -> Json:
    """A pod that failed so many hours ago, and was made an hour before."""
    finished = NOW - timedelta(hours=hours)
    made = finished - timedelta(hours=1)
    terminated = {"exitCode": 1, "finishedAt": finished.strftime("%Y-%m-%dT%H:%M:%SZ")}
    where = {"name": name, "namespace": namespace, "creationTimestamp": made.strftime("%Y-%m-%dT%H:%M:%SZ")}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": where | metadata,
        "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "shop:1"}]},
        "status": {
            "phase": "Failed",
            "containerStatuses": [{"name": "app", "restartCount": 0, "state": {"terminated": terminated}}],
        },
    }


def wish_for(pod: Json) -> Deletion:
    """The wish to delete a pod exactly as it is given."""
    terminated = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return deletion(PODS, pod, since=datetime.fromisoformat(terminated["finishedAt"]), rule="finished long ago")


class MemoryLedger:
    """A ledger as the rails see one; `broken` raises instead."""

    def __init__(self, tally: Tally | None = None) -> None:
        self.tally = tally
        self.writes = 0
        self.broken: JobError | None = None

    async def read(self) -> Tally | None:
        if self.broken:
            raise self.broken
        return self.tally

    async def update(self, change: Callable[[Tally | None], Tally]) -> Tally:
        if self.broken:
            raise self.broken
        self.tally = change(self.tally)
        self.writes += 1
        return self.tally


class Lines:
    """A log that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    def debug(self, event: str, **fields: Any) -> None:
        self.lines.append(("debug", event, fields))

    def info(self, event: str, **fields: Any) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: Any) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: Any) -> None:
        self.lines.append(("error", event, fields))


class Scene:
    """What a test of the rails arranges."""

    def __init__(self, sandbox: Sandbox, api: Api, store: FolderStore, folder: Path) -> None:
        self.sandbox = sandbox
        self.api = api
        self.store: Store = store
        self.folder = folder
        self.ledger = MemoryLedger()
        self.log = Lines()
        self.now = NOW
        self._runs = itertools.count(1)

    def pod(self, name: str, *, hours: float = 48, namespace: str = SPACE, **metadata: Any) -> Json:
        """A pod that failed so many hours ago, and was made an hour before, in the cluster."""
        return self.sandbox.put(failed_pod(name, hours=hours, namespace=namespace, **metadata))

    def wish(self, pod: Json) -> Deletion:
        """The wish to delete a pod as it is now."""
        return wish_for(pod)

    def gate(
        self,
        mode: Literal["act", "dry-run"] = "act",
        *,
        in_flight: int = 8,
        log_timeout: timedelta = timedelta(seconds=5),
        **limits: Any,
    ) -> RailGate:
        """The gate of a new run."""
        scope = Scope(
            run_id=f"20261122T030000Z-tidy-{next(self._runs):06x}",
            job="tidy",
            mode=mode,
            limits=Limits(**limits),
            own_namespace="maintd",
            instance="maintd-0",
            in_flight=in_flight,
            log_timeout=log_timeout,
        )
        return RailGate(scope, self.api, self.store, self.ledger, self.log)

    async def delete(
        self, pods: Sequence[Json], mode: Literal["act", "dry-run"] = "act", *, population: int = 1000, **more: Any
    ) -> tuple[Change, ...]:
        """A whole run that wishes to delete these pods."""
        wishes = [self.wish(pod) for pod in pods]
        return await self.gate(mode, **more).delete(wishes, population=population, now=NOW)

    def names(self, namespace: str = SPACE) -> set[str]:
        """The pods that are there."""
        return {pod["metadata"]["name"] for pod in self.sandbox.select("v1", "Pod", namespace)}

    def writes(self) -> list[str]:
        """Every request that was not a read, in order."""
        return [f"{line.verb} {line.path}" for line in self.sandbox.requests if line.verb not in ("get", "list")]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """An embedded cluster with a namespace `shop`, and maintd's own rights in it."""
    async with Sandbox(clock=lambda: NOW) as sandbox:
        sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
        sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "maintd"}})
        sandbox.grant("maintd", RIGHTS)
        api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig", "maintd"))
        yield Scene(sandbox, api, FolderStore(tmp_path / "store", "test"), tmp_path / "store" / "test")
        await api.close()


def results(changes: Sequence[Change]) -> dict[str, tuple[str, str]]:
    """name → (result, reason)."""
    return {change.object.name: (change.result, change.reason) for change in changes}


@pytest.fixture(name="results")
def _results() -> Callable[[Sequence[Change]], dict[str, tuple[str, str]]]:
    return results


@pytest.fixture(scope="session", name="failed_pod")
def _failed_pod() -> Callable[..., Json]:
    """Makes pods that are in no cluster yet."""
    return failed_pod


@pytest.fixture(scope="session")
def wish() -> Callable[..., Deletion]:
    """Makes wishes about pods that are in no cluster: `wish("a", annotations={…})`."""

    def make(name: str, *, hours: float = 48, namespace: str = SPACE, **metadata: Any) -> Deletion:
        known = {"uid": f"uid-of-{name}", "resourceVersion": "7"}
        return wish_for(failed_pod(name, hours=hours, namespace=namespace, **(known | metadata)))

    return make


@pytest.fixture(scope="session")
def now() -> datetime:
    """The time in the scene."""
    return NOW
