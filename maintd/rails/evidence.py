"""Writes down what an object was before it is changed: its manifest, its events, and for a pod its last log lines.

    evidence/<run id>/<namespace>/<resource>/<name>/manifest.yaml   the object, then its events
    evidence/<run id>/<namespace>/<resource>/<name>/logs.txt        pods only

A log or events that cannot be had are evidence as well: the file says why. A store that cannot be written is not.
"""

from collections import defaultdict
from collections.abc import Iterable

from maintd.cluster.api import Api
from maintd.cluster.logs import tail
from maintd.cluster.reader import ClusterReader
from maintd.core.errors import JobError, Unreadable
from maintd.core.ports import Deletion, Store
from maintd.core.resource import EVENTS, PODS, Json
from maintd.objects.events import newest_first, uid_of_subject
from maintd.objects.fields import mapping, text
from maintd.objects.manifest_yaml import Emitter
from maintd.objects.pods import LogSource, log_sources
from maintd.rails.fuse import Fuse
from maintd.rails.scope import Scope

LOGS_BYTES = 4 * 1024 * 1024
"""All logs of one pod together: an object in the store holds 8 MiB."""
KEPT_EVENTS = 20
"""Of each object the newest: what is held of a namespace's events does not grow with them."""
_CLUSTER_EVENTS = "default"
"""Where Events about objects without a namespace are."""


class Evidence:
    """The evidence of one run."""

    def __init__(self, api: Api, store: Store, scope: Scope) -> None:
        self._api = api
        self._store = store
        self._scope = scope
        self.folder = f"evidence/{scope.run_id}"
        self._events: dict[str, list[Json]] = {}
        self._no_events: dict[str, str] = {}
        self._emitter = Emitter()
        self._fuse = Fuse()

    async def gather_events(self, wishes: Iterable[Deletion]) -> None:
        """Read the events about these objects, one list a namespace and kind.

        The server reads every event of the namespace for each list, selected or not: one list an object took
        89 ms for each of 2,000 pods with 6,000 events on a real control plane, this one took 0.6 s for all.
        """
        places = defaultdict[tuple[str, str], set[str]](set)
        for wish in wishes:
            places[wish.object.namespace or _CLUSTER_EVENTS, wish.resource.kind].add(wish.object.uid)
        for (namespace, kind), uids in places.items():
            try:
                self._events |= await self._listed_events(namespace, kind, uids)
            except JobError as error:
                self._no_events |= dict.fromkeys(uids, str(error))

    async def write(self, wish: Deletion, obj: Json) -> str:
        """Write what is known of the object, which is `obj` now; returns the folder. Raises the store's errors."""
        ref = wish.object
        folder = f"{self.folder}/{ref.namespace or '_cluster'}/{ref.resource}/{ref.name}"
        await self._create(f"{folder}/manifest.yaml", self._manifest(wish, obj))
        if wish.resource == PODS:
            await self._create(f"{folder}/logs.txt", await self._all_logs(obj))
        return folder

    async def _create(self, path: str, content: str) -> None:
        with self._fuse.guard("the store"):
            await self._store.create(path, content.encode())

    def _manifest(self, wish: Deletion, obj: Json) -> str:
        events = self._events.pop(wish.object.uid, [])
        missing = self._no_events.get(wish.object.uid)
        said = f"not available: {missing}" if missing else f"{len(events)} follow" if events else "none are kept"
        head = (str(wish.object), f"run {self._scope.run_id}: {wish.rule}", f"events: {said}")
        comments = "".join(f"# {' '.join(line.split())}\n" for line in head)
        try:
            return comments + "".join(map(self._emitter.emit, (obj, *newest_first(events))))
        except ValueError as error:
            raise Unreadable(f"{wish.object} cannot be written as YAML: {error}") from error

    async def _listed_events(self, namespace: str, kind: str, uids: set[str]) -> dict[str, list[Json]]:
        found: dict[str, list[Json]] = {}
        about = f"involvedObject.kind={kind}"
        async for page in ClusterReader(self._api).pages(EVENTS, namespace, field_selector=about):
            found = {} if page.first else found
            for event in page.items:
                uid = uid_of_subject(event)
                if uid in uids:
                    found[uid] = newest_first([*found.get(uid, ()), _as_document(event)])[:KEPT_EVENTS]
        return found

    async def _all_logs(self, pod: Json) -> str:
        try:
            sources, node = log_sources(pod), text(mapping(pod, "spec"), "nodeName")
        except Unreadable as error:
            return f"logs not available: {error}\n"
        parts, size = [], 0
        for source in sources:
            log = await self._log(pod, node, source) if size < LOGS_BYTES else "log left out: the others are 4 MiB"
            size += len(log.encode())
            parts.append(f"==> {source} <==\n{log.rstrip()}\n")
        return "\n".join(parts)

    async def _log(self, pod: Json, node: str, source: LogSource) -> str:
        metadata = mapping(pod, "metadata")
        try:
            with self._fuse.guard(f"node {node}"):
                log = await tail(
                    self._api,
                    text(metadata, "namespace"),
                    text(metadata, "name"),
                    source.container,
                    previous=source.previous,
                    timeout=self._scope.log_timeout,
                )
        except JobError as error:
            return f"log not available: {error}"
        return log or "(the log is empty)"


def _as_document(event: Json) -> Json:
    """An item of a list as it would stand alone, without what nobody reads."""
    metadata = {key: value for key, value in event["metadata"].items() if key != "managedFields"}
    return {"apiVersion": EVENTS.api_version, "kind": EVENTS.kind, **event, "metadata": metadata}
