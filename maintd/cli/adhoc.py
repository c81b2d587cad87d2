"""A job as it was typed: one of jobs.yaml with other parameters, or a kind that is no job at all."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from maintd.config.jobs import Job
from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs, Mistake

_PARAM = re.compile(r"jobs\[0\]\.params\.(.+)")


def with_params(job: Job, settings: Iterable[str], loader: Loader) -> Job:
    """The job with some `key=value` over its parameters, checked as jobs.yaml is."""
    given = dict(map(_split, settings))
    if not given:
        return job
    written = job.params.model_dump(mode="json", exclude_unset=True)
    kept = {key: json.dumps(value) for key, value in written.items() if key not in given}
    return replace(job, params=_parsed(job, kept, given, loader).params)


def of_kind(kind: str, target: Job | None, settings: Iterable[str], loader: Loader) -> Job:
    """A job of that kind that is in no file, on the target of `target`; it is not remembered."""
    base = Job(name=kind, kind=loader.kinds[kind], params=loader.kinds[kind].params.model_construct())
    if target is not None:
        base = replace(base, target=target.target, target_name=target.target_name)
    return replace(_parsed(base, {}, dict(map(_split, settings)), loader), remembers=False)


def _split(setting: str) -> tuple[str, str]:
    key, equals, value = setting.partition("=")
    if not equals or not key.isidentifier() or "\n" in value:
        raise click.UsageError(f"--set {setting!r}: write KEY=VALUE, with the value as in jobs.yaml: older_than=6h")
    return key, value


def _parsed(job: Job, kept: dict[str, str], given: dict[str, str], loader: Loader) -> Job:
    """Through the same door as jobs.yaml, so that the same mistakes get the same words."""
    params = kept | given
    target = json.dumps(job.target.model_dump(mode="json", exclude_none=True))
    lines = [
        "version: 1",
        f"targets: {{{job.target_name or 'here'}: {target}}}",
        f"jobs: \n- name: {job.name}\n  kind: {job.kind.name}\n  target: {job.target_name or 'here'}\n  manual: true",
        *(["  params:"] if params else []),
        *(f"    {key}: {value}" for key, value in params.items()),
    ]
    try:
        return loader.parse("\n".join(lines).encode(), Path("--set")).jobs[0]
    except BadJobs as error:
        together = " ".join(f"--set {key}" for key in given) or job.kind.name
        said = [f"{_blamed(mistake) or together}: {mistake.sentence}" for mistake in error.mistakes]
        raise click.UsageError("\n".join(said)) from error


def _blamed(mistake: Mistake) -> str:
    """Which --set a mistake is about; nothing where it is about what they come to together."""
    found = _PARAM.fullmatch(mistake.path)
    return f"--set {found[1]}" if found else ""
