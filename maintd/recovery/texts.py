"""The objects of a backup as the text that they were written as.

A backup of an unchanged object is the same bytes again, so what has not changed is told by its text alone: writing
an object takes a tenth of the time that reading it takes.
"""

from maintd.core.errors import Unreadable
from maintd.core.resource import Json, Resource
from maintd.core.text import counted
from maintd.objects.backup_manifest import StoredFile
from maintd.objects.cleaning import clean
from maintd.objects.manifest_yaml import Emitter
from maintd.recovery.contents import Contents

_HEAD = b"---\n"
_BETWEEN = b"\n" + _HEAD


class Texts:
    """Documents of one kind that wait for the live object that is the same."""

    def __init__(self, resource: Resource, contents: Contents) -> None:
        self._resource = resource
        self._contents = contents
        self._files: list[tuple[StoredFile, list[bytes]]] = []
        self._waiting: set[bytes] = set()
        self._emitter = Emitter()

    @property
    def empty(self) -> bool:
        """Whether there was no document at all."""
        return not self._files

    def add(self, file: StoredFile, data: bytes) -> None:
        """What a file holds. Raises Unreadable where that is not what the manifest counts.

        The emitter indents every line of a text, so only a document begins with `---`.
        """
        documents = (b"\n" + data.removesuffix(b"\n")).split(_BETWEEN)[1:]
        if len(documents) != file.count:
            found = counted(len(documents), "object")
            raise Unreadable(f"{self._contents.url(file)} holds {found}, and its manifest counts {file.count:,}")
        self._files.append((file, documents))
        self._waiting.update(documents)

    def begin(self) -> None:
        """Let all of them wait (again)."""
        self._waiting.update(*(documents for _, documents in self._files))

    def take(self, obj: Json) -> Json | None:
        """None where this live object is as it was; else the object, cleaned. Raises Unreadable and ValueError."""
        cleaned = clean(self._resource, obj)
        text = self._emitter.emit(cleaned).encode()[len(_HEAD) : -1]
        if text not in self._waiting:
            return cleaned
        self._waiting.remove(text)
        return None

    def left(self) -> list[Json]:
        """What waits still, of what is meant. Raises Unreadable."""
        found: list[Json] = []
        for file, documents in self._files:
            texts = [text for text in documents if text in self._waiting]
            if texts:
                data = _HEAD + _BETWEEN.join(texts) + b"\n"
                found += self._contents.meant(self._resource, file.model_copy(update={"count": len(texts)}), data)
        return found
