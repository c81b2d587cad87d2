"""What one run is handed, made anew for each run from what the whole process shares."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import cast

from maintd import __version__
from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.config.settings import Settings
from maintd.core.erasing import Eraser, NoEraser
from maintd.core.errors import JobError
from maintd.core.kind import Context
from maintd.core.outcome import Change
from maintd.core.ports import Gate, Http, Log, Reader, Store
from maintd.core.rehearsal import Rehearser
from maintd.core.signing import Opener
from maintd.gcp.gke import Google
from maintd.rails.erasure import Erasure
from maintd.rails.gate import RailGate
from maintd.rails.ledger import Tally
from maintd.rails.scope import Scope
from maintd.scheduling.entry import JobState
from maintd.scheduling.ring import Ring
from maintd.scheduling.state import State
from maintd.storage.open import open_eraser
from maintd.storage.signing_keys import MountedKeys
from maintd.telemetry import logs

_LOG = logs.get("maintd.run")
_SHARE_OF_A_CALL = 0.75
"""Of a run's time: so that a cluster which does not answer is named, and not the run's own deadline."""


def now() -> datetime:
    """The daemon's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Contexts:
    """Opens a Context for a ring and closes it when the run is over."""

    api: Api | str
    """The API server, or why there is none."""
    store: Store
    http: Http
    state: State
    settings: Settings
    google: Google
    opener: Opener | None = None
    rehearser: Rehearser | None = None

    @asynccontextmanager
    async def open(self, ring: Ring, entry: JobState) -> AsyncIterator[Context]:
        """One run's context; the gate tells in one Event what was changed once the run is over."""
        job = ring.job
        log = _LOG.bind(job=job.name, kind=job.kind.name, run_id=ring.run_id)
        api = self._scoped(ring)
        gate = self._gate(ring, api, log)
        try:
            yield Context(
                run_id=ring.run_id,
                job=job.name,
                target=job.target,
                cluster=cast("Reader", NoCluster(api)) if isinstance(api, str) else ClusterReader(api),
                gate=gate,
                store=self.store,
                http=self.http,
                log=log,
                now=now,
                memory=dict(entry.memory),
                by_hand=ring.trigger == "manual",
                cluster_name=self.settings.cluster,
                epoch=ring.guard.epoch,
                gke=self.google.of(job.target.gke) if job.target.gke else None,
                keys=MountedKeys(),
                opener=self.opener,
                rehearser=self.rehearser,
                eraser=self._eraser(ring),
            )
        finally:
            if isinstance(gate, RailGate):
                await gate.close(now())

    def _scoped(self, ring: Ring) -> Api | str:
        if isinstance(self.api, str):
            return self.api
        reign = f"; epoch {ring.guard.epoch}" if ring.guard.epoch else ""
        return self.api.scoped(
            user_agent=f"maintd/{__version__} ({ring.job.name}{reign})",
            patience=ring.job.timeout * _SHARE_OF_A_CALL,
            guard=ring.guard,
        )

    def _gate(self, ring: Ring, api: Api | str, log: Log) -> Gate:
        if isinstance(api, str) or ring.mode == "run" or not ring.job.kind.acts:
            return ShutGate(ring.job.kind.name)
        scope = Scope(
            run_id=ring.run_id,
            job=ring.job.name,
            mode=ring.mode,
            limits=ring.job.limits,
            own_namespace=self.settings.namespace,
            instance=socket.gethostname(),
        )
        return RailGate(scope, api, self.store, StateLedger(self.state, ring.job.name), log)

    def _eraser(self, ring: Ring) -> Eraser:
        if not ring.job.kind.erases_backups:
            return NoEraser()
        eraser = open_eraser(self.settings.storage, self.settings.cluster)
        return Erasure(eraser, self.store, ring.run_id, ring.mode)


class ShutGate:
    """The gate of a kind that said it changes nothing."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    @property
    def changes(self) -> tuple[Change, ...]:
        """None."""
        return ()

    async def delete(self, *_: object, **__: object) -> tuple[Change, ...]:
        """A defect of the kind, and said so."""
        raise RuntimeError(f"the kind {self._kind} has level 0 and asked for a change; give it its true level")


class NoCluster:
    """A Reader where there is no API server to ask; every question says what is missing."""

    def __init__(self, why: str) -> None:
        self._why = why

    def __getattr__(self, name: str) -> Callable[..., object]:
        raise JobError(self._why)


class StateLedger:
    """The gate's tally of one job, kept in that job's state entry."""

    def __init__(self, state: State, job: str) -> None:
        self._state = state
        self._job = job

    async def read(self) -> Tally | None:
        """The tally as the home has it now."""
        return _tally(await self._state.fresh(self._job))

    async def update(self, change: Callable[[Tally | None], Tally]) -> Tally:
        """Change it in the home, by compare-and-swap."""

        def edit(entry: JobState) -> JobState:
            new = change(_tally(entry))
            last = new.last_change.isoformat() if new.last_change else None
            changes = {"day": new.day.isoformat(), "count": new.count, "last_change": last}
            return entry.model_copy(update={"changes": changes})

        written = _tally(await self._state.update(self._job, edit))
        if written is None:
            raise RuntimeError("a tally that was written is gone")
        return written


def _tally(entry: JobState) -> Tally | None:
    kept = entry.changes
    if not kept:
        return None
    last = kept.get("last_change")
    return Tally(date.fromisoformat(kept["day"]), int(kept["count"]), datetime.fromisoformat(last) if last else None)
