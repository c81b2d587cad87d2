"""Asks the GKE API about clusters. Google's libraries are loaded by the first question, in a thread."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from maintd.core.errors import Transient
from maintd.core.gke import ClusterInfo, Operations, ServerConfig, UpgradeInfo
from maintd.core.ports import Gke
from maintd.core.resource import Json
from maintd.core.target import GkeCluster
from maintd.gcp import replies
from maintd.gcp.question import GET, LIST, OPERATIONS, Question

if TYPE_CHECKING:
    from maintd.gcp.session import Session

T = TypeVar("T")
_THREADS = 2
_TO_CONNECT = timedelta(seconds=20)
"""Loading the libraries takes a second; looking for a metadata server that is away, nine."""


class Google:
    """The one connection of a process to the GKE API, made when it is first needed.

    `endpoint` is `host:port`, or empty for Google's own. On a loopback address the channel is plain and carries no
    credentials; anything else is TLS with the credentials of this process.
    """

    def __init__(self, endpoint: str = "", *, deadline: timedelta = timedelta(seconds=10)) -> None:
        self._endpoint = endpoint
        self._deadline = deadline
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="gke")
        self._turn = asyncio.Semaphore(_THREADS)
        self._loading = threading.Lock()
        self._session: Session | None = None

    def of(self, cluster: GkeCluster) -> Gke:
        """What kinds are handed, for one cluster."""
        return GkeReader(self, cluster)

    async def ask(self, question: Question, read: Callable[[Any], T]) -> T:
        """The answer, as `read` made it of the protocol's message. Raises what core.ports.Gke says."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            try:
                async with asyncio.timeout((self._deadline + _TO_CONNECT).total_seconds()):
                    return await loop.run_in_executor(self._pool, self._work, question, read)
            except TimeoutError:
                raise Transient(
                    f"{question.method} of {question.about.cluster}: nothing heard from Google in "
                    f"{(self._deadline + _TO_CONNECT).total_seconds():g} s; look at the metadata server and the network"
                ) from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Drop the connection; calls that are under way end by their deadline."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._session is not None:
            self._session.close()

    def _work(self, question: Question, read: Callable[[Any], T]) -> T:
        return read(self._loaded().ask(question))

    def _loaded(self) -> "Session":
        from maintd.gcp.session import Session  # noqa: PLC0415 - 20 MiB and half a second that not everybody needs

        with self._loading:
            self._session = self._session or Session(self._endpoint, self._deadline)
            return self._session


class GkeReader:
    """core.ports.Gke for one cluster."""

    def __init__(self, google: Google, cluster: GkeCluster) -> None:
        self._google = google
        self._cluster = cluster
        self._location = f"projects/{cluster.project}/locations/{cluster.location}"
        self._name = f"{self._location}/clusters/{cluster.cluster}"

    async def cluster(self) -> ClusterInfo:
        """The cluster and its pools."""
        return await self._ask("get_cluster", {"name": self._name}, GET, replies.cluster_info)

    async def configuration(self) -> Json:
        """The whole message."""
        return await self._ask("get_cluster", {"name": self._name}, GET, replies.whole)

    async def server_config(self) -> ServerConfig:
        """The versions on offer in the cluster's location."""
        return await self._ask("get_server_config", {"name": self._location}, LIST, replies.server_config)

    async def operations(self) -> Operations:
        """What Google does to the cluster now."""
        read = partial(replies.operations, cluster=self._cluster.cluster)
        return await self._ask("list_operations", {"parent": self._location}, OPERATIONS, read)

    async def upgrade_info(self, pool: str = "") -> UpgradeInfo:
        """Of a node pool, or of the control plane."""
        if pool:
            name = f"{self._name}/nodePools/{pool}"
            return await self._ask("fetch_node_pool_upgrade_info", {"name": name}, GET, replies.upgrade_info)
        return await self._ask("fetch_cluster_upgrade_info", {"name": self._name}, GET, replies.upgrade_info)

    async def _ask(self, method: str, request: dict[str, str], permission: str, read: Callable[[Any], T]) -> T:
        return await self._google.ask(Question(method, request, permission, self._cluster), read)
