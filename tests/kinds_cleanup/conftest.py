"""Runs cleanup-pods for real: through its gate, with exactly the rights that it and the rails ask for."""

import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.core.kind import Context
from maintd.core.limits import Limits
from maintd.core.outcome import Outcome
from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.core.target import Target
from maintd.kinds.act.cleanup_pods import KIND
from maintd.rails.gate import RailGate
from maintd.rails.needs import rails_needs
from maintd.rails.scope import Scope
from maintd.storage.folder import FolderStore

TIME = "%Y-%m-%dT%H:%M:%SZ"


class Lines:
    """A log that nobody reads."""

    def info(self, event: str, **fields: Any) -> None: ...

    debug = warning = error = info


def ago(**span: float) -> str:
    """A time in the past, as the API writes times."""
    return (datetime.now(UTC) - timedelta(**span)).strftime(TIME)


def owned(kind: str, name: str, uid: str, api_version: str) -> Json:
    """The part of metadata that says which controller a pod belongs to."""
    return {
        "ownerReferences": [{"apiVersion": api_version, "kind": kind, "name": name, "uid": uid, "controller": True}]
    }


def pod(
    name: str, namespace: str, *, phase: str = "Failed", hours: float = 48, reason: str = "", **metadata: Any
) -> Json:
    """A pod whose only container ended so many hours ago; one that runs or waits has no such container."""
    state: Json = {"terminated": {"exitCode": 1, "finishedAt": ago(hours=hours)}}
    if phase not in ("Failed", "Succeeded"):
        state = {"running": {"startedAt": ago(hours=hours)}}
    container = {"name": "app", "image": "shop:1", "imageID": "", "ready": False, "restartCount": 0, "state": state}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {"schedulerName": "none", "containers": [{"name": "app", "image": "shop:1"}]},
        "status": {
            "phase": phase,
            "containerStatuses": [container],
            **({"reason": reason} if reason else {}),
        },
    }


class Cleanup:
    """Runs the kind against one cluster."""

    def __init__(self, connect: Callable[[Sequence[Rule]], Any], folder: Path, own_namespace: str = "maintd") -> None:
        self._connect = connect
        self._own = own_namespace
        self._runs = itertools.count(1)
        self.store = FolderStore(folder, "test")

    async def __call__(
        self,
        namespace: str | None,
        mode: Literal["act", "dry-run"] = "act",
        *,
        limits: Limits | None = None,
        rights: Iterable[Rule] | None = None,
        **params: Any,
    ) -> Outcome:
        """One run; `rights` instead of what it needs."""
        target, given = Target(namespace=namespace), KIND.params(**params)
        needs = KIND.rules(given, target)
        api = await self._connect(tuple(rights) if rights is not None else (*needs, *rails_needs(needs, self._own)))
        scope = Scope(
            run_id=f"run-{next(self._runs)}",
            job="tidy",
            mode=mode,
            limits=limits or KIND.limits,
            own_namespace=self._own,
            instance="maintd-0",
        )
        gate = RailGate(scope, api, self.store, None, Lines())  # type: ignore[arg-type]
        return await KIND.run(
            Context(
                run_id=scope.run_id,
                job="tidy",
                target=target,
                cluster=ClusterReader(api),
                gate=gate,
                store=self.store,
                http=None,  # type: ignore[arg-type]
                log=Lines(),
                now=lambda: datetime.now(UTC),
                memory={},
            ),
            given,
        )


@pytest.fixture(name="pod")
def _pod() -> Callable[..., Json]:
    return pod


@pytest.fixture(name="owned")
def _owned() -> Callable[..., Json]:
    return owned


@pytest.fixture
async def cleanup(cluster_backend: Any, tmp_path: Path) -> AsyncIterator[Cleanup]:
    """`await cleanup("shop", phases=["Failed"])` on either cluster."""
    async with AsyncExitStack() as stack:

        async def connect(rules: Sequence[Rule]) -> Api:
            api = await Api.connect(await cluster_backend.grant(rules))
            stack.push_async_callback(api.close)
            return api

        yield Cleanup(connect, tmp_path / "store", await cluster_backend.namespace())


@pytest.fixture
async def tidy(sandbox: Any, tmp_path: Path) -> AsyncIterator[Cleanup]:
    """`await tidy("shop")` in the embedded cluster, which takes pods that no API server would."""
    users = itertools.count(1)
    async with AsyncExitStack() as stack:

        async def connect(rules: Sequence[Rule]) -> Api:
            user = f"maintd-{next(users)}"
            sandbox.grant(user, rules)
            api = await Api.connect(sandbox.kubeconfig(tmp_path / user, user))
            stack.push_async_callback(api.close)
            return api

        yield Cleanup(connect, tmp_path / "store")
