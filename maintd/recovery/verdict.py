"""What an API server's answer to a dry run says of one object of a backup: taken, refused, or nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from maintd.cluster.denials import ESCALATION, NO_DRY_RUN
from maintd.cluster.forbidden import NotAdmitted
from maintd.cluster.replies import Rejected
from maintd.core.errors import Denied, JobError
from maintd.core.rehearsal import Answer
from maintd.objects.fields import mapping
from maintd.recovery.plan import Action, Step

_MOST_NAMED = 1000
_GRANTING = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_NOT_ASKED_OF_RIGHTS = "a dry run over what is there does not tell whether whoever restores may grant these rights"
_NOBODY_GUARDS = "no policy could keep writes of these kinds to dry runs, so the verifier has no right to write them"


class Taken(StrEnum):
    """What is known of it."""

    YES = "taken"
    NO = "refused"
    UNKNOWN = "unchecked"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one object, or of a file of `count` that could not be opened."""

    object: str
    taken: Taken
    why: str = ""
    by_nature: bool = False
    """As `Answer` has it."""
    count: int = 1


def not_asked(step: Step) -> Verdict | None:
    """Of a step that there is no use in asking about; None: ask."""
    if mapping(step.live or {}, "metadata").get("deletionTimestamp") is not None:
        return Verdict(str(step.object), Taken.UNKNOWN, "it is being deleted")
    if step.action is Action.CANNOT:
        return Verdict(str(step.object), Taken.UNKNOWN, step.why)
    if step.unchecked:
        return Verdict(str(step.object), Taken.UNKNOWN, f"there is no {step.unchecked}, without which nobody can tell")
    return None


def accepted(step: Step) -> Verdict:
    """Of a step that the server took in a dry run."""
    if step.resource.group == _GRANTING and step.action is Action.UPDATE and not step.differences:
        return Verdict(str(step.object), Taken.UNKNOWN, _NOT_ASKED_OF_RIGHTS, by_nature=True)
    return Verdict(str(step.object), Taken.YES)


def declined(step: Step, error: JobError) -> Verdict:
    """Of a step that the server did not take: because of the object, or because of who asks and when."""
    said = error.why if isinstance(error, Rejected | NotAdmitted) else ""
    if said in (ESCALATION, NO_DRY_RUN):
        return Verdict(str(step.object), Taken.UNKNOWN, said, by_nature=True)
    if isinstance(error, Rejected):
        fields = ", ".join(error.fields)
        return Verdict(str(step.object), Taken.NO, f"{fields}: {said}".removeprefix(": ") if said else str(error))
    if isinstance(error, NotAdmitted):
        return Verdict(str(step.object), Taken.NO, said or str(error))
    if isinstance(error, Denied) and step.resource.group == _ADMISSION:
        return Verdict(str(step.object), Taken.UNKNOWN, _NOBODY_GUARDS, by_nature=True)
    return Verdict(str(step.object), Taken.UNKNOWN, str(error))


def answers(verdicts: Iterable[Verdict], taken: Taken) -> tuple[Answer, ...]:
    """Those verdicts, the same words together, what concerns most objects first."""
    found: dict[tuple[str, bool], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.taken is taken:
            found.setdefault((verdict.why, verdict.by_nature), []).append(verdict)
    said = (
        Answer(
            why=why,
            by_nature=by_nature,
            count=sum(verdict.count for verdict in some),
            objects=tuple(verdict.object for verdict in some[:_MOST_NAMED]),
        )
        for (why, by_nature), some in found.items()
    )
    return tuple(sorted(said, key=lambda answer: (answer.by_nature, -answer.count, answer.why)))
