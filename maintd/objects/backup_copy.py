"""Turns the objects of one list into the files of a backup, one by one: memory does not grow with the list."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from maintd.core.errors import Unreadable
from maintd.core.resource import Json, Resource
from maintd.core.text import sized
from maintd.objects import age
from maintd.objects.backup_manifest import MAX_FILE, Claim, LeftOut, NotWhole
from maintd.objects.backup_scope import OTHER_NAMESPACE, Scope
from maintd.objects.cleaning import clean
from maintd.objects.exclusions import SECRETS, Exclusion, left_out
from maintd.objects.fields import mapping, text
from maintd.objects.manifest_yaml import Emitter

NOWHERE = "_cluster"
"""The folder of what is in no namespace; no namespace can be called so."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of a list: `path` is relative to the backup's folder."""

    path: str
    namespace: str
    count: int
    recipients: tuple[str, ...] = ()
    """Whom it is encrypted for; empty: it is not."""


class ListCopy:
    """One list of a backup: `take` its objects in order, then `finish`.

    A file holds one namespace, so that it depends on nothing outside it. The API server lists namespace by
    namespace; another order costs more parts and changes nothing else. What a file of Secrets holds in clear is in
    memory alone, and here alone: what goes out is encrypted already.
    """

    def __init__(self, resource: Resource, scope: Scope, *, max_file: int = MAX_FILE) -> None:
        self.resource = resource
        self.objects = 0
        self.files: list[File] = []
        self.claims: list[Claim] = []
        self.not_whole: list[NotWhole] = []
        self._scope = scope
        self._recipients = scope.recipients(resource)
        self._max_file = max_file - age.GROWTH if self._recipients else max_file
        self._left_out: Counter[tuple[Exclusion, str]] = Counter()
        self._parts: Counter[str] = Counter()
        self._emitter = Emitter()
        self._namespace = ""
        self._open: list[bytes] = []
        self._size = 0

    def take(self, obj: Json) -> list[tuple[File, bytes]]:
        """Copy this one, and return the file that was full, or whose namespace ended, before it."""
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        try:
            document = self._document(obj, namespace)
        except (Unreadable, ValueError) as error:
            # Such an error shows the value that it is about.
            why = "it holds what no Secret can" if self.resource.name == SECRETS.rule else str(error)
            self._cannot(namespace, metadata["name"], why)
            return []
        if document is None:
            return []
        ended = namespace != self._namespace or self._size + len(document) > self._max_file
        closed = self.finish() if ended else []
        self._namespace = namespace
        self._open.append(document)
        self._size += len(document)
        self.objects += 1
        return closed

    def finish(self) -> list[tuple[File, bytes]]:
        """The file that is still open, if one is."""
        if not self._open:
            return []
        self._parts[self._namespace] += 1
        part = self._parts[self._namespace]
        number = f".{part:04}" if part > 1 else ""
        path = f"{self._namespace or NOWHERE}/{self.resource.name}{number}.yaml"
        count, data = len(self._open), b"".join(self._open)
        self._open, self._size = [], 0
        if self._recipients:
            path, data = path + age.SUFFIX, age.encrypt(data, self._recipients)
            self._emitter = Emitter()  # that one remembers what was secret
        file = File(path, self._namespace, count, self._recipients)
        self.files.append(file)
        return [(file, data)]

    @property
    def left_out(self) -> Iterator[LeftOut]:
        """What was left out of this list, a row a rule."""
        for exclusion in sorted({exclusion for exclusion, _ in self._left_out}):
            counts = {space: number for (rule, space), number in sorted(self._left_out.items()) if rule == exclusion}
            yield LeftOut(
                rule=exclusion.rule,
                reason=exclusion.reason,
                resource=self.resource.name,
                count=sum(counts.values()),
                namespaces={space: number for space, number in counts.items() if space},
            )

    def _document(self, obj: Json, namespace: str) -> bytes | None:
        covered = self._scope.covers_object(self.resource, obj)
        if covered and self.resource.name == "persistentvolumeclaims":
            self.claims.append(_claim(obj))
        exclusion = self._exclusion(obj) if covered else OTHER_NAMESPACE
        if exclusion:
            self._left_out[exclusion, namespace] += 1
            return None
        document = self._emitter.emit(clean(self.resource, obj)).encode()
        if len(document) > self._max_file:
            raise ValueError(f"it takes {sized(len(document))}, more than one file holds ({sized(self._max_file)})")
        return document

    def _exclusion(self, obj: Json) -> Exclusion | None:
        if self.resource.name == SECRETS.rule and not self._recipients:
            return SECRETS
        return left_out(self.resource, obj)

    def _cannot(self, namespace: str, name: str, why: str) -> None:
        option = f" -n {namespace}" if namespace else ""
        self.not_whole.append(
            NotWhole(
                resource=self.resource.name,
                namespace=namespace,
                name=name,
                why=f"it cannot be written: {why}",
                remedy=f"look at it: kubectl get {self.resource.name} {name}{option} -o yaml",
            )
        )


def _claim(obj: Json) -> Claim:
    metadata, spec = obj["metadata"], mapping(obj, "spec")
    requests = mapping(mapping(spec, "resources"), "requests")
    return Claim(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        volume=text(spec, "volumeName"),
        storage_class=text(spec, "storageClassName"),
        request=str(requests.get("storage", "")),
    )
