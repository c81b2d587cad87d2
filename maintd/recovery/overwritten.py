"""What a restore will overwrite, kept first: a backup like any other, in a place where none is looked for.

It lies in `before-restore/backups/<id>/` beside the backups, so that it is never the latest or the last good one, and
`maintd restore --from …/before-restore/backups/<id> --existing update` puts everything back as it was.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from maintd.core.failpoints import reach
from maintd.core.ports import Store
from maintd.core.resource import Json, Resource
from maintd.objects.age import GROWTH, SUFFIX, Identities, encrypt
from maintd.objects.archive import BACKUPS
from maintd.objects.backup_copy import NOWHERE
from maintd.objects.backup_manifest import MAX_FILE, ListRead, Manifest, StoredFile
from maintd.objects.cleaning import clean
from maintd.objects.exclusions import SECRETS
from maintd.objects.manifest_yaml import emit
from maintd.recovery.plan import Step

FOLDER = "before-restore"
"""The folder in a cluster's folder of the store, which has its own `backups`."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some objects of one kind in one namespace, as many as a file holds."""

    resource: Resource
    namespace: str
    part: int
    count: int
    data: bytes


async def keep(store: Store, head: Manifest, steps: Iterable[Step], identities: Identities | None) -> str:
    """Write what these steps overwrite, and return where. Raises what the store raises; then nothing may be written.

    `head` is the manifest without its files.
    """
    recipients = identities.recipients if identities else ()
    folder, files, lists = f"{BACKUPS}/{head.id}", list[StoredFile](), list[ListRead]()
    for resource, namespace, chunks in _chunked(steps):
        for chunk in chunks:
            files.append(await _written(store, folder, chunk, recipients))
        lists.append(ListRead.of(resource, namespace, sum(file.count for file in files[-len(chunks) :])))
    manifest = head.model_copy(update={"files": tuple(files), "lists": tuple(lists)})
    await store.create(f"{folder}/manifest.json", manifest.sealed())
    reach("restore-kept")
    return store.url(folder)


def _chunked(steps: Iterable[Step]) -> Iterator[tuple[Resource, str, list[_Chunk]]]:
    ordered = sorted(steps, key=lambda step: (step.resource, step.namespace, step.name))
    for (resource, namespace), some in groupby(ordered, key=lambda step: (step.resource, step.namespace)):
        yield resource, namespace, list(_cut(resource, namespace, [step.live for step in some if step.live]))


def _cut(resource: Resource, namespace: str, objects: Sequence[Json]) -> Iterator[_Chunk]:
    part, count, data = 1, 0, b""
    for obj in objects:
        document = emit(clean(resource, obj)).encode()
        if data and len(data) + len(document) > MAX_FILE - GROWTH:
            yield _Chunk(resource, namespace, part, count, data)
            part, count, data = part + 1, 0, b""
        count, data = count + 1, data + document
    yield _Chunk(resource, namespace, part, count, data)


async def _written(store: Store, folder: str, chunk: _Chunk, recipients: tuple[str, ...]) -> StoredFile:
    resource, secret = chunk.resource, chunk.resource.name == SECRETS.rule
    number = f".{chunk.part:04}" if chunk.part > 1 else ""
    path = f"{chunk.namespace or NOWHERE}/{resource.name}{number}.yaml" + SUFFIX * secret
    data = encrypt(chunk.data, recipients) if secret else chunk.data
    stored = await store.create(f"{folder}/{path}", data)
    return StoredFile.of(
        stored,
        path=path,
        resource=resource.name,
        kind=resource.kind,
        namespace=chunk.namespace,
        count=chunk.count,
        recipients=recipients if secret else (),
    )
