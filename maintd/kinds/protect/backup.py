"""Write every object of the cluster to the store, as files that `kubectl apply` takes.

What exists is asked of the API server: every kind that can be listed and created, custom resources included. Each
object is freed of what a restore must not carry (status, uid, allocated addresses and ports …). The files lie under
`backups/<id>/<namespace>/<resource>.yaml`, what is in no namespace under `_cluster/`; `manifest.json` is written last
and makes it a backup: it names every file with its hash, everything that was left out and why, and every
PersistentVolumeClaim, whose data is not in it.

Left out, each by a rule that the manifest names: Secrets, unless they are encrypted, Events, Leases, metrics, what
nodes register, what is being deleted, what a controller owns or the API server makes by itself, and Pods and Jobs
that have finished. Naming a kind in `kinds` brings it in nevertheless, except Secrets. What may not be read, or not to
its end, makes the run `partial`, by name, with what to do about it. With over 30 % fewer objects than in the last
complete backup of the same job, or none of a kind that had ten, the run is `attention`, and names what shrank.

With `secrets: {recipients: [age1…]}` the Secrets of each namespace are in one file, `secrets.yaml.age`, encrypted with
age before anything is written anywhere; tokens of ServiceAccounts stay out. The private key belongs on no cluster:
`age-keygen -o key.txt` makes one, and prints the recipient. With `sign_key` the manifest is signed, so that whoever
knows the public key can tell a backup from one that somebody else wrote.

Where the target has `gke:`, what Google says of the cluster itself (node pools, networks, maintenance …) is in
`gke-cluster.yaml`, without credentials. Where Google does not say it, the run is `partial`, and the rest is backed up.

Unless the job says otherwise it covers the target's namespace, or where the target has none, the whole cluster. A job
that names its namespaces needs rights in these alone, and leaves out what is in no namespace.

Example:

    - name: backup-nightly
      kind: backup
      schedule: "0 1 * * *"
      params: {namespaces: ["*"], exclude_namespaces: ["kube-*"], exclude_kinds: ["*.cilium.io"]}
"""

import secrets
from datetime import timedelta

from pydantic import Field

from maintd import __version__
from maintd.core.errors import JobError
from maintd.core.failpoints import reach
from maintd.core.kind import Context, Kind
from maintd.core.outcome import Outcome
from maintd.core.resource import NAMESPACES
from maintd.core.rules import GcpPermission
from maintd.objects.backup_changes import drop
from maintd.objects.backup_lists import Lists
from maintd.objects.backup_manifest import Manifest, NotWhole, StoredFile
from maintd.objects.backup_record import filled, nothing, outcome
from maintd.objects.backup_scope import Scope
from maintd.objects.gke_config import FILE, not_said, stored, written
from maintd.objects.metadata import reference


class Backup(Scope):
    """What is in it, and who vouches for it."""

    cluster_config: bool = Field(
        default=True, description="Where the target has `gke:`, keep what Google says of the cluster: gke-cluster.yaml."
    )
    sign_key: str | None = Field(
        default=None,
        pattern="^/",
        max_length=4096,
        description="Sign the manifest with the ed25519 private key (PEM) in this file, which is mounted.",
    )


async def run(ctx: Context, params: Backup) -> Outcome:
    """Copy every list in scope, then write the manifest."""
    scope, started = params.on(ctx.target), ctx.now()
    signer = await ctx.keys.signer(params.sign_key) if params.sign_key else None
    server, system = await ctx.cluster.version(), await ctx.cluster.get(NAMESPACES, "kube-system")
    selection = scope.select(await ctx.cluster.discover())
    # Its id says which backup is newer: by the clock that all backups of this cluster have in common.
    folder = f"backups/{await ctx.cluster.server_time():%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    results = await Lists(ctx.cluster, ctx.store, scope, folder).copied(selection.read)
    config = await _cluster_config(ctx, folder) if params.cluster_config else None
    head = Manifest(
        id=folder.rpartition("/")[2],
        run_id=ctx.run_id,
        cluster=ctx.cluster_name,
        kube_system_uid=reference(NAMESPACES, system).uid,
        server_version=str(server.get("gitVersion")),
        maintd_version=__version__,
        started=started,
        ended=ctx.now(),
        epoch=ctx.epoch,
        namespaces=scope.namespaces,
        cluster_config=config if isinstance(config, StoredFile) else None,
    )
    manifest = filled(head, selection, [*results, *([config] if isinstance(config, NotWhole) else [])])
    if manifest.not_whole and not manifest.files:
        return nothing(manifest)
    return outcome(manifest, await _sealed(ctx, folder, manifest.sealed(signer)), await drop(ctx.store, manifest))


async def _sealed(ctx: Context, folder: str, manifest: bytes) -> str:
    """Write what makes a backup exist, last; returns its path."""
    path = f"{folder}/manifest.json"
    reach("backup-manifest-before")
    await ctx.store.create(path, manifest)
    reach("backup-manifest-after")
    return path


async def _cluster_config(ctx: Context, folder: str) -> StoredFile | NotWhole | None:
    if ctx.gke is None:
        return None
    try:
        said = await ctx.gke.configuration()
    except JobError as error:
        return not_said(error)
    return stored(await ctx.store.create(f"{folder}/{FILE}", written(said)))


KIND = Kind(
    Backup,
    run,
    level=0,
    protects=True,
    idempotent=True,
    needs=lambda params, target: params.on(target).needs(),
    needs_found=lambda params, target, found: params.on(target).needs_found(found),
    gcp_needs=lambda params, _: (GcpPermission("container.clusters.get"),) if params.cluster_config else (),
    check=lambda params, target: params.on(target).problem(),
    timeout=timedelta(minutes=30),
)
