"""D4: absence is no evidence: lists that are empty, cut short, failed, stale or a tenth of what they were.

Nothing is deleted that would not have been on the whole list; and where a list proves nothing, nothing is called ok.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from maintd.core.outcome import Status
from maintd.core.resource import Json
from maintd.sandbox import faults
from maintd.sandbox.faults import Edit, Fault
from maintd.sandbox.reply import Reply
from maintd.sandbox.server import Sandbox
from maintd.sandbox.world import NAMESPACE
from tests.faults.plan import Plan, Step
from tests.faults.scenario import Report
from tests.faults.scenarios.api_faults import calm
from tests.faults.scenarios.single_run import Seen, run_once

_FOR_EVER = 1_000_000
_CONFIG_MAPS = 40
LISTS = {
    "cleanup-pods": ("pods", "jobs"),
    "backup": ("configmaps", "services"),
    "version-check": ("nodes",),
}


def _items(change: Callable[[list[Json]], list[Json]], **metadata: str) -> Edit:
    def edit(reply: Reply) -> Reply:
        found = json.loads(reply.body)
        changed = {"items": change(found.get("items") or []), "metadata": found["metadata"] | metadata}
        return reply.with_body(json.dumps(found | changed).encode())

    return edit


def _gone_by(sandbox: Sandbox, path: str) -> Iterable[Fault]:
    """A list of before: since then every pod that had failed was made anew, and runs."""
    if path != "*/pods":
        return []
    old = sandbox.select("v1", "Pod", NAMESPACE)
    for pod in old:
        if pod["status"]["phase"] in ("Failed", "Succeeded"):
            metadata = {key: pod["metadata"][key] for key in ("name", "namespace", "labels") if key in pod["metadata"]}
            sandbox.remove("v1", "Pod", metadata["name"], NAMESPACE)
            sandbox.put(pod | {"metadata": metadata, "status": {"phase": "Running"}})
    return [Fault("list", path, times=_FOR_EVER, edit=_items(lambda _: old))]


def _always(**fault: object) -> Callable[[Sandbox, str], Iterable[Fault]]:
    return lambda _, path: [Fault("list", path, times=_FOR_EVER, **fault)]  # type: ignore[arg-type]


ABSENCES: Mapping[str, Callable[[Sandbox, str], Iterable[Fault]]] = {
    "empty": _always(edit=_items(lambda _: [])),
    "null": _always(edit=faults.null_items),
    "failed": _always(answer=faults.unavailable(500)),
    "cut short": _always(edit=_items(lambda items: items[: len(items) // 2], **{"continue": "lost"})),
    "a tenth": _always(edit=_items(lambda items: items[: len(items) // 10])),
    "stale": _gone_by,
}
_CASES = tuple((kind, plural) for kind, plurals in LISTS.items() for plural in plurals)
_PROVE_NOTHING = frozenset({"null", "failed", "cut short"})


def _furnished(sandbox: Sandbox) -> None:
    """Enough of one kind that its absence shows."""
    for number in range(_CONFIG_MAPS):
        metadata = {"name": f"c{number:02}", "namespace": NAMESPACE}
        sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}})


async def absent(absence: str, kind: str, plural: str, folder: Path) -> tuple[Seen, list[str]]:
    """Run the kind on such a list; what it showed, and what of that is against the promise."""
    quiet = await calm(kind, folder)

    def arm(sandbox: Sandbox) -> Iterable[Fault]:
        return ABSENCES[absence](sandbox, f"*/{plural}")

    seen = await run_once(kind, folder, arm, furnish=_furnished)
    where = f"{plural} {absence}, {kind}"
    found = [f"{where}: {name} was deleted" for name in seen.gone_names - _may_go(absence, plural, quiet)]
    if seen.run.status is Status.CRASHED or (seen.run.status is Status.OK and _must_tell(absence, kind, plural)):
        found.append(f"{where}: it is called {seen.run.status}: {seen.run.summary}")
    return seen, found


def _may_go(absence: str, plural: str, quiet: Seen) -> frozenset[str]:
    nothing = absence in _PROVE_NOTHING or (plural, absence) in (("pods", "empty"), ("pods", "stale"))
    return frozenset() if nothing else quiet.gone_names


def _must_tell(absence: str, kind: str, plural: str) -> bool:
    """A short list of pods or of Jobs is as good as a whole one for what is on it; a short backup is not."""
    if absence in ("a tenth", "empty"):
        return (kind, plural) in (("backup", "configmaps"), ("version-check", "nodes"), ("cleanup-pods", "pods")) and (
            absence == "empty" or kind == "backup"
        )
    return absence in _PROVE_NOTHING


@dataclass(frozen=True, slots=True)
class Absence:
    """One row: one such list, for every kind that draws conclusions from one."""

    absence: str
    promise: str = "D4"
    unit: str = "s a run"

    @property
    def fault(self) -> str:
        return f"lists: {self.absence}"

    def plan(self, seed: int, *, quick: bool) -> Plan:
        """Seeds walk through the lists, each row from another place."""
        start = seed + list(ABSENCES).index(self.absence)
        chosen = (_CASES[(start + number) % len(_CASES)] for number in range(2))
        return Plan(seed, tuple(Step(0, self.absence, "/".join(case)) for case in chosen))

    async def play(self, plan: Plan, folder: Path) -> Report:
        """Run each kind of the plan."""
        violations, longest = [], 0.0
        for number, step in zip(itertools.count(), plan.steps, strict=False):
            (folder / str(number)).mkdir()
            seen, wrong = await absent(step.fault, *step.target.split("/"), folder / str(number))
            violations += wrong
            longest = max(longest, seen.run.seconds)
        return Report(tuple(violations), longest)


SCENARIOS = tuple(map(Absence, ABSENCES))
