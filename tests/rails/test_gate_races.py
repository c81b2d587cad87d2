"""Pods that are listed, changed, relabelled, recreated and deleted under the gate's hands, with replies that get lost.

Whatever happens between the judging and the delete: what goes is exactly what was judged. With the preconditions
taken out of the delete the same search finds a healthy pod that goes.
"""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from maintd.cluster.api import Api, Request
from maintd.core.errors import Missing
from maintd.core.limits import Limits
from maintd.core.ports import Stored
from maintd.core.resource import PODS, Json
from maintd.objects.metadata import deletion
from maintd.rails.gate import RailGate
from maintd.rails.scope import Scope
from maintd.sandbox.faults import Fault
from maintd.sandbox.server import Sandbox

NAMES = st.sampled_from(["a", "b", "c"])
HAPPENINGS = st.sampled_from(["relabel", "protect", "heal", "recreate", "vanish"])
FAST = settings(
    max_examples=120,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
    phases=[Phase.generate],
)


class Careless:
    """A writer without preconditions, as many a script is."""

    def __init__(self, api):
        self.api = api

    async def delete(self, resource, ref, _version):
        path = resource.path(ref.namespace, ref.name)
        try:
            await self.api.call(Request(method="DELETE", path=path, repeatable=True))
        except Missing:
            return "gone"
        return "done"


class Memory:
    """A store in memory, that lets something happen after each piece of evidence."""

    def __init__(self, happens: Callable[[], None]) -> None:
        self.happens = happens

    async def create(self, path, data):
        self.happens()
        return Stored(path, len(data), "", len(data), "")


@dataclass
class World:
    """One loop and one sandbox for all sequences: starting them is most of the work."""

    runner: asyncio.Runner
    sandbox: Sandbox
    api: Api
    failed_pod: Callable[..., Json]
    now: datetime


@pytest.fixture(scope="module")
def world(tmp_path_factory, failed_pod, now):
    path = tmp_path_factory.mktemp("races") / "kubeconfig"
    with asyncio.Runner() as runner:
        sandbox = Sandbox()
        runner.run(sandbox.__aenter__())
        sandbox.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        api = runner.run(Api.connect(sandbox.kubeconfig(path)))
        yield World(runner, sandbox, api, failed_pod, now)
        runner.run(api.close())
        runner.run(sandbox.__aexit__())


class Quiet:
    def info(self, event, **fields):
        pass

    warning = info


class Races(RuleBasedStateMachine):
    """The search. `world` and `careless` are set by the test, in a subclass: hypothesis makes the machines itself."""

    world: World
    careless = False

    def __init__(self):
        super().__init__()
        self.wishes, self.pending, self.runs = [], [], itertools.count()
        self.truth = {}
        for pod in self.world.sandbox.select("v1", "Pod", "shop"):
            self.world.sandbox.remove("v1", "Pod", pod["metadata"]["name"], "shop")
        self.world.sandbox.faults.clear()

    def put(self, name, **changes):
        """Write a pod and remember what is true of it."""
        pod = self.world.failed_pod(name) | {"status": {"phase": changes.pop("phase", "Failed")}}
        old = self.truth.get(name, {}).get("metadata", {})
        kept = {} if changes.pop("new", False) else {key: old[key] for key in ("uid",) if key in old}
        pod["metadata"] |= kept | changes
        self.truth[name] = self.world.sandbox.put(pod)

    @rule(name=NAMES)
    def make(self, name):
        if name not in self.truth:
            self.put(name)

    @rule()
    def judge(self):
        """What a kind would wish for: it looks, and what it saw grows old."""
        self.wishes = [
            deletion(PODS, pod, since=self.world.now, rule="finished long ago")
            for pod in self.world.sandbox.select("v1", "Pod", "shop")
            if pod["status"]["phase"] == "Failed"
        ]

    @rule(name=NAMES, what=HAPPENINGS)
    def happen(self, name, what):
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

    def remove(self, name):
        self.world.sandbox.remove("v1", "Pod", name, "shop")
        self.truth.pop(name)

    @rule(name=NAMES, what=HAPPENINGS)
    def happen_later(self, name, what):
        """While the next run writes its evidence."""
        self.pending.append((name, what))

    @precondition(lambda self: not self.world.sandbox.faults)  # each costs the pause before the next attempt
    @rule(when=st.sampled_from(["before", "after"]))
    def lose_a_reply(self, when):
        self.world.sandbox.faults.append(Fault("delete", reset=when))

    @precondition(lambda self: self.wishes)
    @rule()
    def act(self):
        changes = self.world.runner.run(self.run())
        self.world.sandbox.faults.clear()
        there = {
            pod["metadata"]["name"]: pod
            for pod in self.world.sandbox.select("v1", "Pod", "shop")
            if "deletionTimestamp" not in pod["metadata"]  # a pod that ran has been given its grace
        }
        judged = {(wish.object.uid, wish.resource_version) for wish in self.wishes}
        for name, pod in [*self.truth.items()]:
            if there.get(name, {}).get("metadata", {}).get("uid") == pod["metadata"]["uid"]:
                continue
            assert (pod["metadata"]["uid"], pod["metadata"]["resourceVersion"]) in judged, f"{name}: a wrong delete"
            assert "annotations" not in pod["metadata"], f"{name}: protected, and deleted"
            self.truth.pop(name)
        done = {change.object.uid for change in changes if change.result == "done"}
        assert not done & {pod["metadata"]["uid"] for pod in there.values()}, "said to be done, and there"

    async def run(self):
        scope = Scope(
            run_id=f"run-{next(self.runs)}",
            job="tidy",
            mode="act",
            limits=Limits(),
            own_namespace="maintd",
            instance="maintd-0",
            in_flight=2,
        )
        gate = RailGate(scope, self.world.api, Memory(self.let_happen), None, Quiet())
        if self.careless:
            gate._writer = Careless(self.world.api)
        return await gate.delete(self.wishes, population=9, now=self.world.now)

    def let_happen(self):
        if self.pending:
            self.happen_now(*self.pending.pop())

    def happen_now(self, name, what):
        type(self).happen(self, name, what)


def search(world, *, careless):
    machine = type("Search", (Races,), {"world": world, "careless": careless})
    run_state_machine_as_test(machine, settings=FAST)


def test_no_sequence_makes_the_gate_delete_what_was_not_judged(world):
    search(world, careless=False)


def test_the_same_search_finds_a_wrong_delete_without_preconditions(world):
    with pytest.raises(AssertionError, match=r"a wrong delete|protected, and deleted"):
        search(world, careless=True)
