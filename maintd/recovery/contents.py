"""Reads the objects that a selection means from the files of its backup, and no other file."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from maintd.core.errors import Denied, JobError, Unreadable
from maintd.core.ports import Store
from maintd.core.resource import Json, Resource
from maintd.objects import archive
from maintd.objects.age import UNCHECKED, Identities
from maintd.objects.backup_manifest import StoredFile
from maintd.recovery.selection import Selection


@dataclass(frozen=True, slots=True)
class Contents:
    """The objects of a selection, cleaned as they were backed up."""

    store: Store
    selection: Selection
    identities: Identities | None = None
    """What opens the files that are encrypted."""

    async def data(self, file: StoredFile) -> bytes:
        """A file's YAML, held against the manifest and decrypted.

        Raises Missing, Unreadable, or Denied where it takes an identity that is not given; naming the object.
        """
        fetched = await archive.fetch(self.store, self.selection.manifest.id, file)
        return fetched.data if not file.recipients else self._opened(file, fetched.data)

    async def objects(self, resource: Resource, file: StoredFile) -> list[Json]:
        """What is meant of a file. Raises as `data` does."""
        return self.meant(resource, file, await self.data(file))

    def meant(self, resource: Resource, file: StoredFile, data: bytes) -> list[Json]:
        """The same, of what was read already."""
        found = archive.documents(data, file)
        if not all(_is_object(resource, each) for each in found):
            raise Unreadable(f"{self.url(file)} holds something that is no {resource.kind} with a name")
        return [each for each in found if self.selection.wants(resource, each)]

    async def each(self) -> AsyncIterator[tuple[Resource, StoredFile, list[Json] | JobError]]:
        """File by file: what is meant of it, or why that cannot be had."""
        for part in self.selection.parts:
            for file in part.files:
                try:
                    found: list[Json] | JobError = await self.objects(part.resource, file)
                except JobError as error:
                    found = error
                yield part.resource, file, found

    def url(self, file: StoredFile) -> str:
        """What a person types to find the file."""
        return self.store.url(f"{archive.BACKUPS}/{self.selection.manifest.id}/{file.path}")

    def _opened(self, file: StoredFile, data: bytes) -> bytes:
        if self.identities is None:
            raise Denied(f"{self.url(file)}: {UNCHECKED}")
        try:
            return self.identities.opened(data)
        except (Denied, Unreadable) as error:
            raise type(error)(f"{self.url(file)}: {error}") from None


def _is_object(resource: Resource, found: Json) -> bool:
    metadata = found.get("metadata")
    named = isinstance(metadata, dict) and isinstance(metadata.get("name"), str)
    return named and found.get("kind") == resource.kind
