"""What a good file comes to."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from maintd.config.jobs import Job, JobsFile, Retry
from maintd.config.load import Loader
from maintd.config.mistakes import BadJobs
from maintd.core.errors import ConfigError
from maintd.core.limits import Limits
from maintd.core.target import Target

HERE = Path("jobs.yaml")
HEAD = """\
version: 1
targets:
  shop: {namespace: shop}
"""


def read(loader: Loader, text: str) -> JobsFile:
    return loader.parse(text.encode(), HERE)


def only_job(loader: Loader, text: str) -> Job:
    (job,) = read(loader, text).jobs
    return job


def test_a_job_that_says_little_has_every_default_filled_in(bare: Loader) -> None:
    sweep = bare.kinds["sweep-up"]

    job = only_job(bare, HEAD + "jobs: [{name: tidy, kind: sweep-up, target: shop, manual: true}]\n")

    assert job == Job(
        name="tidy",
        kind=sweep,
        params=sweep.params(),
        target_name="shop",
        target=Target(namespace="shop"),
        when="manual",
        timezone="Etc/UTC",
        jitter=timedelta(0),
        start_deadline=None,
        timeout=timedelta(minutes=9),
        overlap="skip",
        retry=Retry(attempts=1, backoff=timedelta(seconds=10)),
        mode="dry-run",
        limits=Limits(max_count=7, per_day=30),
        enabled=True,
        runbook="",
    )
    assert job.schedule is None


def test_a_job_overrides_the_defaults_of_the_file_and_these_those_of_the_kind(bare: Loader) -> None:
    file = read(
        bare,
        HEAD
        + """\
defaults: {target: shop, timezone: Asia/Tokyo, timeout: 2m, jitter: 5s, start_deadline: 1h, overlap: queue}
jobs:
  - {name: a, kind: sweep-up, schedule: "@daily"}
  - name: b
    kind: sweep-up
    every: 90s
    timezone: Europe/Paris
    timeout: 3m
    jitter: 7s
    start_deadline: 2h
    overlap: skip
    retry: {attempts: 3}
    mode: act
    limits: {max_count: 2}
""",
    )

    said = [
        (job.timezone, job.timeout, job.jitter, job.start_deadline, job.overlap, job.retry.attempts, job.mode, job.when)
        for job in file.jobs
    ]
    minute, hour = timedelta(minutes=1), timedelta(hours=1)
    assert said == [
        ("Asia/Tokyo", 2 * minute, timedelta(seconds=5), hour, "queue", 1, "dry-run", "@daily"),
        ("Europe/Paris", 3 * minute, timedelta(seconds=7), 2 * hour, "skip", 3, "act", "every 1m30s"),
    ]


def test_limits_that_a_job_does_not_name_stay_the_kinds_own(bare: Loader) -> None:
    text = HEAD + "jobs: [{name: a, kind: sweep-up, target: shop, every: 1h, limits: {max_count: 2, min_age: 1h}}]\n"

    assert only_job(bare, text).limits == Limits(max_count=2, per_day=30, min_age=timedelta(hours=1))


def test_an_observer_has_no_mode_of_its_own(bare: Loader) -> None:
    assert only_job(bare, "version: 1\njobs: [{name: a, kind: look-around, every: 1h}]\n").mode == "run"


def test_a_schedule_is_in_the_zone_of_its_job_and_jitter_moves_it_by_a_fixed_part(bare: Loader) -> None:
    text = 'version: 1\njobs: [{name: a, kind: look-around, schedule: "0 12 * * *", timezone: Asia/Tokyo%s}]\n'
    noon_before = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)

    plain, moved = (only_job(bare, text % jitter).schedule for jitter in ("", ", jitter: 10m"))

    assert plain is not None
    assert moved is not None
    assert plain.after(noon_before) == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    late = moved.after(noon_before + timedelta(minutes=10))
    assert late is not None
    assert timedelta(0) < late - datetime(2026, 3, 2, 3, 0, tzinfo=UTC) < timedelta(minutes=10)


def test_words_that_yaml_1_1_reads_as_something_else_are_text(bare: Loader) -> None:
    words = "a: 22:30, b: on, c: no, d: 0777, e: 1_000, f: 2026-11-22, g: .inf, h: 12e4567, i: y, j: 0b1, k: 190:20:30"
    text = f"version: 1\njobs: [{{name: a, kind: look-around, manual: true, params: {{words: {{{words}}}}}}}]\n"

    found = only_job(bare, text).params.model_dump()["words"]

    assert found == dict(pair.split(": ") for pair in words.split(", "))


def test_numbers_and_booleans_are_those_of_yaml_1_2(bare: Loader) -> None:
    words = "a: 10, b: -3, c: 0x1F, d: 0o17, e: 1.5, f: 2e3, g: true, h: False, i: '5', j: \"true\", k: .5, l: +7"
    text = f"version: 1\njobs: [{{name: a, kind: look-around, manual: true, params: {{words: {{{words}}}}}}}]\n"

    found = only_job(bare, text).params.model_dump()["words"]

    expected = [10, -3, 31, 15, 1.5, 2000.0, True, False, "5", "true", 0.5, 7]
    assert list(found.values()) == expected
    assert [type(value) for value in found.values()] == [type(value) for value in expected]


def test_a_file_that_is_only_laid_out_anew_has_equal_jobs(bare: Loader) -> None:
    flow = HEAD + 'jobs: [{name: a, kind: sweep-up, target: shop, timeout: 60s, schedule: "0 1 * * *"}]\n'
    block = (
        "# moved\n"
        + HEAD
        + "jobs:\n- kind: sweep-up\n  name: a\n  timeout: 1m\n  schedule: '0 1 * * *'\n  target: shop\n"
    )

    first, second = read(bare, flow), read(bare, block)

    assert first.jobs == second.jobs
    assert first.sha256 != second.sha256


@pytest.mark.parametrize(
    "changed",
    [
        {"schedule: '0 1 * * *'": "schedule: '0 2 * * *'"},
        {"schedule: '0 1 * * *'": "schedule: '0 1 * * *', timezone: Asia/Tokyo"},
        {"schedule: '0 1 * * *'": "every: 1h"},
        {"namespace: shop": "namespace: shop2"},
        {"kind: sweep-up": "kind: look-around"},
        {"timeout: 60s": "timeout: 61s"},
        {"timeout: 60s": "timeout: 60s, params: {strict: true}"},
        {"timeout: 60s": "timeout: 60s, runbook: x"},
        {"timeout: 60s": "timeout: 60s, enabled: false"},
        {"timeout: 60s": "timeout: 60s, jitter: 1s"},
    ],
    ids=str,
)
def test_a_job_that_would_run_otherwise_is_another_job(bare: Loader, changed: dict[str, str]) -> None:
    text = HEAD + "jobs: [{name: a, kind: sweep-up, target: shop, timeout: 60s, schedule: '0 1 * * *'}]\n"
    ((old, new),) = changed.items()
    assert old in text

    assert only_job(bare, text) != only_job(bare, text.replace(old, new))


def test_the_record_of_a_run_can_say_what_the_job_was(bare: Loader) -> None:
    text = HEAD + (
        "jobs: [{name: a, kind: sweep-up, target: shop, every: 1h, runbook: wiki/a, params: {older_than: 90m}}]\n"
    )
    file = read(bare, text)

    assert file.jobs[0].raw == {
        "when": "every 1h",
        "timezone": "Etc/UTC",
        "timeout": "9m",
        "params": {"names": [], "older_than": "1h30m", "strict": False, "words": {}},
        "limits": {"max_count": 7, "per_day": 30, "min_age": "0s", "cool_down": "0s"},
        "runbook": "wiki/a",
        "jobs_file_sha256": file.sha256,
    }


def test_a_file_may_hold_no_jobs_at_all_and_eight_run_at_once_unless_said(bare: Loader) -> None:
    file = read(bare, "version: 1\njobs: []\n")

    assert (file.jobs, file.max_running, file.path) == ((), 8, HERE)


def test_a_job_is_found_by_its_name_or_the_nearest_is_named(bare: Loader) -> None:
    file = read(bare, "version: 1\njobs: [{name: tidy, kind: look-around, every: 1h}]\n")

    assert file.job("tidy") is file.jobs[0]
    with pytest.raises(ConfigError, match=r"^jobs.yaml has no job tidi; did you mean tidy\?$"):
        file.job("tidi")


def test_a_kind_that_fails_to_judge_its_parameters_is_blamed_and_ends_nothing(bare: Loader) -> None:
    with pytest.raises(BadJobs) as refused:
        read(bare, "version: 1\njobs: [{name: a, kind: broken, every: 1h}]\n")

    (mistake,) = refused.value.mistakes
    assert mistake.headline == (
        "jobs.yaml:2:24: jobs[0].kind: broken failed to judge this: ZeroDivisionError: nobody thought of this; "
        "that is a defect of the kind; report it"
    )


def test_what_a_kind_refuses_is_said_where_its_parameters_stand(bare: Loader) -> None:
    with pytest.raises(BadJobs) as refused:
        read(bare, "version: 1\njobs: [{name: a, kind: sweep-up, every: 1h, params: {strict: true}}]\n")

    assert [mistake.headline for mistake in refused.value.mistakes] == [
        "jobs.yaml:2:53: jobs[0].params: there is no namespace to sweep; give the target one"
    ]


def test_no_job_changes_anything_where_maintd_lives(bare: Loader) -> None:
    with pytest.raises(BadJobs, match="sweep-up changes things, and maintd changes nothing in ops"):
        read(bare, HEAD.replace("shop}", "ops}") + "jobs: [{name: a, kind: sweep-up, target: shop, every: 1h}]\n")
    assert read(bare, HEAD.replace("shop}", "ops}") + "jobs: [{name: a, kind: look-around, target: shop, every: 1h}]\n")


def test_a_file_that_is_not_there_is_named_with_what_to_do(bare: Loader, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file; name another, or set MAINTD_JOBS_FILE"):
        bare.load(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        bare.load(tmp_path)
