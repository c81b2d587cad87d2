"""D3: what a dry run plans on a random cluster is what acting does on the same one, and a dry run writes nothing."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hypothesis import given
from hypothesis import strategies as st

from maintd.core.errors import Refused
from maintd.core.limits import Limits
from maintd.core.resource import Json
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report
from tests.faults.scenarios.search import Loop, complaint, searched, seeded
from tests.kinds_cleanup.conftest import Cleanup, owned, pod

SPACE = "shop"
POD = st.fixed_dictionaries(
    {
        "phase": st.sampled_from(["Failed", "Failed", "Succeeded", "Running", "Pending"]),
        "hours": st.sampled_from([1, 23, 25, 48, 500]),
        "reason": st.sampled_from(["", "Evicted"]),
        "owner": st.sampled_from(["", "", "lives", "ended", "gone", "DaemonSet", "ReplicaSet"]),
        "protect": st.sampled_from(["", "", "", "true", "2999-01-01", "2000-01-01"]),
    }
)
PARAMS = st.fixed_dictionaries(
    {
        "phases": st.sampled_from([("Failed",), ("Succeeded",), ("Failed", "Succeeded")]),
        "reasons": st.sampled_from([(), ("Evicted",)]),
        "older_than": st.sampled_from(["24h", "0s", "100h"]),
    }
)
LIMITS = st.builds(
    Limits, max_count=st.integers(1, 5), abort_over=st.none() | st.integers(0, 8) | st.sampled_from(["30%", "90%"])
)
_JOBS: tuple[tuple[str, tuple[str, ...]], ...] = (("lives", ()), ("ended", ("Complete",)))
_APIS = {"DaemonSet": "apps/v1", "ReplicaSet": "apps/v1"}


def may_go(one: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
    """The rules once more, by someone else's reading of the manual page."""
    hours = {"24h": 24, "0s": 0, "100h": 100}[params["older_than"]]
    return bool(
        one["phase"] in params["phases"]
        and (not params["reasons"] or one["reason"] in params["reasons"])
        and one["hours"] > hours
        and one["owner"] not in ("lives", "gone", "DaemonSet")
        and one["protect"] in ("", "2000-01-01")
    )


@dataclass
class _Clusters:
    """One sandbox that becomes one random cluster after the other."""

    loop: Loop
    tidy: Cleanup

    def check(self, pods: list[dict[str, Any]], params: dict[str, Any], limits: Limits) -> None:
        """One cluster: rehearse, then act."""
        sandbox = self.loop.sandbox
        self._arrange(pods)
        sandbox.requests.clear()
        rehearsed = self._ended("dry-run", limits, params)
        written = [f"{line.verb} {line.path}" for line in sandbox.requests if line.verb not in ("get", "list")]
        acted = self._ended("act", limits, params)
        gone = {f"p{number}" for number in range(len(pods))} - self._names()
        assert written == [], "a dry run wrote"
        assert {name: "done" if did == "planned" else did for name, did in rehearsed.items()} == acted, "not the plan"
        assert gone == {name for name, did in acted.items() if did == "done"}, "gone is not what is said to be"
        assert gone <= {f"p{number}" for number, one in enumerate(pods) if may_go(one, params)}, "one that may not go"
        assert len(gone) <= limits.max_count, "more than max_count"

    def _arrange(self, pods: list[dict[str, Any]]) -> None:
        sandbox = self.loop.sandbox
        for name in self._names():
            sandbox.remove("v1", "Pod", name, SPACE)
        uids = {job["metadata"]["name"]: sandbox.put(job)["metadata"]["uid"] for job in _jobs()}
        for number, one in enumerate(pods):
            sandbox.put(_pod(number, one, uids))

    def _names(self) -> set[str]:
        return {each["metadata"]["name"] for each in self.loop.sandbox.select("v1", "Pod", SPACE)}

    def _ended(self, mode: Literal["act", "dry-run"], limits: Limits, params: dict[str, Any]) -> dict[str, str]:
        try:
            outcome = self.loop.run(self.tidy(SPACE, mode, limits=limits, **params))
        except Refused:
            return {}
        return {change.object.name: change.result for change in outcome.changes}


def _jobs() -> Iterator[Json]:
    for name, ended in _JOBS:
        yield {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"name": name, "namespace": SPACE},
            "spec": {},
            "status": {"conditions": [{"type": kind, "status": "True"} for kind in ended]},
        }


def _pod(number: int, one: Mapping[str, Any], uids: Mapping[str, str]) -> Json:
    api = _APIS.get(one["owner"], "batch/v1")
    kind = one["owner"] if one["owner"] in _APIS else "Job"
    owner = owned(kind, one["owner"], uids.get(one["owner"], "no-such-uid"), api) if one["owner"] else {}
    note = {"": {}, "true": {"maintd.dev/protect": "true"}}.get(
        one["protect"], {"maintd.dev/keep-until": one["protect"]}
    )
    facts = {"phase": one["phase"], "hours": one["hours"], "reason": one["reason"]}
    return pod(f"p{number}", SPACE, **facts, annotations=note, **owner)


def search(folder: Path, seed: int, clusters: int) -> tuple[str, ...]:
    """The cluster on which a rehearsal is not the performance, or nothing."""
    with Loop(folder) as loop:

        async def connect(_: object) -> object:
            return loop.api

        every = _Clusters(loop, Cleanup(connect, folder / "store"))

        def check(pods: list[dict[str, Any]], params: dict[str, Any], limits: Limits) -> None:
            every.check(pods, params, limits)

        trial = given(pods=st.lists(POD, min_size=6, max_size=16), params=PARAMS, limits=LIMITS)(check)
        return complaint(seeded(seed, searched(clusters)(trial)))


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """The search, in rounds of some hundred clusters."""

    promise: str = "D3"
    fault: str = "dry run, then the act"
    unit: str = ""

    def plan(self, seed: int, *, quick: bool) -> Plan:
        return Plan(seed, (Step(0, "clusters", "40" if quick else "250"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """All clusters of the plan."""
        count = sum(int(step.target) for step in plan.steps)
        return Report(await asyncio.to_thread(search, folder, plan.seed, count), cases=count)


SCENARIOS = (Rehearsals(),)
