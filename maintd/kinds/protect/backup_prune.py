"""Delete backups that no rule keeps any more.

Of each backup job the newest `keep_last` stay, and the newest complete one of each of the last days, weeks and months.
Whatever the rules say, these stay: what is pinned (`maintd backups pin ID`), the newest complete backup of each job,
the newest that was verified, and whatever cannot be judged: a manifest that is damaged or of a later format, a backup
that was made while maintd's clock and the API server's were more than a day apart. Days and weeks are those of the
backups' own times, which are the API server's, not ages: a job that has made no backup for a year loses none.

The manifest of a backup is deleted first, then its files, what its verifications found, and its pins; a run that ends
in between leaves something that is no backup, and the next one goes on with it. Before each deletion a note of it is
written, `evidence/<run id>/backups/<backup id>.json`: what a killed run deleted is told by these. What was begun and
never finished goes after `leftovers_after`.

In `dry-run` the run lists what would go and what stays, each with its rule. Nothing is deleted when this machine's
clock and the API server's are more than a day apart, or when a backup's id is from the future. The store's right to
delete is asked for by `maintd render iam` once a job of this kind has `mode: act`; docs/backup.md says how to live
without it, and why one should.

Example:

    - name: backup-prune
      kind: backup-prune
      schedule: "30 4 * * *"
      mode: act
      params: {keep_last: 7, keep_daily: 14, keep_weekly: 8, keep_monthly: 12}
"""

from datetime import datetime, timedelta

from pydantic import Field

from maintd.core.errors import JobError, Refused
from maintd.core.kind import Context, Kind
from maintd.core.outcome import Change, Considered, Outcome
from maintd.core.resource import ObjectRef
from maintd.core.text import counted
from maintd.core.units import Duration, format_duration
from maintd.objects import pins
from maintd.objects.backup_census import CLOCKS_APART, UNFINISHED, census
from maintd.objects.backup_retention import Retention, Verdict


class BackupPrune(Retention):
    """What stays."""

    leftovers_after: Duration = Field(
        default=timedelta(days=7),
        ge=timedelta(days=1),
        description="What was begun this long ago and never finished is no backup, and is deleted.",
    )


async def run(ctx: Context, params: BackupPrune) -> Outcome:
    """Look at every backup, then delete what no rule keeps, the oldest first."""
    now = await _agreed_time(ctx)
    candidates = await census(ctx.store)
    ahead = [each.id for each in candidates if each.at > now + CLOCKS_APART]
    if ahead:
        remedy = "delete its folder by hand if a clock was wrong then"
        raise Refused(f"{ahead[0]} is from the future, so it is not known which backup is the newest; {remedy}")
    verdicts = [_leftover(each, params, now) for each in params.plan(candidates)]
    changes = [await _erased(ctx, verdict) for verdict in reversed(verdicts) if not verdict.keep]
    return Outcome(
        _summary(verdicts, changes),
        changes=tuple(changes),
        considered=tuple(_considered(verdict) for verdict in verdicts),
        metrics={"kept": sum(verdict.keep for verdict in verdicts), "deleted": _done(changes)},
    )


async def _agreed_time(ctx: Context) -> datetime:
    """The earlier of two clocks. Raises Refused where they are too far apart."""
    theirs, ours = await ctx.cluster.server_time(), ctx.now()
    if abs(ours - theirs) > CLOCKS_APART:
        apart = format_duration(timedelta(seconds=round(abs(ours - theirs).total_seconds())))
        raise Refused(f"this machine's clock and the API server's are {apart} apart; set the one that is wrong")
    return min(ours, theirs)


def _leftover(verdict: Verdict, params: BackupPrune, now: datetime) -> Verdict:
    candidate = verdict.candidate
    if candidate.pinned or candidate.unknown != UNFINISHED or now - candidate.at < params.leftovers_after:
        return verdict
    return Verdict(candidate, keep=False, rule=f"unfinished for over {format_duration(params.leftovers_after)}")


async def _erased(ctx: Context, verdict: Verdict) -> Change:
    backup_id = verdict.candidate.id
    try:
        if await pins.pinned(ctx.store, backup_id):  # since the plan was made
            return Change(object=_object(verdict), verb="delete", result="kept", reason="it was pinned meanwhile")
    except JobError as error:
        why = f"whether it is pinned meanwhile cannot be told, so it was left alone: {error}"
        return Change(object=_object(verdict), verb="delete", result="failed", reason=why)
    change = await ctx.eraser.erase(_object(verdict), verdict.rule)
    ctx.log.info("backup pruned", backup=backup_id, result=change.result, rule=verdict.rule)
    return change


def _object(verdict: Verdict) -> ObjectRef:
    return ObjectRef(resource="backups", name=verdict.candidate.id)


def _considered(verdict: Verdict) -> Considered:
    return Considered(object=_object(verdict), decision="keep" if verdict.keep else "delete", rule=verdict.rule)


def _done(changes: list[Change]) -> int:
    return sum(change.result == "done" for change in changes)


def _summary(verdicts: list[Verdict], changes: list[Change]) -> str:
    kept, planned = sum(verdict.keep for verdict in verdicts), sum(change.result == "planned" for change in changes)
    said = f"would delete {counted(planned, 'backup')}" if planned else f"deleted {counted(_done(changes), 'backup')}"
    failed = sum(change.result == "failed" for change in changes)
    return f"{said}, kept {kept:,}" + (f", {failed:,} could not be deleted" if failed else "")


KIND = Kind(BackupPrune, run, level=0, erases_backups=True, timeout=timedelta(minutes=30))
