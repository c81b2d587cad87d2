"""One entry under `jobs:`: what its keys say together, and the job that comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from itertools import islice

from maintd.config.jobs import Defaults, Entry, Job, Schedule, Schedules
from maintd.config.part import Hints, Part
from maintd.core.errors import ConfigError
from maintd.core.kind import Kind, Params
from maintd.core.limits import Limits, is_system_namespace
from maintd.core.target import Target
from maintd.core.text import did_you_mean
from maintd.core.units import format_duration

_WHEN = ("schedule", "every", "manual")
_COMPARED = 100
"""Targets among which the nearest name is looked for: a file may hold thousands, and comparing takes its time."""
_NO_TIME = timedelta(0)


@dataclass(slots=True)
class Scope:
    """What the entries of one file share, and what they may refer to."""

    kinds: Mapping[str, Kind]
    schedules: Schedules
    own_namespace: str
    defaults: Defaults
    targets: Mapping[str, Target | None]
    """None for a target with mistakes in it."""
    fallback: Target | None
    """The target of entries that name none; None where it has mistakes in it."""
    sha256: str
    names: dict[str, str] = field(default_factory=dict)
    """Job names met so far, and where."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the names in an entry stand for."""

    kind: Kind
    params: Params
    target: Target
    cron: Schedule | None


def read_job(part: Part, scope: Scope) -> Job | None:
    """The job of an entry; None where mistakes were noted."""
    kind = _kind(part, scope)
    entry = part.read(Entry, _hints(kind.params if kind else Params))
    if not part.is_mapping:
        return None
    _check_name(part, scope)
    _check_when(part)
    cron = _cron(part, scope)
    target = _target(part, scope)
    if kind is None:
        return None
    _check_acting(part, kind)
    params = _params(part, kind)
    if params is None or target is None:
        return None
    found = _Found(kind, params, target, cron)
    _check_together(part, found, scope)
    return _job(entry, found, scope) if entry else None


def _kind(part: Part, scope: Scope) -> Kind | None:
    name = part["kind"].text()
    if name is not None and name not in scope.kinds:
        near = did_you_mean(name[:80], scope.kinds).removeprefix("; ")
        part["kind"].wrong(f"there is no kind {name[:80]!r}", near or "maintd kinds lists them")
    try:
        return scope.kinds.get(name or "")
    except ConfigError as error:  # a third party's, which cannot be imported
        part["kind"].wrong_about(error)
        return None


@cache
def _hints(params: type[Params]) -> Hints:
    """Parameters of the kind that stand beside `params` instead of in it, and limits beside `limits`."""
    hints = dict.fromkeys(params.model_fields, "unknown key; write it under params")
    return hints | dict.fromkeys(Limits.model_fields, "unknown key; write it under limits")


def _check_name(part: Part, scope: Scope) -> None:
    name = part["name"].text()
    if name is None:
        return
    if name in scope.names:
        part["name"].wrong(f"{scope.names[name]} has this name already", "give each job a name of its own")
    scope.names.setdefault(name, part.path)


def _check_when(part: Part) -> None:
    said = [key for key in part.keys if key in _WHEN]
    if not said:
        part.missing("schedule", 'add schedule: "17 3 * * sun", every: 5m, or manual: true')
    for key in said[1:]:
        part.wrong_key(key, f"the job has {said[0]} already", "keep one of the two")
    if said == ["manual"]:
        for key in ("jitter", "start_deadline", "on_missed"):
            if key in part:
                part.wrong_key(key, "means nothing for a manual job", "remove it")


def _cron(part: Part, scope: Scope) -> Schedule | None:
    zone = _timezone(part, scope)
    expression = part["schedule"].text()
    if expression is None:
        return None
    try:
        return scope.schedules.cron(expression, zone)
    except ValueError as error:
        part["schedule"].wrong_about(error)
        return None


def _timezone(part: Part, scope: Scope) -> str:
    name = part["timezone"].text()
    return name if name is not None and is_timezone(part["timezone"], scope.schedules) else scope.defaults.timezone


def is_timezone(part: Part, schedules: Schedules) -> bool:
    """Whether a text names a time zone; where not, that is noted."""
    try:
        schedules.check_timezone(part.text() or "")
    except ValueError as error:
        part.wrong_about(error)
        return False
    return True


def _target(part: Part, scope: Scope) -> Target | None:
    if "target" in part:
        return find_target(part["target"], scope.targets)
    return scope.fallback


def find_target(part: Part, targets: Mapping[str, Target | None]) -> Target | None:
    """The target that a value names; None where there is none, which is noted, or where it has mistakes in it."""
    name = part.text()
    if name is not None and name not in targets:
        near = did_you_mean(name[:80], islice(targets, _COMPARED)).removeprefix("; ")
        part.wrong(f"there is no target {name[:80]!r}", near or "add it under targets")
    return targets.get(name or "")


def _params(part: Part, kind: Kind) -> Params | None:
    try:
        return part.mapping("params").read(kind.params)
    except Exception as error:  # noqa: BLE001 - a kind that cannot judge a value must not end the daemon
        _blame(part, kind, error)
        return None


def _check_acting(part: Part, kind: Kind) -> None:
    for key, known in (("mode", kind.has_mode), ("limits", kind.acts)):
        if key in part and not known:
            part.wrong_key(key, f"{kind.name} changes nothing in the cluster and has no {key}", "remove it")


def _check_together(part: Part, found: _Found, scope: Scope) -> None:
    kind, namespace = found.kind, found.target.namespace
    if kind.acts and namespace and (is_system_namespace(namespace) or namespace == scope.own_namespace):
        place = part["target" if "target" in part else "kind"]
        place.wrong(f"{kind.name} changes things, and maintd changes nothing in {namespace}", "name another target")
        return
    try:
        problem = kind.check(found.params, found.target) if kind.check else None
    except Exception as error:  # noqa: BLE001 - as above
        _blame(part, kind, error)
        return
    if problem:
        message, _, remedy = problem.partition("; ")
        part["params" if "params" in part else "kind"].wrong(message, remedy)


def _blame(part: Part, kind: Kind, error: Exception) -> None:
    message = f"{kind.name} failed to judge this: {type(error).__name__}: {error}"
    part["params" if "params" in part else "kind"].wrong(message[:200], "that is a defect of the kind; report it")


def _job(entry: Entry, found: _Found, scope: Scope) -> Job:
    defaults, kind = scope.defaults, found.kind
    jitter = entry.jitter or defaults.jitter or _NO_TIME
    schedule = found.cron or (scope.schedules.every(entry.every, entry.name) if entry.every else None)
    return Job(
        name=entry.name,
        kind=kind,
        params=found.params,
        target_name=entry.target or defaults.target or "",
        target=found.target,
        when=entry.schedule or (f"every {format_duration(entry.every)}" if entry.every else "manual"),
        timezone=entry.timezone or defaults.timezone,
        jitter=jitter,
        schedule=scope.schedules.jittered(schedule, jitter, entry.name) if schedule and jitter else schedule,
        start_deadline=entry.start_deadline or defaults.start_deadline,
        on_missed=entry.on_missed or ("run-once" if kind.protects else "skip"),
        timeout=entry.timeout or defaults.timeout or kind.timeout,
        overlap=entry.overlap or defaults.overlap,
        retry=entry.retry or defaults.retry,
        mode=(entry.mode or "dry-run") if kind.has_mode else "run",
        limits=_merged(kind.limits, entry.limits),
        enabled=entry.enabled,
        runbook=entry.runbook,
        file_sha256=scope.sha256,
    )


def _merged(limits: Limits, said: Limits | None) -> Limits:
    """The kind's own limits, with those that the job names in their place."""
    return limits.model_copy(update={key: getattr(said, key) for key in said.model_fields_set}) if said else limits
