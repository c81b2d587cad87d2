"""A GKE control plane on loopback: the methods that maintd asks, served with the client library's own messages.

async with GkeStandIn(cluster) as gke:
    gke.operations.append(container_v1.Operation(name="operation-1", operation_type="UPGRADE_NODES", …))
    settings = Settings(gke_endpoint=gke.endpoint)

Importing this module loads Google's libraries.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import grpc
from google.cloud import container_v1 as gke
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from maintd.core.target import GkeCluster

Edit = Callable[[bytes], bytes]
"""Changes a reply as it goes out, for what the library cannot say."""
_SERVICE = "google.container.v1.ClusterManager"
_PERMISSIONS = {
    "GetCluster": "container.clusters.get",
    "GetServerConfig": "container.clusters.list",
    "ListOperations": "container.operations.list",
    "FetchClusterUpgradeInfo": "container.clusters.get",
    "FetchNodePoolUpgradeInfo": "container.clusters.get",
}
_REQUESTS: dict[str, Any] = {
    "GetCluster": gke.GetClusterRequest,
    "GetServerConfig": gke.GetServerConfigRequest,
    "ListOperations": gke.ListOperationsRequest,
    "FetchClusterUpgradeInfo": gke.FetchClusterUpgradeInfoRequest,
    "FetchNodePoolUpgradeInfo": gke.FetchNodePoolUpgradeInfoRequest,
}


@dataclass
class GkeFault:
    """What befalls the next `times` calls of a method: an error, silence, or an edit of the reply."""

    method: str
    code: str = ""
    """As gRPC spells it: `UNAVAILABLE`."""
    message: str = "a fault on purpose"
    reason: str = ""
    """As Google's details spell it: `SERVICE_DISABLED`."""
    hang: bool = False
    edit: Edit | None = None
    times: int = 1_000_000


@dataclass
class GkeStandIn:
    """One cluster, and what Google would say of it. Change its messages as the scene goes on."""

    where: GkeCluster
    cluster: Any = field(default_factory=gke.Cluster)
    config: Any = field(default_factory=gke.ServerConfig)
    operations: list[Any] = field(default_factory=list)
    missing_zones: list[str] = field(default_factory=list)
    upgrades: dict[str, Any] = field(default_factory=dict)
    """Upgrade info by node pool; under the empty name the control plane's."""
    permissions: set[str] = field(default_factory=lambda: set(_PERMISSIONS.values()))
    """What the caller may do in the project."""
    faults: list[GkeFault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    """The methods that were called, refused or not."""
    headers: dict[str, str] = field(default_factory=dict)
    """What the last call carried beside its request."""
    endpoint: str = ""

    async def __aenter__(self) -> Self:
        self._server = grpc.aio.server()
        handlers = {method: self._handler(method) for method in _REQUESTS}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, handlers),))
        self.endpoint = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(grace=None)

    def _handler(self, method: str) -> Any:
        async def answer(request: Any, context: Any) -> bytes:
            self.calls.append(method)
            self.headers = dict(context.invocation_metadata())
            fault = self._fault(method)
            if fault and fault.hang:
                await asyncio.Event().wait()
            if fault and fault.code:
                await context.abort(grpc.StatusCode[fault.code], fault.message, _details(fault))
            reply = await self._answer(method, request, context)
            sent: bytes = type(reply).serialize(reply)
            return fault.edit(sent) if fault and fault.edit else sent

        return grpc.unary_unary_rpc_method_handler(answer, request_deserializer=_REQUESTS[method].deserialize)

    def _fault(self, method: str) -> GkeFault | None:
        for fault in self.faults:
            if fault.method == method and fault.times:
                fault.times -= 1
                return fault
        return None

    async def _answer(self, method: str, request: Any, context: Any) -> Any:
        project = f"projects/{self.where.project}"
        location = f"{project}/locations/{self.where.location}"
        name = f"{location}/clusters/{self.where.cluster}"
        asked = request.parent if method == "ListOperations" else request.name
        permission = _PERMISSIONS[method]
        if permission not in self.permissions or not asked.startswith(f"{project}/"):
            # Of a project that does not exist Google says the same.
            said = f'Required "{permission}" permission(s) for "{asked}".'
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, said)
        if method == "GetServerConfig":
            return self.config
        if method == "ListOperations":
            return gke.ListOperationsResponse(operations=self.operations, missing_zones=self.missing_zones)
        pool = asked.removeprefix(f"{name}/nodePools/") if asked != name else ""
        if not f"{asked}/".startswith(f"{name}/") or (pool and pool not in {each.name for each in self._pools()}):
            await context.abort(grpc.StatusCode.NOT_FOUND, f"Not found: {asked}.")
        if method == "GetCluster":
            return self.cluster
        default = gke.NodePoolUpgradeInfo() if pool else gke.ClusterUpgradeInfo()
        return self.upgrades.get(pool, default)

    def _pools(self) -> Any:
        return self.cluster.node_pools


def _details(fault: GkeFault) -> tuple[tuple[str, bytes], ...]:
    if not fault.reason:
        return ()
    status = Status(code=grpc.StatusCode[fault.code].value[0], message=fault.message)
    status.details.add().Pack(ErrorInfo(reason=fault.reason, domain="googleapis.com"))
    return (("grpc-status-details-bin", status.SerializeToString()),)


def field_from_the_future(number: int = 1999) -> Edit:
    """An edit: one more field, which the library has no name for."""
    return lambda sent: sent + _varint(number << 3) + b"\x01"


def _varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])
