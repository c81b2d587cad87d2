"""How the plan of a restore looks before somebody says yes to it."""

from collections.abc import Container, Iterable, Iterator
from itertools import groupby

from maintd.cli.diff_text import text
from maintd.cli.tables import age, coloured, now, took
from maintd.core.outcome import Finding, Run
from maintd.core.text import counted
from maintd.recovery.comparison import Compared, Comparison, State, veiled
from maintd.recovery.plan import Action, Step
from maintd.recovery.restore import Prepared

_MOST_NAMES = 8
_MARKS = {"error": "error", "warning": "attention", "info": "note"}


def head(prepared: Prepared, server: str) -> Iterator[str]:
    """What is restored, to where."""
    manifest = prepared.manifest
    yield f"backup {manifest.id} of {manifest.cluster}, {age(manifest.started, now())}, into {server}"
    if not manifest.complete:
        yield f"ATTENTION: this backup is not whole: {counted(len(manifest.not_whole), 'list')} could not be read"


def other_cluster(prepared: Prepared) -> str:
    """Empty where the backup is of the cluster that it is restored into."""
    if not prepared.other_cluster:
        return ""
    name = prepared.manifest.cluster
    return f"ATTENTION: this is another cluster than the one that was backed up as {name} (kube-system's uid differs)"


def plan(prepared: Prepared, *, colour: bool) -> Iterator[str]:
    """What would be done: names for what is created, fields for what is overwritten, reasons for the rest."""
    steps = prepared.plan.steps
    yield from _named("create", (step for step in steps if step.action is Action.CREATE))
    for action, lead in ((Action.UPDATE, "update"), (Action.SKIP, "skip")):
        different = [step for step in steps if step.action is action]
        if different:
            yield f"{lead} ({len(different):,}): - is the backup, + is the cluster now"
            yield from text(Comparison(tuple(map(_compared, different))), colour=colour)
    for step in steps:
        if step.action is Action.CANNOT:
            yield f"cannot {step.object}: {step.why}"
    for finding in prepared.findings:
        yield from _finding(finding)


def summary(prepared: Prepared) -> str:
    """`plan: 30 to create, 4 to update, 2 unchanged`."""
    words = {Action.CREATE: "to create", Action.UPDATE: "to update", Action.SKIP: "skipped"}
    counts = prepared.plan.counts()
    said = [f"{number:,} {words.get(action, action)}" for action, number in counts.items()]
    kept = "; --existing update brings back what is skipped" if Action.SKIP in counts else ""
    return f"plan: {', '.join(said)}{kept}"


def results(run: Run, shown: Container[Finding], kept: str, record: str) -> Iterator[str]:
    """What came of it: what failed by name, of the rest how many, and what was not said with the plan."""
    yield f"restore: {coloured(run.status)} after {took(run.seconds)}"
    yield run.summary
    if run.mode == "dry-run":
        yield "nothing was changed: this was a dry run"
        return
    for change in run.changes:
        if change.result == "failed":
            yield f"failed {change.object}: {change.reason}"
    for finding in run.findings:
        if finding not in shown:
            yield from _finding(finding)
    if kept:
        yield f"undo      maintd restore --from {kept} --existing update"
    if record:
        yield f"record    {record}"


def _named(lead: str, steps: Iterable[Step]) -> Iterator[str]:
    for (namespace, kind, unchecked), some in groupby(
        steps, key=lambda step: (step.namespace, step.resource.name, step.unchecked)
    ):
        names = [step.name for step in some]
        more = f" and {len(names) - _MOST_NAMES:,} more" if len(names) > _MOST_NAMES else ""
        where = f" in {namespace}" if namespace else ""
        until = f" (unchecked until there is {unchecked})" if unchecked else ""
        yield f"{lead} {kind}{where}: {', '.join(names[:_MOST_NAMES])}{more}{until}"


def _compared(step: Step) -> Compared:
    found = veiled(step.resource, step.differences)
    return Compared(step.resource, step.namespace, step.name, State.CHANGED, found)


def _finding(finding: Finding) -> Iterator[str]:
    yield f"{_MARKS[finding.severity]}: {finding.subject}: {finding.message}"
    if finding.remedy:
        yield f"  {finding.remedy}"
