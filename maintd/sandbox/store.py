"""Where the sandbox keeps its objects: one counter for all versions, entries that never change once stored."""

import json
from collections import defaultdict
from dataclasses import dataclass

from maintd.core.resource import Json
from maintd.sandbox.resources import Key


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of one object, without its kind and apiVersion: those depend on who asks."""

    object: Json
    """Never changed and never handed out: `copy()` is for that."""
    raw: bytes

    @classmethod
    def of(cls, obj: Json) -> "Entry":
        """An entry of its own, whether or not it is ever stored."""
        raw = json.dumps(
            {key: value for key, value in obj.items() if key not in ("kind", "apiVersion")}, separators=(",", ":")
        ).encode()
        return cls(json.loads(raw), raw)

    def copy(self) -> Json:
        """The object, free to be changed."""
        found: Json = json.loads(self.raw)
        return found

    @property
    def path(self) -> str:
        """`namespace/name`; the order of a list is the order of these, as in etcd."""
        metadata = self.object["metadata"]
        return f"{metadata.get('namespace', '')}/{metadata['name']}"


class Store:
    """Objects by resource, namespace and name."""

    def __init__(self) -> None:
        self.version = 1
        self._tables: dict[Key, dict[str, dict[str, Entry]]] = defaultdict(lambda: defaultdict(dict))

    def get(self, key: Key, namespace: str, name: str) -> Entry | None:
        return self._tables[key][namespace].get(name)

    def select(self, key: Key, namespace: str | None = None) -> list[Entry]:
        """Everything of a resource, in one namespace or in all, in the order of a list."""
        if namespace is not None:
            found = list(self._tables[key][namespace].values())
        else:
            found = [entry for table in self._tables[key].values() for entry in table.values()]
        return sorted(found, key=lambda entry: entry.path)

    def keys_in(self, namespace: str) -> list[Key]:
        """The resources that hold something in a namespace."""
        return [key for key, table in self._tables.items() if table.get(namespace)]

    def put(self, key: Key, obj: Json) -> Entry:
        """Store an object under the next version."""
        self.version += 1
        metadata = obj["metadata"] | {"resourceVersion": str(self.version)}
        entry = Entry.of({"metadata": metadata} | {key: obj[key] for key in obj if key != "metadata"})
        self._tables[key][metadata.get("namespace", "")][metadata["name"]] = entry
        return entry

    def remove(self, key: Key, namespace: str, name: str) -> None:
        """Forget an object; a deletion counts as a version, as every write does."""
        if self._tables[key][namespace].pop(name, None) is not None:
            self.version += 1

    def drop_all(self, key: Key) -> None:
        """Forget every object of a resource."""
        self._tables.pop(key, None)
