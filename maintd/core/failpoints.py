"""Places where a process can be made to die, fail or stand still, to prove what is left then.

`MAINTD_FAILPOINTS=backup-manifest-before:1:kill,gate-delete-after:3:sleep=10` arms two of them. Unarmed, a place costs
one look at a global. The only module of core that does something to the process: storage, kinds, rails and scheduling
all have such places and have no other layer in common.
"""

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from maintd.core.errors import JobError
from maintd.core.text import did_you_mean

KNOWN = {
    "backup-manifest-after": "a backup is whole, and its run has not ended",
    "backup-manifest-before": "every file of a backup is in the store, its manifest is not",
    "backup-object-after": "a file of a backup is in the store",
    "backup-object-before": "a file of a backup is about to be written",
    "bucket-upload-after": "a bucket has taken an object, and who wrote it has not been told",
    "bucket-upload-before": "an object is about to be sent to a bucket",
    "claim-after": "the starts of what fell due together are claimed, and nothing has started",
    "claim-before": "the starts of what fell due together are about to be claimed",
    "folder-object-linked": "an object has its name, and its unfinished file is still there",
    "folder-object-unfinished": "an object is on disk, not under its name yet",
    "gate-delete-after": "the API server has answered a deletion, and nothing has noted it",
    "gate-delete-before": "a deletion is about to be sent",
    "gate-evidence-after": "the evidence of all objects is in the store, and none is deleted",
    "gate-reserved": "the changes of a run are entered in the ledger, and none is made",
    "gate-settle-before": "the changes of a run are made, and the ledger does not know how many",
    "prune-manifest-deleted": "a backup that is pruned has lost its manifest and nothing else",
    "prune-object-deleted": "a backup that is pruned has lost one more object",
    "record-after": "the record of a run is in the store or the spool",
    "record-before": "a run has ended, and its record is about to be written",
    "restore-kept": "what a restore overwrites is kept, and nothing is overwritten",
    "restore-write-after": "a restore has written an object, and nothing has noted it",
    "restore-write-before": "a restore is about to write an object",
    "run-ended": "a run has ended, and neither its claim is closed nor its record written",
    "spool-append-after": "a record is in the spool",
    "spool-append-before": "a record is about to be kept aside in the spool",
    "spool-hand-over-after": "the store has what waited in the spool, and the spool still has it too",
    "spool-hand-over-before": "what waits in the spool is about to be given to the store",
    "state-save-after": "the state is written",
    "state-save-before": "the state is about to be written",
    "verify-note-after": "what a verification found is noted",
    "verify-note-before": "a backup was read back, and what was found is not noted",
}
"""Every place there is, and what is true when it is reached."""

_ITEM = re.compile(r"([a-z-]+):([1-9][0-9]{0,8}):(kill|raise|sleep)(?:=([0-9]{1,5}(?:\.[0-9]{1,3})?))?", re.ASCII)
_SLEEP = 60.0


@dataclass(frozen=True, slots=True)
class Failpoint:
    """What happens when a place is reached for the nth time in this process."""

    name: str
    nth: int
    action: str
    """`kill` as kill -9 does · `raise` a JobError · `sleep`, the thread: on the event loop everything stands still."""
    seconds: float = 0.0

    def strike(self) -> None:
        """Do it."""
        if self.action == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.action == "raise":
            raise JobError(f"MAINTD_FAILPOINTS asks for a failure here: {KNOWN[self.name]}")
        time.sleep(self.seconds)


class _Armed:
    def __init__(self, points: Sequence[Failpoint]) -> None:
        self._points = {(point.name, point.nth): point for point in points}
        self._reached = Counter[str]()
        self._counting = Lock()

    def reach(self, name: str) -> None:
        with self._counting:
            self._reached[name] += 1
            point = self._points.get((name, self._reached[name]))
        if point:
            point.strike()


_armed: _Armed | None = None


def reach(name: str) -> None:
    """Say that a place was reached; `name` is one of KNOWN, written out."""
    if _armed is not None:
        _armed.reach(name)


def arm(points: Sequence[Failpoint]) -> None:
    """Arm these and no others, counting from one."""
    global _armed  # noqa: PLW0603 - one process, one set of failpoints: that is what makes them free when there are none
    _armed = _Armed(points) if points else None


def parse(text: str) -> tuple[Failpoint, ...]:
    """`name:nth:kill|raise|sleep[=SECONDS]`, several with commas. ValueError says what to write instead."""
    return tuple(_parsed(item.strip()) for item in text.split(",")) if text.strip() else ()


def _parsed(item: str) -> Failpoint:
    found = _ITEM.fullmatch(item)
    if found is None or (found[4] and found[3] != "sleep"):
        raise ValueError(f"{item!r} is no failpoint; write NAME:NTH:kill, NAME:NTH:raise or NAME:NTH:sleep=SECONDS")
    name, nth, action, seconds = found.groups()
    if name not in KNOWN:
        near = did_you_mean(name, KNOWN) or "; `maintd debug failpoints` lists them"
        raise ValueError(f"there is no failpoint {name}{near}")
    return Failpoint(name, int(nth), action, float(seconds or _SLEEP) if action == "sleep" else 0.0)
