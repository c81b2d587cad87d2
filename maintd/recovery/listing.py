"""The lists that are read of the cluster to hold a backup against it: as few as what is meant allows."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from maintd.core.errors import Missing, Unreadable
from maintd.core.ports import Reader
from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.objects.backup_manifest import StoredFile
from maintd.objects.backup_scope import Scope
from maintd.recovery.selection import Part, Selection


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of the cluster, and the files of the backup that hold the same objects."""

    resource: Resource
    namespace: str
    """Empty: all of them, or the kind is in none."""
    files: tuple[StoredFile, ...]
    names: tuple[str, ...] = ()
    """Read one by one instead: the right to list Namespaces is one for the whole cluster."""
    only: str = ""
    """The one name that is meant; empty: not just one."""

    def __str__(self) -> str:
        return f"{self.resource.name} in {self.namespace}" if self.namespace else self.resource.name

    async def batches(self, reader: Reader) -> AsyncIterator[tuple[list[Json], bool]]:
        """Objects, and whether the list begins (anew) with them. Raises what the reader raises."""
        if self.names:
            yield [found for name in self.names if (found := await _got(reader, self.resource, name))], True
            return
        selector = f"metadata.name={self.only}" if self.only else ""
        whole = False
        async for page in reader.pages(self.resource, self.namespace or None, field_selector=selector):
            yield page.items, page.first
            whole = page.last
        if not whole:
            raise Unreadable(f"the list of {self.resource.name} ended before its last page")


def scope_of(selection: Selection) -> Scope:
    """What the backup covers, as its job said it."""
    manifest = selection.manifest
    return Scope(namespaces=manifest.namespaces, exclude_namespaces=manifest.exclude_namespaces)


def listings(selection: Selection) -> Iterator[Listing]:
    """All that takes to see what is meant."""
    for part in selection.parts:
        only = _only(part.resource, selection)
        if part.resource.name == NAMESPACES.name:
            named = tuple(sorted(selection.namespaces)) or scope_of(selection).named or ()
            yield Listing(part.resource, "", part.files, named, only)
            continue
        for space in _spaces(part, selection):
            files = tuple(file for file in part.files if not space or file.namespace == space)
            yield Listing(part.resource, space, files, only=only)


def _spaces(part: Part, selection: Selection) -> list[str]:
    listed = [row.namespace for row in part.lists]
    return sorted(selection.namespaces) if selection.namespaces and part.lists else listed


def _only(resource: Resource, selection: Selection) -> str:
    names = {name for kind, name in selection.names if kind in ("", resource.name)}
    return names.pop() if len(names) == 1 else ""


async def _got(reader: Reader, resource: Resource, name: str) -> Json | None:
    try:
        return await reader.get(resource, name)
    except Missing:
        return None
