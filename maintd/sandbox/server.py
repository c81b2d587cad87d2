"""The embedded cluster: an API server on loopback, in this process, that starts in a few milliseconds.

async with Sandbox() as sandbox:
    sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}})
    sandbox.grant("maintd", [Rule("configmaps", "list", namespace="default")])
    kubeconfig = sandbox.kubeconfig(folder / "kubeconfig", "maintd")
"""

import itertools
import json
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from aiohttp import web

from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.sandbox.access import Access
from maintd.sandbox.api import Api, Version
from maintd.sandbox.audit import Audit, Request
from maintd.sandbox.faults import Fault
from maintd.sandbox.front import Front
from maintd.sandbox.grants import roles
from maintd.sandbox.rbac import ADMIN, GROUP, user_named
from maintd.sandbox.resources import Served
from maintd.sandbox.state import LogName, State

_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


class Sandbox:
    """A cluster to try things on. `put`, `get` and `remove` go past the API, for setting a scene."""

    def __init__(
        self,
        *,
        version: Version | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        history: Path | None = None,
    ) -> None:
        """`history`: a file that every request is written to, as JSON, one a line."""
        self.version = version or Version()
        self._state = State(clock)
        self._access = Access(self._state)
        self._audit = Audit(history)
        self._front = Front(Api(self._state, self._access, self.version), self._access, self._audit, clock)
        self._tokens: dict[str, str] = {}
        self._grants = itertools.count(1)
        self._runner: web.AppRunner | None = None
        self.url = ""
        self._admit("admin")
        self._access.install_built_in_roles()
        for name in _NAMESPACES:
            self._make_namespace(name)

    @property
    def requests(self) -> list[Request]:
        """The audit log: every request so far; clear it as you like."""
        return self._audit.requests

    @property
    def faults(self) -> list[Fault]:
        """Faults that are armed; append to it."""
        return self._front.faults

    def ignore_preconditions(self) -> None:
        """Delete whatever has the name, from now on: shows what preconditions are good for."""
        self._front.ignores_preconditions = True

    @property
    def logs(self) -> dict[LogName, str]:
        """Logs of pods, by (namespace, pod, container, previous)."""
        return self._state.logs

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._front.handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()
        self._audit.close()

    def now(self) -> datetime:
        """The API server's clock."""
        return self._state.clock()

    def put(self, obj: Json) -> Json:
        """Create or replace an object as it is given, status, uid and times included; returns it as stored."""
        served = self._state.served(obj["apiVersion"], obj["kind"])
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "") if served.resource.namespaced else ""
        if served.resource.namespaced and not namespace:
            raise ValueError(f"{obj['kind']} {metadata['name']} needs metadata.namespace")
        if namespace and self._state.store.get(("", "namespaces"), "", namespace) is None:
            self._make_namespace(namespace)
        old = self._state.store.get(served.key, namespace, metadata["name"])
        born = old.object["metadata"] if old else self._state.born(metadata["name"], namespace)
        kept = {key: born[key] for key in ("uid", "creationTimestamp")}
        entry = self._state.save(served, obj | {"metadata": kept | metadata})
        return _whole(served, entry.copy())

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Json | None:
        """The object as it is now, or None."""
        served = self._state.served(api_version, kind)
        entry = self._state.store.get(served.key, namespace, name)
        return _whole(served, entry.copy()) if entry else None

    def select(self, api_version: str, kind: str, namespace: str | None = None) -> list[Json]:
        """All objects of a kind, in one namespace or in all."""
        served = self._state.served(api_version, kind)
        return [_whole(served, entry.copy()) for entry in self._state.store.select(served.key, namespace)]

    def remove(self, api_version: str, kind: str, name: str, namespace: str = "") -> None:
        """Make an object gone at once, whatever its finalizers say."""
        self._state.discard(self._state.served(api_version, kind), namespace, name)

    def forget_pages(self) -> None:
        """Make every continue token answer 410, as a compaction of etcd does."""
        self._state.pager.forget()

    def grant(self, user: str, rules: Iterable[Rule]) -> None:
        """Give a user these rights, through real roles and bindings."""
        self._admit(user)
        subject = {"kind": "User", "apiGroup": GROUP, "name": user}
        for obj in roles(f"{user.replace(':', '-')}-{next(self._grants)}", subject, rules):
            self.put(obj)

    def kubeconfig(self, path: Path, user: str = "admin") -> Path:
        """Write a kubeconfig for a user; one that no `grant` named has no rights."""
        token = self._admit(user)
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": user,
            "clusters": [{"name": "sandbox", "cluster": {"server": self.url}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": user, "context": {"cluster": "sandbox", "user": user}}],
        }
        path.write_text(json.dumps(config, indent=1))
        path.chmod(0o600)
        return path

    def rotate(self, user: str) -> str:
        """A new bearer token for a user; the old one is nobody's from now on."""
        self._access.remove(self._tokens.pop(user))
        return self._admit(user)

    def token(self, user: str = "admin") -> str:
        """The bearer token of a user."""
        return self._admit(user)

    def _admit(self, user: str) -> str:
        if user not in self._tokens:
            self._tokens[user] = secrets.token_hex(16)
            self._access.add(self._tokens[user], ADMIN if user == "admin" else user_named(user))
        return self._tokens[user]

    def _make_namespace(self, name: str) -> None:
        labels = {"labels": {"kubernetes.io/metadata.name": name}}
        content = {"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
        served = self._state.served("v1", "Namespace")
        self._state.save(served, {"metadata": self._state.born(name) | labels} | content)


def _whole(served: Served, obj: Json) -> Json:
    return {"kind": served.resource.kind, "apiVersion": served.resource.api_version} | obj
