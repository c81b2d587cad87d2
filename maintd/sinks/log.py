"""The log: one line when a run starts, one with its figures when it ends."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from maintd.core.outcome import Run, Status, tally
from maintd.sinks.fanout import Start
from maintd.telemetry import logs

_QUIET = (Status.OK,)
_LOUD = (Status.FAILED, Status.CRASHED, Status.TIMED_OUT)


class LogSink:
    """Says each run in a line that reads like a diary's; `event_kind="run"` finds them all."""

    name = "log"

    def __init__(self, next_due: Callable[[str], datetime | None]) -> None:
        self._next_due = next_due
        self._log = logs.get(__name__)

    def started(self, start: Start) -> None:
        """The first line of the run."""
        log = self._log.bind(job=start.job.name, kind=start.job.kind.name, run_id=start.run_id)
        log.info("run started", first=True, mode=start.mode, due=start.due)

    async def emit(self, run: Run) -> None:
        """The last line of the run."""
        log = self._log.bind(job=run.job, kind=run.kind, run_id=run.run_id)
        say = log.info if run.status in _QUIET else log.error if run.status in _LOUD else log.warning
        say("run finished", last=True, event_kind="run", **self._figures(run))

    def _figures(self, run: Run) -> dict[str, Any]:
        """What a person wants to know; nothing that says nothing."""
        remarks = {
            "error": run.error if run.error != run.summary else "",
            "exc_info": run.traceback,
            "in_the_way": run.in_the_way,
            "missed": run.count if run.status is Status.MISSED else 0,
            "attempts": run.attempts if run.attempts > 1 else 0,
            "waited_seconds": run.waited_seconds if run.waited_seconds >= 1 else 0,
            "late_seconds": run.late_seconds if run.late_seconds >= 1 else 0,
            "changes": tally(run.changes),
            "considered": len(run.considered),
            "findings": [f"{finding.subject}: {finding.message}" for finding in run.findings],
            "figures": run.metrics,
            "next_run": self._next_due(run.job),
        }
        said = {"status": run.status, "summary": run.summary, "mode": run.mode, "seconds": round(run.seconds, 3)}
        return said | {name: value for name, value in remarks.items() if value}
