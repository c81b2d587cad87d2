"""D1: pods that are listed, changed, relabelled, recreated and deleted under the gate's hands; replies get lost.

Whatever happens between the judging and the delete: what goes is exactly what was judged. Where the API server takes
no notice of preconditions the same search finds a healthy pod that goes.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from maintd.core.limits import Limits
from maintd.core.outcome import Change
from maintd.core.ports import Deletion, Stored
from maintd.core.resource import PODS, Json
from maintd.objects.metadata import deletion
from maintd.rails.gate import RailGate
from maintd.rails.scope import Scope
from maintd.sandbox.faults import Fault
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report
from tests.faults.scenarios.search import Loop, complaint, searched, seeded
from tests.rails.conftest import NOW, SPACE, Lines, failed_pod

NAMES = st.sampled_from(["a", "b", "c"])
HAPPENINGS = st.sampled_from(["relabel", "protect", "heal", "recreate", "vanish"])


class _Memory:
    """A store in memory, that lets something happen after each piece of evidence."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self.happens = happens

    async def create(self, path: str, data: bytes) -> Stored:
        self.happens()
        return Stored(path, len(data), "", len(data), "")

    def url(self, path: str) -> str:
        return path


class Races(RuleBasedStateMachine):
    """The search. `loop` is set in a subclass: hypothesis makes the machines itself."""

    loop: Loop

    def __init__(self) -> None:
        super().__init__()
        self.wishes: list[Deletion] = []
        self.pending: list[tuple[str, str]] = []
        self.runs = itertools.count()
        self.truth: dict[str, Json] = {}
        self.sandbox = self.loop.sandbox
        for pod in self.sandbox.select("v1", "Pod", SPACE):
            self.sandbox.remove("v1", "Pod", pod["metadata"]["name"], SPACE)
        self.sandbox.faults.clear()
        self.sandbox.requests.clear()

    def put(self, name: str, *, phase: str = "Failed", new: bool = False, **changes: Any) -> None:
        """Write a pod and remember what is true of it."""
        pod = failed_pod(name) | {"status": {"phase": phase}}
        old = self.truth.get(name, {}).get("metadata", {})
        kept = {} if new else {key: old[key] for key in ("uid",) if key in old}
        pod["metadata"] |= kept | changes
        self.truth[name] = self.sandbox.put(pod)

    def remove(self, name: str) -> None:
        self.sandbox.remove("v1", "Pod", name, SPACE)
        self.truth.pop(name)

    @rule(name=NAMES)
    def make(self, name: str) -> None:
        if name not in self.truth:
            self.put(name)

    @rule()
    def judge(self) -> None:
        """What a kind would wish for: it looks, and what it saw grows old."""
        self.wishes = [
            deletion(PODS, pod, since=NOW, rule="finished long ago")
            for pod in self.sandbox.select("v1", "Pod", SPACE)
            if pod["status"]["phase"] == "Failed"
        ]

    @rule(name=NAMES, what=HAPPENINGS)
    def happen(self, name: str, what: str) -> None:
        self.befall(name, what)

    @rule(name=NAMES, what=HAPPENINGS)
    def happen_later(self, name: str, what: str) -> None:
        """While the next run writes its evidence."""
        self.pending.append((name, what))

    def befall(self, name: str, what: str) -> None:
        if name not in self.truth:
            return
        match what:
            case "relabel":
                self.put(name, labels={"keep": "me"})
            case "protect":
                self.put(name, annotations={"maintd.dev/protect": "true"})
            case "heal":
                self.put(name, phase="Running")
            case "recreate":
                self.remove(name)
                self.put(name, phase="Running", new=True)
            case "vanish":
                self.remove(name)

    @precondition(lambda self: not self.sandbox.faults)  # each costs the pause before the next attempt
    @rule(when=st.sampled_from(["before", "after"]))
    def lose_a_reply(self, when: Any) -> None:
        self.sandbox.faults.append(Fault("delete", reset=when))

    @precondition(lambda self: self.wishes)
    @rule()
    def act(self) -> None:
        changes = self.loop.run(self.run())
        self.sandbox.faults.clear()
        there = {
            pod["metadata"]["name"]: pod["metadata"]
            for pod in self.sandbox.select("v1", "Pod", SPACE)
            if "deletionTimestamp" not in pod["metadata"]  # a pod that ran has been given its grace
        }
        judged = {(wish.object.uid, wish.resource_version) for wish in self.wishes}
        for name, pod in [*self.truth.items()]:
            uid, version = pod["metadata"]["uid"], pod["metadata"]["resourceVersion"]
            if there.get(name, {}).get("uid") == uid:
                continue
            assert (uid, version) in judged, f"{name}: deleted, and never judged as it was"
            assert "annotations" not in pod["metadata"], f"{name}: protected, and deleted"
            self.truth.pop(name)
        done = {change.object.uid for change in changes if change.result == "done"}
        assert not done & {metadata["uid"] for metadata in there.values()}, "said to be deleted, and there"

    async def run(self) -> tuple[Change, ...]:
        scope = Scope(
            run_id=f"20261122T030000Z-tidy-{next(self.runs):06x}",
            job="tidy",
            mode="act",
            limits=Limits(),
            own_namespace="maintd",
            instance="maintd-0",
            in_flight=2,
        )
        store: Any = _Memory(self.let_happen)
        nobody: Any = None  # a job without per_day and cool_down never asks its ledger
        gate = RailGate(scope, self.loop.api, store, nobody, Lines())
        return await gate.delete(self.wishes, population=9, now=NOW)

    def let_happen(self) -> None:
        if self.pending:
            self.befall(*self.pending.pop())


def search(folder: Path, seed: int, sequences: int, *, preconditions: bool = True) -> tuple[str, ...]:
    """The wrong delete that was found, or nothing."""
    with Loop(folder) as loop:
        if not preconditions:
            loop.sandbox.ignore_preconditions()
        machine = seeded(seed, type("Search", (Races,), {"loop": loop}))
        wanted = searched(sequences, shrink=preconditions)
        return complaint(lambda: run_state_machine_as_test(machine, settings=wanted))


@dataclass(frozen=True, slots=True)
class Deletes:
    """The search, in rounds of a few hundred sequences."""

    promise: str = "D1"
    fault: str = "changed, recreated, lost replies"
    unit: str = ""

    def plan(self, seed: int, *, quick: bool) -> Plan:
        return Plan(seed, (Step(0, "sequences", "60" if quick else "500"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """All sequences of the plan."""
        count = sum(int(step.target) for step in plan.steps)
        return Report(await asyncio.to_thread(search, folder, plan.seed, count), cases=count)


@dataclass(frozen=True, slots=True)
class WithoutPreconditions:
    """That the search would find a wrong delete if there was one."""

    promise: str = "D1"
    fault: str = "the same, preconditions ignored"
    unit: str = ""

    def plan(self, seed: int, *, quick: bool) -> Plan:
        return Plan(seed, (Step(0, "sequences", "1000"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """The violation is that none is found."""
        count = sum(int(step.target) for step in plan.steps)
        found = await asyncio.to_thread(lambda: search(folder, plan.seed, count, preconditions=False))
        return Report(() if found else (f"no wrong delete in {count} sequences: the search proves nothing",))


SCENARIOS = (Deletes(), WithoutPreconditions())
