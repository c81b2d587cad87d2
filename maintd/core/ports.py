"""What a kind is handed, as Protocols: kinds know these shapes and nothing behind them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from maintd.core.gke import ClusterInfo, Operations, ServerConfig, UpgradeInfo
from maintd.core.outcome import Change
from maintd.core.resource import Json, ObjectRef, Resource


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list.

    `first` is True for the first page, and again when the server forgot the list (410) and it was started
    over: whoever collects pages drops what it had. A list is whole only once `last` was seen.
    """

    items: list[Json]
    first: bool
    last: bool
    resource_version: str
    server_time: datetime
    """The API server's clock (its `Date` header), UTC."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What can be asked of this API server, each resource in the version that the server prefers."""

    resources: tuple[Resource, ...]
    failed: Mapping[str, str] = field(default_factory=dict)
    """Groups that could not be discovered (an aggregated API that is down): `metrics.k8s.io/v1beta1` → why."""


class Reader(Protocol):
    """Reads from the API server. Raises Transient, Denied, Missing or Unreadable, and answers nothing by halves."""

    async def discover(self) -> Discovery: ...

    async def version(self) -> Json:
        """`/version`: `{"major": "1", "minor": "35", "gitVersion": "v1.35.4", …}`."""
        ...

    async def server_time(self) -> datetime:
        """The API server's clock, UTC: the second one, for whoever must not trust one alone."""
        ...

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Json: ...

    def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[Page]:
        """The whole list, page by page; `namespace` None means all namespaces."""
        ...


@dataclass(frozen=True, slots=True)
class Deletion:
    """A wish to delete one object, exactly as it was when it was judged."""

    resource: Resource
    object: ObjectRef
    resource_version: str
    created: datetime
    since: datetime
    """The oldest go first by this: when the pod finished, say."""
    annotations: Mapping[str, str]
    deleting: bool
    """It has a deletionTimestamp: somebody asked for it to go already."""
    rule: str


class Gate(Protocol):
    """The only way to change the cluster. It keeps the limits, protects, dry-runs, and writes evidence first."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every change of this run so far: for the record of a run that ended before its kind could return them."""
        ...

    async def delete(self, wishes: Sequence[Deletion], *, population: int, now: datetime) -> tuple[Change, ...]:
        """Delete what may be deleted; one Change per wish, in the order given.

        `population` is the number of objects of the kind that were listed, before any filter: percentages are of
        it. `now` is the API server's clock when the list was read (`Page.server_time`): ages and days go by it.
        Raises Refused when `abort_over`, `per_day` or `cool_down` forbids the whole run, and Denied when a right
        is missing; nothing was changed then.
        """
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """An object that is now in the store. Hashes are hex sha256 of the plain and of the stored bytes."""

    path: str
    size: int
    sha256: str
    stored_size: int
    stored_sha256: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """An object as it is in the store now: its plain bytes, and the sizes and hashes that both forms of it have."""

    data: bytes
    stored: Stored


class Staging(Protocol):
    """Files of a backup that wait until the list they come from is whole; kept on disk when they are many."""

    async def add(self, path: str, data: bytes) -> None: ...

    async def clear(self) -> None:
        """Drop what is staged: the list was started over."""
        ...

    async def commit(self) -> list[Stored]:
        """Write everything to the store, in the order it was added."""
        ...


class Store(Protocol):
    """The bucket or folder; paths are relative to this cluster's folder in it. Nothing is ever overwritten."""

    async def create(self, path: str, data: bytes) -> Stored:
        """Write one object of at most 8 MiB.

        Raises Conflict when something else is there already, Refused for a path or size that no store takes,
        Transient or Denied when the store cannot be written.
        """
        ...

    async def read(self, path: str) -> bytes:
        """The plain bytes. Raises Missing."""
        ...

    async def fetch(self, path: str) -> Fetched:
        """The plain bytes with what can be held against a manifest. Raises Missing, and Unreadable for damage."""
        ...

    def names(self, prefix: str, *, reverse: bool = False) -> AsyncIterator[str]:
        """Paths that begin with `prefix`, in the order of their characters; `reverse`: the last comes first.

        Folder by folder, so that whoever wants the newest few stops early.
        """
        ...

    async def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder (`backups`), in the order of their characters; none where it is not."""
        ...

    def staging(self) -> AbstractAsyncContextManager[Staging]: ...

    def url(self, path: str) -> str:
        """What a person types to find it: `gs://bucket/prefix/cluster/path`, `file:///folder/cluster/path`."""
        ...


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request of a probe."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    timeout: timedelta = timedelta(seconds=10)
    max_redirects: int = 0
    max_body: int = 65536
    """Bytes of the body that are kept; what follows is counted and thrown away."""
    verify_tls: bool = True


@dataclass(frozen=True, slots=True)
class HttpSample:
    """What came of it. Phases are cumulative seconds from the start, as `curl -w` counts them; None: not reached."""

    at: datetime
    status: int | None
    error: str
    """Empty, or why there is no answer, in an operator's words; then `status` is None."""
    dns_seconds: float | None
    connect_seconds: float | None
    tls_seconds: float | None
    first_byte_seconds: float | None
    total_seconds: float | None
    body: bytes = b""
    size: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    peer: str = ""
    certificate_expires: datetime | None = None
    redirects: int = 0


class Http(Protocol):
    """Sends probes. Never raises for what the other side does: that is what a sample is for.

    Raises Refused for an address that probes may not reach.
    """

    async def sample(self, request: HttpRequest) -> HttpSample: ...


class Gke(Protocol):
    """Asks Google about the cluster of the job's target, and changes nothing.

    Raises Denied naming Google's permission, Missing where there is no such cluster or the API has no such call,
    Transient, or Unreadable.
    """

    async def cluster(self) -> ClusterInfo: ...

    async def configuration(self) -> Json:
        """The whole Cluster message as Google's JSON spells it, credentials included."""
        ...

    async def server_config(self) -> ServerConfig: ...

    async def operations(self) -> Operations: ...

    async def upgrade_info(self, pool: str = "") -> UpgradeInfo:
        """Of one node pool; without a name, of the control plane."""
        ...


class Log(Protocol):
    """A structured logger that already carries the job, kind and run id."""

    def debug(self, event: str, /, **fields: Any) -> Any: ...
    def info(self, event: str, /, **fields: Any) -> Any: ...
    def warning(self, event: str, /, **fields: Any) -> Any: ...
    def error(self, event: str, /, **fields: Any) -> Any: ...
