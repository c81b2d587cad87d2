"""A3: whole lists only: a list that the server forgets at page k is started over once, and then fails by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from maintd.core.outcome import Status
from maintd.sandbox.faults import Fault
from maintd.sandbox.reply import Reply
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report
from tests.faults.scenarios.api_faults import calm
from tests.faults.scenarios.single_run import Seen, run_once

PAGES = 4
_PAGE = 500
_FOR_EVER = 1_000_000
_PODS = "*/pods"


def _pod(sandbox: Sandbox, name: str, status: object) -> None:
    metadata = {"name": name, "namespace": NAMESPACE}
    spec = {"containers": [{"name": "app", "image": "shop:1"}]}
    sandbox.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status})


def _crowd(sandbox: Sandbox) -> None:
    """So many pods that run that the list has PAGES pages."""
    for number in range(_PAGE * (PAGES - 1)):
        _pod(sandbox, f"a{number:04}", {"phase": "Running"})


def _forgotten(sandbox: Sandbox, page: int, times: int) -> Iterable[Fault]:
    def forget(reply: Reply) -> Reply:
        sandbox.forget_pages()
        return reply

    return [Fault("list", _PODS, nth=page, times=times, edit=forget)]


def _shrinking(sandbox: Sandbox, page: int) -> Iterable[Fault]:
    def shrink(reply: Reply) -> Reply:
        for number in range(0, 100, 2):
            sandbox.remove("v1", "Pod", f"a{number:04}", NAMESPACE)
        return reply

    return [Fault("list", _PODS, nth=page, edit=shrink)]


def _odd_one(sandbox: Sandbox, _: int) -> Iterable[Fault]:
    _pod(sandbox, "odd", {"phase": "Failed", "containerStatuses": "none"})
    return []


ARMS: Mapping[str, Callable[[Sandbox, int], Iterable[Fault]]] = {
    "forgotten once": lambda sandbox, page: _forgotten(sandbox, page, 1),
    "forgotten every time": lambda sandbox, page: _forgotten(sandbox, page, _FOR_EVER),
    "shrinking": _shrinking,
    "one object off-schema": _odd_one,
}


def _armed(what: str, page: int, sandbox: Sandbox) -> Iterable[Fault]:
    return ARMS[what](sandbox, page)


def _wrong(what: str, quiet: Seen, seen: Seen) -> Iterable[str]:
    run, listed = seen.run, seen.run.metrics.get("listed_pods", 0)
    if what == "forgotten every time":
        if seen.gone or run.status is not Status.FAILED or "twice" not in run.summary:
            yield f"{len(seen.gone)} pods deleted on half a list, {run.status}: {run.summary}"
        return
    if seen.gone_names - _leaving(what) != quiet.gone_names or run.status is not quiet.run.status:
        yield f"{sorted(seen.gone_names)[:9]} deleted, {run.status}: {run.summary}"
    if what == "forgotten once" and listed != quiet.run.metrics["listed_pods"] + _PAGE * (PAGES - 1):
        yield f"{listed:g} pods counted"
    if what == "one object off-schema" and "odd" not in {one.object.name for one in run.considered}:
        yield "the pod that cannot be read is not named"


def _leaving(what: str) -> frozenset[str]:
    return frozenset(f"a{number:04}" for number in range(0, 100, 2)) if what == "shrinking" else frozenset()


@dataclass(frozen=True, slots=True)
class Pages:
    """One row: one way for a list to go wrong, at page k."""

    what: str
    promise: str = "A3"
    unit: str = "s a run"

    @property
    def fault(self) -> str:
        return f"list of {PAGES} pages: {self.what}"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """The last page is followed by nothing that could be forgotten."""
        return Plan(seed, (Step(0, self.what, f"page {1 + seed % (PAGES - 1)}"),))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Run cleanup-pods on it."""
        quiet = await calm("cleanup-pods", folder)
        violations, longest = list[str](), 0.0
        for step in plan.steps:
            arm = partial(_armed, step.fault, int(step.target.removeprefix("page ")))
            seen = await run_once("cleanup-pods", folder, arm, furnish=_crowd)
            violations += (f"{step}: {said}" for said in _wrong(step.fault, quiet, seen))
            longest = max(longest, seen.run.seconds)
        return Report(tuple(violations), longest)


SCENARIOS = tuple(map(Pages, ARMS))
