"""Write every object of the cluster to the store, as files that `kubectl apply` takes.

What exists is asked of the API server: every kind that can be listed and created, custom resources included. Each
object is freed of what a restore must not carry (status, uid, allocated addresses and ports …). The files lie under
`backups/<id>/<namespace>/<resource>.yaml`, what is in no namespace under `_cluster/`; `manifest.json` is written last
and makes it a backup: it names every file with its hash, everything that was left out and why, and every
PersistentVolumeClaim, whose data is not in it.

Left out, each by a rule that the manifest names: Secrets (the backup is not encrypted), Events, Leases, metrics, what
nodes register, what is being deleted, what a controller owns or the API server makes by itself, and Pods and Jobs
that have finished. Naming a kind in `kinds` brings it in nevertheless, except Secrets. What may not be read, or not to
its end, makes the run `partial`, by name, with what to do about it.

Unless the job says otherwise it covers the target's namespace, or where the target has none, the whole cluster. A job
that names its namespaces needs rights in these alone, and leaves out what is in no namespace.

Example:

    - name: backup-nightly
      kind: backup
      schedule: "0 1 * * *"
      params: {namespaces: ["*"], exclude_namespaces: ["kube-*"], exclude_kinds: ["*.cilium.io"]}
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable
from datetime import timedelta

from maintd import __version__
from maintd.core.errors import JobError, Unreadable
from maintd.core.kind import Context, Kind
from maintd.core.outcome import Outcome
from maintd.core.ports import Staging
from maintd.core.resource import NAMESPACES, Json, Resource
from maintd.objects.backup_copy import File, ListCopy
from maintd.objects.backup_manifest import Manifest, NotWhole
from maintd.objects.backup_record import Copied, filled, nothing, outcome
from maintd.objects.backup_scope import Scope
from maintd.objects.metadata import reference

_LISTS_AT_ONCE = 4  # a page of each is in memory, with what is made of it
_SLICE_SECONDS = 0.01
_Batch = tuple[list[Json], bool]  # some objects of a list, and whether it begins (anew) with them


class Backup(Scope):
    """What is in it."""


async def run(ctx: Context, params: Backup) -> Outcome:
    """Copy every list in scope, then write the manifest."""
    scope, started = params.on(ctx.target), ctx.now()
    server, system = await ctx.cluster.version(), await ctx.cluster.get(NAMESPACES, "kube-system")
    selection = scope.select(await ctx.cluster.discover())
    folder = f"backups/{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    results = await _copy_all(ctx, selection.read, scope, folder)
    head = Manifest(
        id=folder.rpartition("/")[2],
        run_id=ctx.run_id,
        cluster=ctx.cluster_name,
        kube_system_uid=reference(NAMESPACES, system).uid,
        server_version=str(server.get("gitVersion")),
        maintd_version=__version__,
        started=started,
        ended=ctx.now(),
        namespaces=scope.namespaces,
    )
    manifest = filled(head, selection, results)
    if manifest.not_whole and not manifest.files:
        return nothing(manifest)
    path = f"{folder}/manifest.json"
    await ctx.store.create(path, manifest.sealed())
    return outcome(manifest, path)


async def _copy_all(ctx: Context, resources: Iterable[Resource], scope: Scope, folder: str) -> list[Copied | NotWhole]:
    turn = asyncio.Semaphore(_LISTS_AT_ONCE)

    async def copy(resource: Resource, namespace: str) -> Copied | NotWhole:
        async with turn:
            return await _copy(ctx, resource, namespace, scope, folder)

    try:
        async with asyncio.TaskGroup() as group:
            wanted = [(resource, space) for resource in resources for space in scope.spaces(resource)]
            tasks = [group.create_task(copy(*listing)) for listing in wanted]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def _copy(ctx: Context, resource: Resource, namespace: str, scope: Scope, folder: str) -> Copied | NotWhole:
    copy, batches = ListCopy(resource, scope), _read(ctx, resource, namespace, scope)
    async with ctx.store.staging() as staging:
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
                copy = ListCopy(resource, scope)
                await staging.clear()
            await _stage(staging, folder, await _take(copy, objects))
        await _stage(staging, folder, copy.finish())
        return Copied(copy, namespace, await staging.commit())


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


async def _stage(staging: Staging, folder: str, files: Iterable[tuple[File, bytes]]) -> None:
    for file, data in files:
        await staging.add(f"{folder}/{file.path}", data)


async def _read(ctx: Context, resource: Resource, namespace: str, scope: Scope) -> AsyncIterator[_Batch]:
    if resource.name == NAMESPACES.name and scope.named is not None:
        yield [await ctx.cluster.get(NAMESPACES, name) for name in scope.named], True
        return
    whole = False
    async for page in ctx.cluster.pages(resource, namespace or None):
        yield page.items, page.first
        whole = page.last
    if not whole:
        raise Unreadable("the list ended before its last page")


KIND = Kind(
    Backup,
    run,
    level=0,
    needs=lambda params, target: params.on(target).needs(),
    needs_found=lambda params, target, found: params.on(target).needs_found(found),
    check=lambda params, target: params.on(target).problem(),
    timeout=timedelta(minutes=30),
)
