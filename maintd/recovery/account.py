"""What a restore comes to: each object's result, what somebody must know, and the status that follows."""

from collections.abc import Iterable, Sequence

from maintd.core.outcome import Change, Considered, Finding, Outcome, Status
from maintd.core.text import counted
from maintd.recovery.plan import Action, Plan
from maintd.recovery.restore import Prepared

_WORDS = (("create", "created"), ("update", "brought back"))


def outcome(
    prepared: Prepared, made: Sequence[Change], *, dry_run: bool = False, artifacts: Sequence[str] = ()
) -> Outcome:
    """Of a restore that ended; `made` is what its steps came to."""
    plan = prepared.plan
    planned = [step.ended("planned", _once(step.unchecked)) for step in plan.steps if step.writes] if dry_run else []
    stuck = [step.ended("failed", step.why) for step in plan.of(Action.CANNOT)]
    kept = [step.ended("kept", step.why) for step in plan.of(Action.SKIP)]
    changes = (*made, *planned, *stuck, *kept)
    found = Outcome(
        _summary(prepared, changes),
        changes=changes,
        considered=tuple(_unchanged(plan)),
        findings=(*prepared.findings, *_made_otherwise(made)),
        metrics=_figures(changes, plan),
        artifacts=tuple(artifacts),
    )
    if prepared.unread and found.judged() is not Status.FAILED:
        return found.model_copy(update={"status": Status.PARTIAL})
    return found


def _once(unchecked: str) -> str:
    return f"unchecked until there is {unchecked}" if unchecked else ""


def _unchanged(plan: Plan) -> Iterable[Considered]:
    for step in plan.of(Action.UNCHANGED):
        yield Considered(object=step.object, decision="keep", rule="it is as the backup has it")


def _made_otherwise(made: Iterable[Change]) -> list[Finding]:
    return [
        Finding(
            subject=str(change.object),
            message=f"it was restored, and {change.reason}",
            remedy="an admission webhook, or a newer version of the server, changed it on its way in",
        )
        for change in made
        if change.result == "done" and change.reason
    ]


def _figures(changes: Iterable[Change], plan: Plan) -> dict[str, float]:
    figures: dict[str, float] = {"objects": len(plan.steps), "unchanged": sum(1 for _ in plan.of(Action.UNCHANGED))}
    for change in changes:
        name = change.verb if change.result == "done" else change.result
        figures[name] = figures.get(name, 0) + 1
    return figures


def _summary(prepared: Prepared, changes: Sequence[Change]) -> str:
    """`backup 2026…: 30 created, 4 brought back, 2 unchanged, 1 failed`."""
    words = []
    for verb, said in _WORDS:
        words += _count((c for c in changes if c.result == "done" and c.verb == verb), said)
        words += _count((c for c in changes if c.result == "planned" and c.verb == verb), f"to be {said}")
    same = prepared.plan.counts().get(Action.UNCHANGED, 0)
    words += [f"{same:,} unchanged"] if same else []
    words += _count((c for c in changes if c.result == "kept"), "skipped")
    words += _count((c for c in changes if c.result == "failed"), "failed")
    nothing = not any(c.result in ("done", "planned", "failed") for c in changes)
    lead = "nothing to do: " if nothing else ""
    said = ", ".join(words) or counted(0, "object")
    return f"{lead}{said} of backup {prepared.manifest.id}"


def _count(changes: Iterable[Change], said: str) -> list[str]:
    number = sum(1 for _ in changes)
    return [f"{number:,} {said}"] if number else []
