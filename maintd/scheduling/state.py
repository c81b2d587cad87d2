"""What jobs remember between runs and over restarts: one entry a job, changed by compare-and-swap.

Every change is a function from the entry as it is to the entry as it should be. It is applied at once to what
this process sees, and again to whatever stands in the home when it is written, so that a second writer's change
is never lost and a write that failed can be sent again.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from pydantic import ValidationError

from maintd.core.errors import Conflict, Denied, MaintdError, Transient, Unreadable
from maintd.core.ports import Log
from maintd.core.text import sized
from maintd.scheduling.changes import Change, Edit, applied, on, written
from maintd.scheduling.entry import BLANK, Entries, JobState
from maintd.scheduling.size import fitted, size
from maintd.telemetry.complaints import Complaints

LONGEST_BACKLOG = 5_000
"""Changes kept for a home that is away; older ones are dropped first, as newer ones say more."""
ATTEMPTS = 5
"""How often a write is tried over another writer's."""
LAST_PAUSE = 0.5
"""Seconds before the last try at the end."""
PATIENCE = 5.0
"""Seconds that a run which has ended waits for the home, or a process that is told to stop."""


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
    `update` and `change` are for what may not (a claim, a tally before the first change): they return when the home has
    it, and raise what the home and the change raise; then nothing was changed.
    """

    def __init__(self, home: Home, log: Log, *, flush_every: timedelta = timedelta(minutes=1)) -> None:
        self._home = home
        self._log = log
        self._complaints = Complaints(log)
        self._every = flush_every.total_seconds()
        self._seen: dict[str, JobState] = {}
        self._unsent: list[Change] = []
        self._parsed: dict[str, tuple[str, JobState]] = {}
        self._lock = asyncio.Lock()
        self._flusher: asyncio.Task[None] | None = None
        self._flushes: set[asyncio.Task[None]] = set()
        self._loaded = False
        self._closed = False
        self.problem = ""
        """Why the home could not be read or written the last time, or empty."""

    def of(self, job: str) -> JobState:
        """What is known of the job; a blank entry for one that has not run."""
        return self._seen.get(job, BLANK)

    @property
    def home(self) -> str:
        """Where the entries live, as a person names it."""
        return self._home.describe()

    @property
    def entries(self) -> Mapping[str, JobState]:
        """Every entry that is known, also those that are no job's."""
        return self._seen

    async def load(self, *, seconds: float = 10.0) -> bool:
        """Read the home once; False, and `problem` says why, when it cannot be read now, in so many seconds."""
        if not self._loaded:
            try:
                async with asyncio.timeout(seconds):
                    await self._refresh()
            except MaintdError as error:
                self._fail("state could not be read", error)
            except TimeoutError:
                self._fail("state could not be read", Transient(f"no answer within {seconds:.0f} s"))
        return self._loaded

    async def fresh(self, job: str) -> JobState:
        """The entry as the home has it now. Raises what the home raises."""
        await self._refresh()
        return self.of(job)

    async def look(self) -> None:
        """Read the home anew, as far as that is possible now; `problem` tells why it was not."""
        try:
            await self._refresh()
        except MaintdError as error:
            self._fail("state could not be read", error)

    def note(self, job: str, edit: Edit) -> None:
        """Change the entry here now, and in the home with the next flush."""
        self.later(on(job, edit))

    def later(self, change: Change) -> None:
        """Change entries here now, and in the home with the next flush. The change must not raise."""
        change(self._seen)
        self._unsent.append(change)
        del self._unsent[:-LONGEST_BACKLOG]
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush_later())

    async def update(self, job: str, edit: Edit) -> JobState:
        """Change the entry in the home and return it."""
        await self.change(on(job, edit))
        return self.of(job)

    async def change(self, change: Change) -> None:
        """Change entries in the home, all of them in one write."""
        try:
            await self._send((change,))
        except (Transient, Unreadable, Denied) as error:
            self._fail("state could not be written", error)
            raise

    def forget(self) -> None:
        """Let go of what was noted and is not written: another has led since, and may have written what is newer."""
        self._unsent.clear()

    async def flush(self, *, seconds: float = PATIENCE) -> None:
        """Write what was noted; returns after so many seconds at the latest, and the write goes on by itself.

        A failure is logged and tried again with the next flush.
        """
        task = asyncio.create_task(self._flush(), name="state")
        self._flushes.add(task)
        task.add_done_callback(self._flushes.discard)
        await asyncio.wait({task}, timeout=seconds)

    async def close(self) -> None:
        """Write what is left, as far as the home takes it within a few seconds, and stop; once."""
        if self._closed:
            return
        if self._flusher is not None:
            self._flusher.cancel()
            await asyncio.gather(self._flusher, return_exceptions=True)
        if self._unsent:
            await self.flush()
        if self._unsent and not self._flushes:  # no later flush makes good for this one
            await asyncio.sleep(LAST_PAUSE)
            await self.flush()
        for task in [*self._flushes]:
            task.cancel()
        if self._unsent:
            self._log.warning("state not written before the end", home=self._home.describe(), unsent=len(self._unsent))
        self._closed = True

    async def _flush_later(self) -> None:
        while self._unsent:
            await asyncio.sleep(self._every)
            await self.flush()

    async def _flush(self) -> None:
        try:
            async with self._lock:
                if self._unsent:
                    await self._exchange()
        except MaintdError as error:
            self._fail("state could not be written", error)

    async def _refresh(self) -> None:
        """Read only: what is noted waits for its flush, and who may not write may look."""
        async with self._lock:
            texts, _ = await self._home.load()
            self._seen = applied(self._unsent, self._parsed_all(texts))
            self._loaded = True
            if not self._unsent:
                self._recovered()

    async def _send(self, extra: tuple[Change, ...]) -> None:
        async with self._lock:
            await self._exchange(extra)

    async def _exchange(self, extra: tuple[Change, ...] = ()) -> None:
        for attempt in range(ATTEMPTS):
            batch = [*self._unsent, *extra]
            texts, token = await self._home.load()
            found = self._parsed_all(texts)
            entries = applied(batch, found)
            try:
                wished = written(texts, found, entries)
                if wished != texts:
                    await self._home.save(self._fitted(wished), token)
            except Conflict:
                if attempt + 1 == ATTEMPTS:
                    raise
                continue
            self._sent(batch, entries)
            return

    def _fitted(self, texts: dict[str, str]) -> dict[str, str]:
        small = fitted(texts)
        if small is not texts:
            why = f"{sized(size(texts))} is more than fits: older runs went, and memories if that was not enough"
            self._complaints.say("state trimmed", why, home=self._home.describe())
        return small

    def _sent(self, batch: list[Change], entries: Entries) -> None:
        sent = {id(change) for change in batch}
        self._unsent = [change for change in self._unsent if id(change) not in sent]
        self._seen = applied(self._unsent, entries)  # noted while the write was under way
        self._loaded = True
        self._recovered()

    def _parsed_all(self, texts: Mapping[str, str]) -> Entries:
        return {job: self._parse(job, text) for job, text in texts.items()}

    def _parse(self, job: str, text: str) -> JobState:
        before = self._parsed.get(job)
        if before is None or before[0] != text:
            before = self._parsed[job] = (text, self._read(job, text))
        return before[1]

    def _read(self, job: str, text: str) -> JobState:
        try:
            return JobState.model_validate_json(text)
        except ValidationError:
            self._log.error("state entry unreadable", job=job, home=self._home.describe(), consequence="starts blank")
            return JobState()

    def _recovered(self) -> None:
        if self.problem:
            self._log.info("state is back", home=self._home.describe())
        self.problem = ""

    def _fail(self, event: str, error: MaintdError) -> None:
        self.problem = f"{self._home.describe()}: {error}"
        self._complaints.say(event, str(error), home=self._home.describe(), unsent=len(self._unsent))
