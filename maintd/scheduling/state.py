"""What jobs remember between runs and over restarts: one entry a job, changed by compare-and-swap.

Every change is a function from the entry as it is to the entry as it should be. It is applied at once to what
this process sees, and again to whatever stands in the home when it is written, so that a second writer's change
is never lost and a write that failed can be sent again.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from maintd.core.errors import Conflict, MaintdError, Transient
from maintd.core.outcome import Run, Status
from maintd.core.ports import Log

KEPT_RUNS = 5
LONGEST_SUMMARY = 240
LONGEST_BACKLOG = 5_000
"""Changes kept for a home that is away; older ones are dropped first, as newer ones say more."""
REPEATED_SECONDS = 60.0
"""How often the same cause is said again while it lasts."""
LAST_PAUSE = 0.5
"""Seconds before the last try at the end."""
PATIENCE_AT_THE_END = 5.0
"""Seconds; a process that is told to stop has few of them."""
_NEITHER = (Status.SKIPPED, Status.MISSED, Status.INTERRUPTED)


class LastRun(BaseModel):
    """The little of a run that everybody may see without reading its record."""

    model_config = ConfigDict(frozen=True, extra="allow")

    run_id: str
    status: Status
    mode: str
    due: datetime | None = None
    started: datetime
    ended: datetime
    summary: str

    @classmethod
    def of(cls, run: Run) -> "LastRun":
        """The short form of a record."""
        return cls(
            run_id=run.run_id,
            status=run.status,
            mode=run.mode,
            due=run.due,
            started=run.started,
            ended=run.ended,
            summary=run.summary[:LONGEST_SUMMARY],
        )


class JobState(BaseModel):
    """One job's entry. Keys that a newer maintd wrote are kept as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")

    format: int = 1
    last_due: datetime | None = None
    last_runs: tuple[LastRun, ...] = ()
    """Newest first, at most KEPT_RUNS."""
    consecutive_failures: int = 0
    last_success: datetime | None = None
    """When it last ended ok or with attention, however many runs ago."""
    memory: dict[str, Any] = Field(default_factory=dict)
    changes: dict[str, Any] = Field(default_factory=dict)
    """The tally behind `per_day` and `cool_down`, as the gate's ledger writes it."""
    hold: dict[str, Any] | None = None
    """Who keeps acting jobs from starting, in the one entry that is no job's: `scheduling.hold`."""

    def after(self, last: LastRun, memory: Mapping[str, Any] | None) -> "JobState":
        """The entry once that run has ended; `memory` None leaves what was remembered."""
        failures = self.consecutive_failures
        if last.status not in _NEITHER:
            failures = 0 if last.status.good else failures + 1
        return self.model_copy(
            update={
                "last_due": max((due for due in (self.last_due, last.due) if due), default=None),
                "last_runs": (last, *self.last_runs)[:KEPT_RUNS],
                "consecutive_failures": failures,
                "last_success": last.ended if last.status.good else self.last_success,
                "memory": self.memory if memory is None else dict(memory),
            }
        )

    def listing(self, last: LastRun) -> "JobState":
        """The entry with one more run in its list, and nothing else changed."""
        return self.model_copy(update={"last_runs": (last, *self.last_runs)[:KEPT_RUNS]})


Edit = Callable[[JobState], JobState]


class Home(Protocol):
    """Where the entries live, as JSON texts by job."""

    async def load(self) -> tuple[dict[str, str], Any]:
        """The entries, and a token that says which version of them this is."""
        ...

    async def save(self, entries: dict[str, str], token: Any) -> None:
        """Raises Conflict when the entries are no longer those that were loaded with this token."""
        ...

    def describe(self) -> str: ...


class State:
    """The entries of all jobs, as far as this process knows them.

    `note` is for what may wait (observers): it is written with the next flush, at most once in `flush_every`.
    `update` is for what may not (a tally before the first change): it returns when the home has it.
    """

    def __init__(self, home: Home, log: Log, *, flush_every: timedelta = timedelta(minutes=1)) -> None:
        self._home = home
        self._log = log
        self._every = flush_every.total_seconds()
        self._seen: dict[str, JobState] = {}
        self._unsent: list[tuple[str, Edit]] = []
        self._lock = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None
        self._loaded = False
        self._said = ""
        self._quiet_until = 0.0
        self.problem = ""
        """Why the home could not be read or written the last time, or empty."""

    def of(self, job: str) -> JobState:
        """What is known of the job; a blank entry for one that has not run."""
        return self._seen.get(job, JobState())

    async def load(self, *, seconds: float = 10.0) -> bool:
        """Read the home once; False, and `problem` says why, when it cannot be read now, in so many seconds."""
        if not self._loaded:
            try:
                async with asyncio.timeout(seconds):
                    await self._send(())
            except MaintdError as error:
                self._fail("state could not be read", error)
            except TimeoutError:
                self._fail("state could not be read", Transient(f"no answer within {seconds:.0f} s"))
        return self._loaded

    async def fresh(self, job: str) -> JobState:
        """The entry as the home has it now. Raises what the home raises."""
        await self._send(())
        return self.of(job)

    def note(self, job: str, edit: Edit) -> None:
        """Change the entry here now, and in the home with the next flush."""
        self._seen[job] = edit(self.of(job))
        self._unsent.append((job, edit))
        del self._unsent[:-LONGEST_BACKLOG]
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_later())

    async def update(self, job: str, edit: Edit) -> JobState:
        """Change the entry in the home and return it. Raises what the home raises; then nothing was changed."""
        await self._send(((job, edit),))
        return self.of(job)

    async def flush(self) -> None:
        """Write what was noted; a failure is logged and tried again with the next flush."""
        if not self._unsent:
            return
        try:
            await self._send(())
        except MaintdError as error:
            self._fail("state could not be written", error)

    async def close(self) -> None:
        """Write what is left, as far as the home takes it within a few seconds, and stop."""
        if self._flusher is not None:
            self._flusher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._flusher
        try:
            async with asyncio.timeout(PATIENCE_AT_THE_END):
                await self.flush()
                if self._unsent:  # no later flush makes good for this one
                    await asyncio.sleep(LAST_PAUSE)
                    await self.flush()
        except TimeoutError:
            self._log.warning("state not written before the end", home=self._home.describe(), unsent=len(self._unsent))

    async def _flush_later(self) -> None:
        while self._unsent:
            await asyncio.sleep(self._every)
            await self.flush()

    async def _send(self, extra: tuple[tuple[str, Edit], ...]) -> None:
        async with self._lock:
            for attempt in range(5):
                batch = [*self._unsent, *extra]
                texts, token = await self._home.load()
                entries = {job: self._parse(job, text) for job, text in texts.items()}
                for job, edit in batch:
                    entries[job] = edit(entries.get(job, JobState()))
                try:
                    if batch:
                        touched = {job: entries[job].model_dump_json() for job, _ in batch}
                        await self._home.save(texts | touched, token)
                except Conflict:
                    if attempt == 4:
                        raise
                    continue
                sent = {id(note) for note in batch}
                self._unsent = [note for note in self._unsent if id(note) not in sent]
                for job, edit in self._unsent:  # noted while the write was under way
                    entries[job] = edit(entries.get(job, JobState()))
                self._seen, self._loaded = entries, True
                self._recovered()
                return

    def _parse(self, job: str, text: str) -> JobState:
        try:
            return JobState.model_validate_json(text)
        except ValidationError:
            self._log.error("state entry unreadable", job=job, home=self._home.describe(), consequence="starts blank")
            return JobState()

    def _recovered(self) -> None:
        if self.problem:
            self._log.info("state is back", home=self._home.describe())
        self.problem = self._said = ""

    def _fail(self, event: str, error: MaintdError) -> None:
        self.problem = f"{self._home.describe()}: {error}"
        now = asyncio.get_running_loop().time()
        if now >= self._quiet_until or str(error) != self._said:
            self._log.warning(event, home=self._home.describe(), error=str(error), unsent=len(self._unsent))
            self._said, self._quiet_until = str(error), now + REPEATED_SECONDS
