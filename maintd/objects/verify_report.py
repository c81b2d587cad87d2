"""From verifications to what their run says."""

from collections.abc import Sequence
from dataclasses import dataclass

from maintd.core.outcome import Finding, Outcome, Status
from maintd.core.text import counted, sized
from maintd.objects.answers_report import figures, findings, summary
from maintd.objects.archive import BACKUPS, Backup
from maintd.objects.verification import Verification

_MOST = 100
"""Damaged objects that are named one by one; all of them are in the verification."""
_MAKE_ONE = "run a job of kind backup: it reads everything anew, and overwrites nothing"


@dataclass(frozen=True, slots=True)
class Read:
    """A backup, what was found in it, and where that is kept."""

    backup: Backup
    found: Verification
    path: str


def outcome(read: Sequence[Read], unreadable: Sequence[Backup]) -> Outcome:
    """`unreadable`: what could not be verified at all, since it is no backup, or of a later maintd."""
    told = [finding for each in read for finding in _findings(each)]
    told += map(_not_verified, unreadable)
    if not read:
        told.append(Finding(subject="backups", message="there is no backup to verify", remedy=_MAKE_ONE))
    good = [each.found for each in read if each.found.ok]
    return Outcome(
        _summary(read, len(good)) + _untrusted(unreadable),
        status=None if read or not unreadable else Status.ATTENTION,
        findings=tuple(told),
        metrics={
            "backups": len(read),
            "damaged_backups": len(read) - len(good),
            "objects": sum(found.objects for found in good),
            "bytes": sum(found.size for found in good),
            "stored_bytes": sum(found.stored_size for found in good),
            **figures([found.answers for found in good if found.answers]),
        },
        artifacts=tuple(each.path for each in read),
    )


def _summary(read: Sequence[Read], good: int) -> str:
    if not read:
        return "there is no backup to verify"
    if good < len(read):
        damaged = ", ".join(each.backup.id for each in read if not each.found.ok)
        return f"DAMAGED: {damaged}; {good} of {counted(len(read), 'backup')} without a fault"
    objects, size = sum(each.found.objects for each in read), sum(each.found.size for each in read)
    which = read[0].backup.id if len(read) == 1 else counted(len(read), "backup")
    partial = sum(not each.backup.complete for each in read)
    state = f", {'but it is' if len(read) == 1 else f'{partial} of them'} partial" if partial else ""
    said = f"{which} read back without a fault: {counted(objects, 'object')}, {sized(size)}{state}"
    return said + summary([each.found.answers for each in read if each.found.answers])


def _untrusted(unreadable: Sequence[Backup]) -> str:
    named = ", ".join(backup.id for backup in unreadable if backup.untrusted)
    return f"; UNTRUSTED: {named}" if named else ""


def _findings(read: Read) -> list[Finding]:
    backup, found = read.backup, read.found
    damaged = [
        Finding(severity="error", subject=damage.path, message=damage.why, remedy=_MAKE_ONE)
        for damage in found.damaged[:_MOST]
    ]
    if len(found.damaged) > _MOST:
        more = f"{len(found.damaged) - _MOST:,} more objects of it are damaged"
        damaged.append(Finding(severity="error", subject=backup.id, message=more, remedy=f"they are in {read.path}"))
    if found.ok and not backup.complete:
        said = f"{backup.state}: what is in it can be read, and not all of its scope is in it"
        damaged.append(
            Finding(subject=backup.id, message=said, remedy=f"see what is missing: maintd backups {backup.id}")
        )
    if found.encrypted:
        files = counted(len(found.encrypted), "encrypted file")
        said = f"of {files} the ciphertext is as it was written; whether a key opens it was not tried"
        damaged.append(Finding(severity="info", subject=backup.id, message=said))
    return [*damaged, *(findings(backup.id, found.answers, read.path) if found.answers else ())]


def _not_verified(backup: Backup) -> Finding:
    if backup.untrusted:
        remedy = "see who wrote it, and whether the key is the right one"
        return Finding(severity="error", subject=backup.id, message=f"not verified: {backup.problem}", remedy=remedy)
    if backup.newer:
        return Finding(subject=backup.id, message=f"not verified: {backup.problem}")
    return Finding(
        severity="info",
        subject=f"{BACKUPS}/{backup.id}",
        message="it has no manifest, so it is no backup: its run has not ended or was stopped, or a deletion of it was",
        remedy="nothing reads it; it may be deleted",
    )
