"""A kind of job: its parameters, what it does, and the rights it needs; everything else derives from this."""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict

from maintd.core.erasing import Eraser, NoEraser
from maintd.core.limits import Limits
from maintd.core.outcome import Outcome
from maintd.core.ports import Discovery, Gate, Gke, Http, Log, Reader, Store
from maintd.core.rehearsal import Rehearser
from maintd.core.rules import GcpPermission, Rule
from maintd.core.signing import Keys, NoKeys, Opener
from maintd.core.target import Target


class Params(BaseModel):
    """Base of every kind's parameters: frozen, unknown keys refused, each field with a description."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class Context:
    """All that a run may touch."""

    run_id: str
    job: str
    target: Target
    cluster: Reader
    gate: Gate
    store: Store
    http: Http
    log: Log
    now: Callable[[], datetime]
    """The daemon's clock, UTC. Ages of objects are judged by the API server's: `Page.server_time`."""
    memory: MutableMapping[str, Any]
    """What this job remembered from its last run; what is in it when the run ends is remembered. Small, JSON."""
    by_hand: bool = False
    """Somebody asked for this run and waits for it: it tells what is so now, whatever runs before it saw."""
    cluster_name: str = ""
    """MAINTD_CLUSTER: what the cluster is called in the store, and in a backup's manifest."""
    epoch: int = 0
    """The reign under which it runs; 0 where somebody typed it."""
    gke: Gke | None = None
    """Google's view of the target's cluster; None where the target has no `gke:`."""
    keys: Keys = field(default_factory=NoKeys)
    opener: Opener | None = None
    """Of what is encrypted; None in the daemon, and where nobody gave a key."""
    rehearser: Rehearser | None = None
    """None in the daemon, which may not write what a backup holds."""
    eraser: Eraser = field(default_factory=NoEraser)


Needs = tuple[Rule, ...] | Callable[[Any, Target], tuple[Rule, ...]]
GcpNeeds = tuple[GcpPermission, ...] | Callable[[Any, Target], tuple[GcpPermission, ...]]


@dataclass(frozen=True)
class Kind:
    """One kind. The name is the module's (`cleanup_pods.py` → `cleanup-pods`), the manual is its docstring."""

    params: type[Params]
    run: Callable[[Context, Any], Awaitable[Outcome]]
    level: int
    """0 observe · 1 basic repair · 2 scaling and configuration · 3 cluster and infrastructure."""
    needs: Needs = ()
    needs_found: Callable[[Any, Target, Discovery], tuple[Rule, ...]] | None = None
    """The rights to what discovery finds in one cluster and not in every one; None: the kind reads no such thing."""
    gcp_needs: GcpNeeds = ()
    """Rights in Google Cloud; they count for targets with `gke:` only."""
    check: Callable[[Any, Target], str | None] | None = None
    """What the schema cannot say: None, or why these params cannot work on this target, with the remedy."""
    erases_backups: bool = False
    """It deletes backups from the store, so that `mode` means something; no other kind can."""
    protects: bool = False
    """Others rely on what it leaves in the store: what fell due while maintd was down is made up for once."""
    idempotent: bool = False
    """A run that was cut off may be started again: the second one undoes or repeats nothing of the first."""
    limits: Limits = field(default_factory=Limits)
    timeout: timedelta = timedelta(minutes=5)
    """Default deadline of one run."""

    @property
    def name(self) -> str:
        """`cleanup-pods`."""
        return self.run.__module__.rpartition(".")[2].replace("_", "-")

    @property
    def manual(self) -> str:
        """The module's docstring."""
        return (sys.modules[self.run.__module__].__doc__ or "").strip()

    @property
    def acts(self) -> bool:
        """True where the kind changes the cluster, so that `mode` and `limits` mean something."""
        return self.level >= 1

    @property
    def has_mode(self) -> bool:
        """True where a dry run is something else than a run."""
        return self.acts or self.erases_backups

    def rules(self, params: Any, target: Target, found: Discovery | None = None) -> tuple[Rule, ...]:
        """The rights that a job with these parameters needs; `found`: also to what is in this one cluster."""
        rules = self.needs(params, target) if callable(self.needs) else self.needs
        return (*rules, *self.needs_found(params, target, found)) if self.needs_found and found else rules

    def permissions(self, params: Any, target: Target) -> tuple[GcpPermission, ...]:
        """The rights in the project `target.gke.project` that a job with these parameters needs."""
        if target.gke is None:
            return ()
        return self.gcp_needs(params, target) if callable(self.gcp_needs) else self.gcp_needs
