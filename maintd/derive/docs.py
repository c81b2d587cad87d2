"""Each kind's page in docs/kinds/, written from the kind itself."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from maintd.config.heartbeat import Heartbeat
from maintd.config.jobs import NOT_YET, Defaults, Entry, File, Retention, Retry
from maintd.core.kind import Kind
from maintd.core.limits import Limits
from maintd.core.rules import Rule
from maintd.core.target import GkeCluster, Target
from maintd.core.units import format_duration

LEVELS = {
    0: "observe: changes nothing in the cluster",
    1: "basic repair",
    2: "scaling and configuration",
    3: "cluster and infrastructure",
}
_SOME_TARGET = Target(
    namespace="omtx-hub", deployment="omtx-hub-backend", url="http://omtx-hub-backend-service.omtx-hub.svc"
)


Also = Callable[[Iterable[Rule]], Iterable[Rule]]
"""The rights that the gate needs for a kind that itself needs these."""


def kind_page(kind: Kind, also: Also = lambda _: ()) -> str:
    """The manual of one kind in Markdown: what it does, its parameters, its limits, the rights it needs."""
    return "\n".join(_page(kind, also)).rstrip() + "\n"


def index_page(kinds: dict[str, Kind]) -> str:
    """The list of all kinds."""
    rows = [f"| [{kind.name}]({kind.name}.md) | {kind.level} | {first_line(kind)} |" for kind in kinds.values()]
    head = ["# Kinds of jobs", "", "| kind | level | what it does |", "| --- | --- | --- |"]
    levels = [f"- {number}: {meaning}" for number, meaning in LEVELS.items()]
    return "\n".join([*head, *rows, "", "Levels:", "", *levels]) + "\n"


def first_line(kind: Kind) -> str:
    """The first sentence of the manual."""
    return kind.manual.partition("\n")[0]


def jobs_file_page() -> str:
    """docs/jobs-file.md: every key of jobs.yaml."""
    lines = [_JOBS_FILE_HEAD]
    for title, text, model in _JOBS_FILE_PARTS:
        lines += [f"## {title}", "", *([text, ""] if text else []), *_fields(model.model_fields), ""]
    later = ", ".join(f"`{key}`" for key in sorted(NOT_YET))
    return "\n".join([*lines, "## Not supported yet", "", f"Refused by name, never ignored: {later}."]) + "\n"


_JOBS_FILE_PARTS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("The file", "", File),
    ("targets", "What jobs work on, by a name of your own.", Target),
    ("targets.NAME.gke", "For kinds that ask Google about the cluster.", GkeCluster),
    ("defaults", "What every job has that does not say otherwise itself.", Defaults),
    (
        "retention",
        "Older ones are deleted from the store once a day, backups never; see [store.md](store.md).",
        Retention,
    ),
    (
        "heartbeat",
        "A dead man's switch, sent only while all duties are done; see [observing.md](observing.md#heartbeat).",
        Heartbeat,
    ),
    ("jobs", "One entry a job. `name`, `kind` and one of `schedule`, `every`, `manual` are required.", Entry),
    ("jobs[].retry", "", Retry),
    (
        "jobs[].limits",
        "For kinds that change things, kept by the gate. A job changes those of its kind's defaults that it names.",
        Limits,
    ),
)

_JOBS_FILE_HEAD = """# jobs.yaml

Every key there is. Unknown keys are refused with their place and the nearest spelling; `maintd validate` shows every
mistake at once. The file is YAML 1.2 without anchors, aliases or tags, at most 256 KiB. An edited file is taken within
5 seconds; a bad one changes nothing. When jobs are due is told in [schedules.md](schedules.md).
"""


def _page(kind: Kind, also: Also) -> Iterator[str]:
    yield f"# {kind.name}"
    yield ""
    yield f"Level {kind.level} ({LEVELS[kind.level]})."
    yield f"A run takes at most {format_duration(kind.timeout)}, unless `timeout` says otherwise."
    yield ""
    yield kind.manual
    yield ""
    yield "## Parameters"
    yield ""
    yield from _fields(kind.params.model_fields)
    for path, model in _nested(kind.params):
        yield from ("", f"### {path}", "")
        yield from _fields(model.model_fields)
    if kind.acts:
        yield ""
        yield "## Limits"
        yield ""
        yield "Kept by the gate; a job's `limits:` changes only the keys it names."
        yield ""
        yield from _fields(Limits.model_fields, kind.limits)
    yield ""
    yield "## Rights"
    yield ""
    yield from _rights(kind, also)


def _nested(model: type[BaseModel], path: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """The models inside a model, with the path that leads to them: `checks[]`, `checks[].expect`."""
    for name, info in model.model_fields.items():
        for inner, many in _models(info.annotation):
            found = f"{path}{name}{'[]' if many else ''}"
            yield found, inner
            yield from _nested(inner, f"{found}.")


def _models(annotation: Any, *, many: bool = False) -> Iterator[tuple[type[BaseModel], bool]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, many
    for argument in get_args(annotation):
        yield from _models(argument, many=many or get_origin(annotation) in (list, tuple))


def _fields(fields: dict[str, FieldInfo], values: Any = None) -> Iterator[str]:
    if not fields:
        yield "It has none."
        return
    yield "| key | default | meaning |"
    yield "| --- | --- | --- |"
    for name, info in fields.items():
        default = getattr(values, name) if values is not None else info.get_default(call_default_factory=True)
        meaning = (info.description or "").replace("|", "\\|").replace("\n", " ")
        yield f"| `{info.alias or name}` | {_default(default)} | {meaning} |"


def _default(value: Any) -> str:
    if value is PydanticUndefined:
        return "required"
    if value is None or value in ((), {}, ""):
        return "none"
    if isinstance(value, BaseModel):
        return "see below"
    if isinstance(value, timedelta):
        return f"`{format_duration(value)}`"
    if isinstance(value, (tuple, list, frozenset)):
        return "`[" + ", ".join(sorted(map(str, value))) + "]`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _rights(kind: Kind, also: Also) -> Iterator[str]:
    rules = example_rules(kind)
    if not rules:
        yield "None: it does not ask the API server."
        return
    yield f"For the parameters' defaults and a target in namespace `{_SOME_TARGET.namespace}`:"
    yield ""
    yield from (f"- {rule}" for rule in rules)
    if kind.acts:
        yield ""
        yield "And for the gate, which writes evidence before a change and says in an Event what was changed:"
        yield ""
        yield from (f"- {rule}" for rule in also(rules))


def example_rules(kind: Kind) -> tuple[Rule, ...]:
    """The rights of a job that leaves every parameter at its default, on a target that has everything."""
    if not callable(kind.needs):
        return kind.needs
    return kind.rules(kind.params.model_construct(**_defaults(kind)), _SOME_TARGET)


def _defaults(kind: Kind) -> dict[str, Any]:
    fields = kind.params.model_fields.items()
    return {name: info.get_default(call_default_factory=True) for name, info in fields if not info.is_required()}
