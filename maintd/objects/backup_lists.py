"""Copies the lists of a backup to the store: several at once, each of them whole or not at all."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from maintd.core.errors import JobError, Unreadable
from maintd.core.ports import Reader, Staging, Store
from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.objects.backup_copy import File, ListCopy
from maintd.objects.backup_manifest import NotWhole
from maintd.objects.backup_record import Copied
from maintd.objects.backup_scope import Scope

_LISTS_AT_ONCE = 4  # a page of each is in memory, with what is made of it
_SLICE_SECONDS = 0.01
_Batch = tuple[list[Json], bool]  # some objects of a list, and whether it begins (anew) with them


@dataclass(frozen=True, slots=True)
class Lists:
    """From one API server to one folder of the store."""

    cluster: Reader
    store: Store
    scope: Scope
    folder: str

    async def copied(self, resources: Iterable[Resource]) -> list[Copied | NotWhole]:
        """Every list of these kinds in scope, in order. Raises what the store raises: there is no backup then."""
        turn = asyncio.Semaphore(_LISTS_AT_ONCE)

        async def copy(resource: Resource, namespace: str) -> Copied | NotWhole:
            async with turn:
                return await self._copy(resource, namespace)

        try:
            async with asyncio.TaskGroup() as group:
                wanted = [(resource, space) for resource in resources for space in self.scope.spaces(resource)]
                tasks = [group.create_task(copy(*listing)) for listing in wanted]
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return [task.result() for task in tasks]

    async def _copy(self, resource: Resource, namespace: str) -> Copied | NotWhole:
        copy, batches = ListCopy(resource, self.scope), self._read(resource, namespace)
        async with self.store.staging() as staging:
            while True:
                # Nothing else in the `try`: the store raises JobErrors too, and without it there is no backup at all.
                try:
                    batch = await anext(batches, None)
                except JobError as error:
                    return NotWhole.because(resource.name, error, namespace)
                if batch is None:
                    break
                objects, anew = batch
                if anew:
                    copy = ListCopy(resource, self.scope)
                    await staging.clear()
                await self._stage(staging, await _take(copy, objects))
            await self._stage(staging, copy.finish())
            return Copied(copy, namespace, await staging.commit())

    async def _stage(self, staging: Staging, files: Iterable[tuple[File, bytes]]) -> None:
        for file, data in files:
            await staging.add(f"{self.folder}/{file.path}", data)

    async def _read(self, resource: Resource, namespace: str) -> AsyncIterator[_Batch]:
        if resource.name == NAMESPACES.name and self.scope.named is not None:
            yield [await self.cluster.get(NAMESPACES, name) for name in self.scope.named], True
            return
        whole = False
        async for page in self.cluster.pages(resource, namespace or None):
            yield page.items, page.first
            whole = page.last
        if not whole:
            raise Unreadable("the list ended before its last page")


async def _take(copy: ListCopy, objects: Iterable[Json]) -> list[tuple[File, bytes]]:
    """On the event loop, which gets its turn in between: a thread would fight it for the interpreter's lock."""
    clock = asyncio.get_running_loop().time
    files, until = list[tuple[File, bytes]](), clock() + _SLICE_SECONDS
    for obj in objects:
        files += copy.take(obj)
        if clock() > until:
            await asyncio.sleep(0)
            until = clock() + _SLICE_SECONDS
    return files
