"""A1: one request of a run goes wrong, in 18 ways, for every kind: nothing lost, nothing doubled, nothing called ok.

A case is a kind, the request that is struck (the first, the middle, the last that the run sends, or its first change),
and whether it is struck once or for as long as the run lasts. A kind that asks the API server nothing is struck where
maintd keeps its state. What a run does without a fault is the oracle: a status that says it did its work takes exactly
the same effects; any other status takes none that the record does not name.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maintd.core.outcome import Status
from maintd.sandbox import faults
from maintd.sandbox.audit import Request
from maintd.sandbox.faults import Fault
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report
from tests.faults.scenarios.single_run import KINDS, Seen, run_once

POSITIONS = ("first", "middle", "change", "last")
LASTING = ("once", "for ever")
_FOR_EVER = 1_000_000
_STATE = "/api/v1/namespaces/maintd/configmaps"
_CHANGES = ("create", "update", "patch", "delete")
_REVIEWS = "selfsubjectaccessreviews"
"""Questions in the shape of a change."""
_FAILED = frozenset({Status.PARTIAL, Status.FAILED, Status.REFUSED, Status.TIMED_OUT})

FAULTS: Mapping[str, partial[Fault]] = {
    "429 with Retry-After": partial(Fault, answer=faults.unavailable(429, retry_after=1)),
    "429 without Retry-After": partial(Fault, answer=faults.unavailable(429)),
    "500": partial(Fault, answer=faults.unavailable(500)),
    "502 with HTML": partial(Fault, answer=faults.html(502)),
    "503": partial(Fault, answer=faults.unavailable(503)),
    "504": partial(Fault, answer=faults.unavailable(504)),
    "401": partial(Fault, answer=faults.unavailable(401)),
    "403": partial(Fault, answer=faults.unavailable(403)),
    "409": partial(Fault, answer=faults.unavailable(409)),
    "410": partial(Fault, answer=faults.unavailable(410)),
    "reset before the deed": partial(Fault, reset="before"),
    "reset after the deed": partial(Fault, reset="after"),
    "end in mid body": partial(Fault, pace="half"),
    "half of the JSON": partial(Fault, edit=faults.truncated),
    "empty 200": partial(Fault, edit=lambda reply: reply.with_body(b"")),
    "HTML 200": partial(Fault, edit=lambda _: faults.html()),
    "not UTF-8": partial(Fault, edit=faults.not_utf8),
    "10 B/s": partial(Fault, pace="trickle"),
    "black hole": partial(Fault, delay_seconds=3600),
}
PASSING = frozenset(FAULTS) - {"401", "403", "409", "410", "half of the JSON", "empty 200", "HTML 200", "not UTF-8"}
"""What the next attempt does not meet any more: met once, a run does all of its work."""
_SLOW = frozenset({"10 B/s", "black hole"})
"""May take all the time there is."""


@dataclass(frozen=True, slots=True)
class Case:
    """One cell of the matrix."""

    fault: str
    kind: str
    position: str
    lasting: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.position}/{self.lasting}"

    def struck(self, calm: Seen) -> Request:
        """The request that it is for, as the run without a fault sent it."""
        own = [line for line in calm.requests if _STATE not in line.path] or [*calm.requests]
        if self.position == "change":
            return next((line for line in own if line.verb in _CHANGES and line.resource != _REVIEWS), own[-1])
        return own[{"first": 0, "middle": len(own) // 2, "last": -1}[self.position]]

    def armed(self, calm: Seen) -> Fault:
        """For the sandbox: the nth of that verb and path, since requests that are sent together come in any order."""
        wanted = self.struck(calm)
        same = [line for line in calm.requests if (line.verb, line.path) == (wanted.verb, wanted.path)]
        times = 1 if self.lasting == "once" else _FOR_EVER
        return FAULTS[self.fault](wanted.verb, wanted.path, nth=same.index(wanted) + 1, times=times)


ALL = tuple(itertools.product(KINDS, POSITIONS, LASTING))
_QUICK = (
    ("backup", "first", "once"),
    ("version-check", "last", "for ever"),
    ("cleanup-pods", "change", "once"),
    ("backup", "last", "for ever"),
    ("cleanup-pods", "last", "once"),
    ("version-check", "first", "once"),
    ("cleanup-pods", "change", "once"),
    ("cleanup-pods", "change", "for ever"),
)
"""None of these waits for the state, which has half a minute for each of its requests."""
_calm: dict[str, Seen] = {}


async def calm(kind: str, folder: Path) -> Seen:
    """What a run of the kind does when nothing goes wrong."""
    if kind not in _calm:
        (folder / "calm").mkdir()
        _calm[kind] = await run_once(kind, folder / "calm")
    return _calm[kind]


async def strike(case: Case, folder: Path) -> tuple[Seen, list[str]]:
    """Run the case; what it showed, and what of that is against the promise."""
    quiet = await calm(case.kind, folder)
    seen = await run_once(case.kind, folder, lambda _: [case.armed(quiet)])
    wrong = (*_once(quiet, seen), *_honest(case, quiet, seen), *_survived(case, quiet, seen))
    return seen, [f"{case}: {said}" for said in wrong]


def _once(quiet: Seen, seen: Seen) -> list[str]:
    """Nothing doubled."""
    found = [f"uid {uid} was deleted twice" for uid in seen.deleted_twice]
    if seen.records != (seen.run.run_id,):
        found.append(f"it left {len(seen.records)} records")
    if seen.events > quiet.events:
        found.append(f"it announced itself {seen.events} times")
    return found


def _honest(case: Case, quiet: Seen, seen: Seen) -> list[str]:
    """Nothing lost, and nothing called what it is not."""
    run, found = seen.run, []
    if run.status not in _FAILED | {quiet.run.status}:
        found.append(f"it ended {run.status}, which no fault of a server explains: {run.summary}")
    spared = {change.object.name for change in run.changes if change.result == "kept"}
    conflict = case.fault == "409" and quiet.gone_names - seen.gone_names <= spared  # an answer: it has changed
    if run.status.good and seen.effects != quiet.effects and not conflict:
        found.append(f"it is called {run.status}, and did not do what it does: {run.summary}")
    told = {change.object.uid for change in run.changes if change.result in ("done", "gone", "failed")}
    found += [f"pod {uid} is gone, and the record does not name it" for uid in seen.gone - told]
    done = {change.object.uid for change in run.changes if change.result == "done" and change.object.resource == "pods"}
    return found + [f"pod {uid} is said to be deleted, and is there" for uid in done - seen.gone]


def _survived(case: Case, quiet: Seen, seen: Seen) -> list[str]:
    """What passes is no reason to fail, nor to forget the run."""
    found = []
    on_state = _STATE in case.struck(quiet).path
    passed = case.lasting == "once" and case.fault in PASSING - _SLOW
    if passed and not seen.run.status.good:
        found.append(f"it ended {seen.run.status} for a fault that passed: {seen.run.summary}")
    if (passed or not on_state) and seen.remembered != (seen.run.run_id,):
        found.append(f"the state knows of {len(seen.remembered)} runs")
    return found


@dataclass(frozen=True, slots=True)
class ApiFault:
    """One row: one fault, met by one kind after the other."""

    fault: str
    promise: str = "A1"
    unit: str = "s a run"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Seeds walk through the matrix, each row from another place."""
        cases, row = _QUICK if quick else ALL, list(FAULTS).index(self.fault)
        kind, position, lasting = cases[(seed + row) % len(cases)]
        return Plan(seed, (Step(0, self.fault, f"{kind}/{position}/{lasting}"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Run the case."""
        violations, longest = [], 0.0
        for step in plan.steps:
            seen, wrong = await strike(Case(step.fault, *step.target.split("/")), folder)
            violations += wrong
            longest = max(longest, seen.run.seconds)
        return Report(tuple(violations), longest)


SCENARIOS = tuple(map(ApiFault, FAULTS))
