"""D2: random clusters against the never-list and the limits: what may be tried, and what never."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from maintd.core.errors import Refused
from maintd.core.limits import Limits
from maintd.rails.plan import plan as planned
from maintd.rails.ticket import Ticket
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report
from tests.faults.scenarios.search import complaint, searched, seeded
from tests.rails.conftest import NOW, failed_pod, wish_for

ANNOTATIONS = st.fixed_dictionaries(
    {},
    optional={
        "maintd.dev/protect": st.sampled_from(["true", "false", "False", "", "nonsense"]),
        "maintd.dev/keep-until": st.sampled_from(["2026-11-21", "2026-11-22", "2027-01-01", "soon"]),
        "example.com/other": st.just("x"),
    },
)
PODS = st.lists(
    st.fixed_dictionaries(
        {
            "hours": st.integers(-5, 60),
            "namespace": st.sampled_from(["shop", "default", "shop-2", "kube-system", "gke-x", "maintd"]),
            "annotations": st.just({}) | ANNOTATIONS,
            "deleting": st.sampled_from([False, False, False, True]),
        }
    ),
    min_size=4,
    max_size=30,
)
LIMITS = st.builds(
    Limits,
    max_count=st.integers(1, 6),
    abort_over=st.none() | st.none() | st.integers(0, 15) | st.integers(0, 100).map(lambda share: f"{share}%"),
    min_age=st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=24)]),
)


def untouchable(pod: Mapping[str, Any], limits: Limits) -> bool:
    """The never-list once more, by someone else's reading of the design."""
    notes = pod["annotations"]
    made_hours_ago = pod["hours"] + 1
    return bool(
        pod["namespace"] in ("kube-system", "gke-x", "maintd")
        or notes.get("maintd.dev/protect", "false").lower() != "false"
        or notes.get("maintd.dev/keep-until", "2026-11-21") != "2026-11-21"
        or pod["deleting"]
        or made_hours_ago < limits.min_age / timedelta(hours=1)
        or made_hours_ago < 0
    )


def check(pods: list[dict[str, Any]], limits: Limits, spare: int) -> None:
    """One cluster."""
    tickets = [ticket(number, pod) for number, pod in enumerate(pods)]
    free = [one for one, pod in zip(tickets, pods, strict=True) if not untouchable(pod, limits)]
    population = len(pods) + spare
    ceiling = limits.ceiling(population)
    try:
        chosen = planned(tickets, limits, population=population, now=NOW, own_namespace="maintd")
    except Refused:
        assert ceiling is not None, "refused without a limit"
        assert len(free) > ceiling, "refused below abort_over"
        assert not any(one.result for one in free), "refused, and some are decided about"
        return
    assert ceiling is None or len(free) <= ceiling, "more than abort_over, and not refused"
    assert len(chosen) == min(len(free), limits.max_count), "not as many as max_count allows"
    assert {id(one) for one in chosen} <= {id(one) for one in free}, "one of the never-list is chosen"
    left = [one for one in free if one.result == "left"]
    assert len(left) + len(chosen) == len(free), "some are neither chosen nor left"
    assert all(old.wish.since <= young.wish.since for old in chosen for young in left), "a younger one goes first"
    assert all((one.result == "kept") == (one not in free) for one in tickets), "kept, and may go"
    assert all(one.reason for one in tickets if one.result), "decided without a reason"


def ticket(number: int, pod: Mapping[str, Any]) -> Ticket:
    """The wish to delete it."""
    going = {"deletionTimestamp": "2026-11-22T02:00:00Z"} if pod["deleting"] else {}
    known = {"uid": f"uid-{number}", "resourceVersion": "7", "annotations": pod["annotations"]}
    return Ticket(wish_for(failed_pod(f"p{number}", hours=pod["hours"], namespace=pod["namespace"], **known, **going)))


def search(seed: int, clusters: int) -> tuple[str, ...]:
    """The cluster on which a limit is broken, or nothing."""
    property_ = searched(clusters)(given(pods=PODS, limits=LIMITS, spare=st.integers(0, 40))(check))
    return complaint(seeded(seed, property_))


@dataclass(frozen=True, slots=True)
class NeverList:
    """The search, in rounds of some thousand clusters."""

    promise: str = "D2"
    fault: str = "random clusters and limits"
    unit: str = ""

    def plan(self, seed: int, *, quick: bool) -> Plan:
        return Plan(seed, (Step(0, "clusters", "200" if quick else "2500"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """All clusters of the plan."""
        count = sum(int(step.target) for step in plan.steps)
        return Report(await asyncio.to_thread(search, plan.seed, count), cases=count)


SCENARIOS = (NeverList(),)
