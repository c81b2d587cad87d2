"""How a run's record looks to a person."""

from collections.abc import Iterator

import click

from maintd.cli.tables import coloured, table, took, utc
from maintd.core.outcome import Change, Considered, Run

_MARKS = {"error": "error", "warning": "attention", "info": "note"}
_LEFT_ALONE = {"keep": "kept"}
"""To whoever reads what became of an object it is all one whether the kind or a rail let it be: the rule says it."""


def run_text(run: Run, url: str = "") -> str:
    """What happened, to what, by which rule, and where the record lies."""
    return "\n".join(_lines(run, url))


def _lines(run: Run, url: str) -> Iterator[str]:
    mode = "" if run.mode == "run" else f", {run.mode}"
    yield f"{run.job} ({run.kind}{mode}): {coloured(run.status)} after {took(run.seconds)}"
    yield run.summary
    if run.traceback:
        yield ""
        yield run.traceback.rstrip()
    for finding in run.findings:
        yield ""
        yield f"{_MARKS[finding.severity]}: {finding.subject}: {finding.message}"
        if finding.remedy:
            yield f"  {finding.remedy}"
    if run.considered or run.changes:
        yield ""
        yield table(("OBJECT", "RESULT", "RULE"), decisions(run))
    facts = list(_facts(run, url))
    if facts:
        yield ""
        yield from facts


def decisions(run: Run) -> list[tuple[str, str, str]]:
    """One row a candidate: what became of it, and the rule or the reason."""
    changes = {change.object: change for change in run.changes}
    judged = {item.object for item in run.considered}
    rows = [_decided(item, changes.get(item.object)) for item in run.considered]
    rows += [(str(c.object), _result(c), c.reason) for c in run.changes if c.object not in judged]
    return rows


def _decided(item: Considered, change: Change | None) -> tuple[str, str, str]:
    if change is None:
        return str(item.object), _LEFT_ALONE.get(item.decision, item.decision), item.rule
    return str(item.object), _result(change), change.reason or item.rule


def _result(change: Change) -> str:
    words = {"done": f"{change.verb}d" if change.verb.endswith("e") else change.verb, "planned": f"would {change.verb}"}
    return words.get(change.result, change.result)


def _facts(run: Run, url: str) -> Iterator[str]:
    yield f"run       {run.run_id}"
    if run.due:
        yield f"due       {utc(run.due)}, started {run.late_seconds:.1f} s later"
    if run.waited_seconds >= 1:
        yield f"waited    {run.waited_seconds:.1f} s for its turn"
    if run.in_the_way:
        yield f"in the way   maintd runs {run.in_the_way}"
    for path in run.artifacts:
        yield f"wrote     {path}"
    if url:
        yield f"record    {url}"


def echo_run(run: Run, url: str = "") -> None:
    """Print it on stdout."""
    click.echo(run_text(run, url))
