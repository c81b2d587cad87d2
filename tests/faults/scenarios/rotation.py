"""A5: under a daemon that serves, its token, its CA and its rights change.

What is rotated costs no run; a right that is taken away in the middle of a run makes that run `partial`, with the
missing rule printed, and touches no other job.
"""

import json
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from maintd.core.resource import Json
from maintd.core.rules import Rule
from maintd.sandbox.faults import Fault
from maintd.sandbox.reply import Reply
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE
from tests.faults.evidence import records
from tests.faults.ground import Ground, ground
from tests.faults.plan import Plan, Step
from tests.faults.process import Maintd, maintd
from tests.faults.proxy import Proxy, proxy
from tests.faults.scenario import Report

USER = "maintd"
JOBS = """version: 1
targets: {shop: {namespace: omtx-hub}}
defaults: {target: shop, timeout: 5s}
jobs:
  - {name: versions, kind: version-check, every: 1s}
  - {name: backup, kind: backup, every: 2s, params: {kinds: [configmaps, services, deployments.apps]}}
"""
RIGHTS = (
    Rule("nodes", "list"),
    Rule("namespaces", "get"),
    Rule("services", "list", namespace=NAMESPACE),
    Rule("deployments.apps", "list", namespace=NAMESPACE),
    Rule("configmaps", "create", "get", "update", namespace="maintd"),
    Rule("leases.coordination.k8s.io", "create", "get", "update", namespace="maintd"),
)
TAKEN = Rule("configmaps", "list", namespace=NAMESPACE)
_GOOD = ("ok", "attention")


@dataclass
class _Cluster:
    """The ground behind TLS, with credentials in files that can be written anew."""

    ground: Ground
    way: Proxy
    token: Path
    authority: Path

    @property
    def sandbox(self) -> Sandbox:
        return self.ground.sandbox

    async def befall(self, fault: str) -> None:
        """What a cluster's administrator does; the kubelet has written the new files before."""
        match fault:
            case "token rotated":
                self.token.write_text(self.sandbox.rotate(USER))
            case "CA rotated":
                await self.way.present(_certified(self.authority))
            case "right taken away":
                self.sandbox.faults.append(Fault("get", "/api/v1/namespaces/kube-system", edit=self._without))

    def _without(self, reply: Reply) -> Reply:
        """In the middle of a backup: it has begun, and has not listed the ConfigMaps."""
        for kind in ("Role", "RoleBinding"):
            for found in self.sandbox.select("rbac.authorization.k8s.io/v1", kind, NAMESPACE):
                if found["metadata"]["name"] == f"{USER}-2":
                    self.sandbox.remove(found["apiVersion"], kind, f"{USER}-2", NAMESPACE)
        return reply


def _certified(authority: Path) -> ssl.SSLContext:
    """A certificate of a new CA, which is written where clients look for it."""
    made = trustme.CA()
    made.cert_pem.write_to_path(authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    return context


@asynccontextmanager
async def _cluster(folder: Path) -> AsyncIterator[_Cluster]:
    async with ground(folder, JOBS) as here:
        here.sandbox.grant(USER, RIGHTS)
        here.sandbox.grant(USER, [TAKEN])
        authority, token = folder / "ca.crt", folder / "token"
        token.write_text(here.sandbox.token(USER))
        async with proxy(here.sandbox.url, _certified(authority)) as way:
            yield _Cluster(here, way, token, authority)


def _kubeconfig(cluster: _Cluster) -> Path:
    path = cluster.ground.folder / "rotating"
    server = {"server": cluster.way.url, "certificate-authority": str(cluster.authority)}
    config: Json = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": {"tokenFile": str(cluster.token)}}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(config))
    return path


@dataclass(frozen=True, slots=True)
class Rotation:
    """One row."""

    promise: str = "A5"
    fault: str = "token, CA rotated; right taken away"
    unit: str = "refused requests"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Rotations, then the right; a long round rotates both ten times."""
        rotations = ("token rotated", "CA rotated") * (1 if quick else 10)
        steps = (*rotations, "right taken away")
        return Plan(seed, tuple(Step(2.0 * number, fault) for number, fault in enumerate(steps)))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Serve, and change everything under the daemon."""
        async with _cluster(folder) as cluster:
            environment = cluster.ground.environment(KUBECONFIG=str(_kubeconfig(cluster)))
            async with maintd("serve", folder=folder, environment=environment) as served:
                await _runs(served, "backup", 1)
                for step in plan.steps:
                    await cluster.befall(step.fault)
                    await _runs(served, "backup", 1)
                    await _runs(served, "versions", 1)
                taken = any(step.fault == "right taken away" for step in plan.steps)
                if taken:
                    await served.said("run finished", status="partial")
                    await _runs(served, "versions", 1)
                code = await served.stop()
            refused = sum(line.status == 401 for line in cluster.sandbox.requests)
            return Report((*_wrong(records(cluster.ground.store), taken=taken), *_ended(code)), refused)


async def _runs(served: Maintd, job: str, number: int) -> None:
    """Wait for so many more runs of a job."""
    since = len(served.lines)
    while number:
        line = await served.said("run finished", since=since)
        since = served.lines.index(line, since) + 1
        number -= line["logging.googleapis.com/labels"]["job"] == job


def _ended(code: int) -> Iterable[str]:
    return [f"it exited {code}"] if code else []


def _wrong(kept: list[dict[str, Any]], *, taken: bool) -> Iterable[str]:
    ended = [record for record in kept if record["status"] not in ("skipped", "missed", "interrupted")]
    for record in ended:
        partial = taken and record["job"] == "backup" and record["status"] == "partial"
        if record["status"] not in _GOOD and not partial:
            yield f"{record['job']} ended {record['status']}: {record['summary']}"
        told = json.dumps(record["findings"])
        if partial and "resources: [configmaps]" not in told:
            yield f"the missing rule is not printed: {told[:300]}"


SCENARIOS = (Rotation(),)
