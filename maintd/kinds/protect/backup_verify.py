"""Read backups back, every byte of them, and say which object is damaged.

Each file is fetched from the store, held against the manifest by size and sha256 (as it is stored, and unpacked), read
as YAML to its end, and its objects are counted and held against what the manifest says is in it. A file that is
missing, that the manifest does not name, or that belongs to another backup is named too; so is a manifest that is not
as it was written. Of an encrypted file the ciphertext is held against the manifest: nobody in the cluster has the key.

What was found is kept beside the backups, as `verifications/<backup id>/<number>-read.json`, and `maintd backups`
shows it. Damage makes the run `attention`, and so does a backup that can be read but is partial. When the store cannot
be read the run is `failed`, and nothing is noted: a backup that was not read is neither good nor bad.

Without a signature a hash proves that nothing was changed by accident; whoever may write to the store can write a
manifest that fits. With `verify_key` what is not signed with that key is named, and not read. docs/backup.md says more.

This is depth `read`. Depth `apply` asks an API server besides, by a dry run, whether it would take each object as a
restore would write it. That takes the right to write, which maintd does not have, so a job with it is refused: whoever
has the right types `maintd verify --depth apply`, and deploy/components/verifier does it every night.

Example:

    - name: backup-verify
      kind: backup-verify
      schedule: "30 1 * * *"
      params: {newest: 1}
"""

from collections import Counter
from datetime import timedelta

from pydantic import Field

from maintd.core.errors import ConfigError, Denied, Missing
from maintd.core.kind import Context, Kind, Params
from maintd.core.outcome import Outcome
from maintd.core.ports import Store
from maintd.objects import archive, verification
from maintd.objects.archive import Backup
from maintd.objects.readback import read_back
from maintd.objects.signature import public_key
from maintd.objects.verification import Depth, Verification
from maintd.objects.verify_report import Read, outcome

_LOOK_BACK = 200
"""Backups whose manifests are read to find those that are wanted."""


NOT_HERE = (
    "depth apply takes the right to write all that is backed up, which maintd does not have; type "
    "`maintd verify --depth apply`, or have deploy/components/verifier do it every night"
)


class BackupVerify(Params):
    """Which backups, and how deeply."""

    depth: Depth = Field(
        default="read",
        description="`read`: every byte and every object of it. `apply` is for `maintd verify`, and refused in a job.",
    )
    newest: int = Field(default=1, ge=1, le=_LOOK_BACK, description="So many of the newest of each backup job.")
    since_last: bool = Field(
        default=False, description="Besides: all that came after the last one of the job that was verified."
    )
    id: str = Field(
        default="",
        max_length=64,
        pattern=r"^[0-9TZa-f-]*$",
        description="Only this one, or the one whose id begins so; for a run by hand.",
    )
    verify_key: str = Field(
        default="",
        max_length=1024,
        description="A public ed25519 key (the line in its PEM file): take no backup but those signed with it.",
    )

    def problem(self) -> str | None:
        """Why these cannot work."""
        if self.depth == "apply":
            return NOT_HERE
        try:
            if self.verify_key:
                public_key(self.verify_key)
        except ValueError as error:
            return f"verify_key: {error}"
        return None


async def run(ctx: Context, params: BackupVerify) -> Outcome:
    """Read each one, and note what was found before the next."""
    key = public_key(params.verify_key) if params.verify_key else ""
    wanted = [await _one(ctx.store, params.id, key)] if params.id else await _wanted(ctx.store, params, key)
    read, not_read = list[Read](), list[Backup]()
    for backup in wanted:
        if backup.newer or backup.untrusted or not (backup.manifest or backup.problem):
            not_read.append(backup)
            continue
        found = await _verified(ctx, backup, params.depth)
        read.append(Read(backup, found, await verification.keep(ctx.store, found)))
        ctx.log.info(
            "backup read back", backup=backup.id, depth=found.depth, result=found.result, objects=found.objects
        )
    return outcome(read, not_read)


async def _verified(ctx: Context, backup: Backup, depth: Depth) -> Verification:
    """Of what is damaged no server is asked: nobody restores it."""
    found = await read_back(ctx.store, backup, ctx.run_id, ctx.now, opener=ctx.opener)
    if depth == "read" or not found.ok:
        return found
    if ctx.rehearser is None:
        raise Denied(NOT_HERE)
    answers = await ctx.rehearser.rehearse(ctx.store, backup.id)
    return found.model_copy(update={"depth": depth, "answers": answers, "ended": ctx.now()})


async def _one(store: Store, wanted: str, key: str) -> Backup:
    try:
        return await archive.find(store, wanted, verify_key=key)
    except ConfigError as error:
        raise Missing(str(error)) from error


async def _wanted(store: Store, params: BackupVerify, key: str) -> list[Backup]:
    """The oldest first, so that what is left when time runs out is what comes first the next time."""
    known = await verification.verified(store)
    of_job, done, found = Counter[str](), set[str](), list[Backup]()
    async for backup in archive.backups(store, limit=_LOOK_BACK, verify_key=key):
        if not backup.manifest:
            found.append(backup)
            continue
        if params.since_last and backup.id in known:
            done.add(backup.job)
        of_job[backup.job] += 1
        if of_job[backup.job] <= params.newest or (params.since_last and backup.job not in done):
            found.append(backup)
    oldest = min((backup.id for backup in found if backup.manifest), default="")
    return [backup for backup in reversed(found) if backup.id >= oldest]


KIND = Kind(
    BackupVerify,
    run,
    level=0,
    protects=True,
    idempotent=True,
    check=lambda params, _: params.problem(),
    timeout=timedelta(minutes=30),
)
