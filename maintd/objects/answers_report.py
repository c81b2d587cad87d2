"""From what an API server said to the objects of a backup to what a run says of it."""

from collections.abc import Iterator, Sequence

from maintd.core.outcome import Finding
from maintd.core.rehearsal import Answer, Answers
from maintd.core.text import counted

_MOST_ANSWERS = 50
_MOST_NAMED = 5


def summary(asked: Sequence[Answers]) -> str:
    """`; the API server would take 30, refuses 1, and cannot tell of 2`; nothing where none was asked."""
    if not asked:
        return ""
    taken, refused, unknown = (int(number) for number in figures(asked).values())
    said = f"; the API server would take {taken:,}"
    said += f", refuses {refused:,}" if refused else ""
    return said + (f", unchecked are {unknown:,}" if unknown else "")


def figures(asked: Sequence[Answers]) -> dict[str, float]:
    """For the record; none where no server was asked."""
    if not asked:
        return {}
    return {
        "taken_objects": sum(answers.taken for answers in asked),
        "refused_objects": sum(answers.refusals for answers in asked),
        "unchecked_objects": sum(answers.open_questions for answers in asked),
    }


def findings(backup_id: str, asked: Answers, path: str) -> Iterator[Finding]:
    """What a restore would not get done, then what nobody knows; `path`: where all of it is kept."""
    if asked.other_cluster:
        message = f"{asked.server} is another cluster than the one that was backed up, or that cannot be told"
        yield Finding(subject=backup_id, message=message)
    for answer in asked.refused[:_MOST_ANSWERS]:
        message = f"the API server would not take {_it(answer)}: {answer.why}"
        yield Finding(severity="error", subject=named(answer), message=message, remedy=_REMEDY)
    for answer in asked.unchecked[:_MOST_ANSWERS]:
        severity = "info" if answer.by_nature else "warning"
        yield Finding(severity=severity, subject=named(answer), message=f"unchecked: {answer.why}")
    left = len(asked.refused[_MOST_ANSWERS:]) + len(asked.unchecked[_MOST_ANSWERS:])
    if left:
        yield Finding(subject=backup_id, message=f"{counted(left, 'more answer')}", remedy=f"they are in {path}")


_REMEDY = "a restore would not bring it back as it was; docs/recovery.md says what to do about it"


def _it(answer: Answer) -> str:
    return "it" if answer.count == 1 else "them"


def named(answer: Answer) -> str:
    """The first few objects, and how many more."""
    names = ", ".join(answer.objects[:_MOST_NAMED])
    more = answer.count - min(len(answer.objects), _MOST_NAMED)
    return f"{names} and {more:,} more" if more > 0 else names
