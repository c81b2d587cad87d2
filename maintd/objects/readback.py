"""Reads a backup back and holds every byte and every object against its manifest."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from maintd.core.errors import Denied, JobError, Missing, Refused, Unreadable
from maintd.core.ports import Store
from maintd.core.signing import Opener
from maintd.core.text import counted
from maintd.objects import archive
from maintd.objects.archive import BACKUPS, Backup
from maintd.objects.backup_manifest import Manifest, StoredFile
from maintd.objects.verification import Damage, Verification
from maintd.objects.yaml_heads import Head, heads

_AT_ONCE = 4
"""Files: each of at most 8 MiB in both its forms is in memory."""
_SLICE_SECONDS = 0.01


async def read_back(
    store: Store, backup: Backup, run_id: str, now: Callable[[], datetime], *, opener: Opener | None = None
) -> Verification:
    """What is found. Raises JobError where something could not be read: then nothing is known of the backup.

    Without an `opener` of an encrypted file the ciphertext alone is held against the manifest. Raises Denied where it
    opens none of that, Missing where the backup was removed meanwhile. `backup` is of a manifest, or of one that is
    damaged.
    """
    started, manifest = now(), backup.manifest
    no_manifest = [Damage(path=_manifest(backup.id), why=backup.problem)]
    damaged = await _damaged(store, manifest, opener) if manifest else no_manifest
    if damaged:
        await _still_there(store, backup.id)
    files = manifest.every_file if manifest else ()
    return Verification(
        backup=backup.id,
        run_id=run_id,
        started=started,
        ended=now(),
        complete=backup.complete,
        files=len(files),
        objects=manifest.objects if manifest else 0,
        size=sum(file.size for file in files),
        stored_size=sum(file.stored_size for file in files),
        encrypted=tuple(file.path for file in files if file.recipients and not opener),
        damaged=tuple(damaged),
    )


def _manifest(backup_id: str) -> str:
    return f"{BACKUPS}/{backup_id}/manifest.json"


async def _damaged(store: Store, manifest: Manifest, opener: Opener | None) -> list[Damage]:
    miscounted = [Damage(path=_manifest(manifest.id), why=why) for why in _miscounted(manifest)]
    return [*miscounted, *await _extra(store, manifest), *await _unlike(store, manifest, opener)]


def _miscounted(manifest: Manifest) -> Iterator[str]:
    """Where the manifest's files and its lists do not come to the same."""
    of_lists, of_files = Counter[str](), Counter[str]()
    for read in manifest.lists:
        of_lists[read.resource] += read.objects
    for file in manifest.files:
        of_files[file.resource] += file.count
    for resource in sorted(of_lists.keys() | of_files.keys()):
        if of_lists[resource] != of_files[resource]:
            listed = counted(of_lists[resource], "object")
            yield f"it counts {listed} of {resource}, and its files {of_files[resource]:,}"


async def _extra(store: Store, manifest: Manifest) -> list[Damage]:
    folder = f"{BACKUPS}/{manifest.id}/"
    named = {f"{folder}{file.path}" for file in manifest.every_file} | {_manifest(manifest.id)}
    why = "its manifest does not name it: it was put there after the backup was made"
    return [Damage(path=path, why=why) async for path in store.names(folder) if path not in named]


async def _unlike(store: Store, manifest: Manifest, opener: Opener | None) -> list[Damage]:
    """Files that are not as the manifest names them, in its order."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def judged(file: StoredFile) -> Damage | None:
        async with turn:
            why = await _problem(store, manifest, file, opener)
        return Damage(path=f"{BACKUPS}/{manifest.id}/{file.path}", why=why) if why else None

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(judged(file)) for file in manifest.every_file]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [damage for task in tasks if (damage := task.result())]


async def _problem(store: Store, manifest: Manifest, file: StoredFile, opener: Opener | None) -> str:
    try:
        data = (await archive.fetch(store, manifest.id, file)).data
        if file.recipients:
            if opener is None:
                return ""
            data = _opened(data, file, opener)
        return await _misread(data, file, is_object=file is not manifest.cluster_config)
    except (Missing, Unreadable, Refused) as error:
        return str(error)


def _opened(data: bytes, file: StoredFile, opener: Opener) -> bytes:
    try:
        return opener.opened(data)
    except Denied as error:
        raise Denied(f"{file.path}: {error}") from error


async def _misread(data: bytes, file: StoredFile, *, is_object: bool) -> str:
    """What is wrong with the objects of a file; on the event loop, which gets its turn between them."""
    clock = asyncio.get_running_loop().time
    found, until = 0, clock() + _SLICE_SECONDS
    for head in heads(data):
        found += 1
        if is_object and not _is_of(head, file):
            where = f"namespace {file.namespace}" if file.namespace else "no namespace"
            return f"object {found} in it is no {file.kind} of {where} with a name"
        if clock() > until:
            await asyncio.sleep(0)
            until = clock() + _SLICE_SECONDS
    return "" if found == file.count else f"it holds {counted(found, 'object')}, and its manifest counts {file.count:,}"


def _is_of(head: Head, file: StoredFile) -> bool:
    return head.named and (head.kind, head.namespace) == (file.kind, file.namespace)


async def _still_there(store: Store, backup_id: str) -> None:
    """A backup that is pruned while it is read has lost its manifest first, and is not damaged."""
    try:
        await store.read(_manifest(backup_id))
    except Unreadable:
        return
    except JobError as error:
        raise type(error)(f"{backup_id} was removed while it was read: {error}") from error
