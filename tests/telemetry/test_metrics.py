"""What Prometheus is told of runs, jobs and the daemon."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from maintd import __version__
from maintd.core.outcome import Change, Run, Status
from maintd.core.resource import ObjectRef
from maintd.telemetry.metrics import Metrics

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
Samples = dict[str, float]


def run_of(job: str = "tidy", status: Status = Status.OK, **more: Any) -> Run:
    fields: dict[str, Any] = {
        "run_id": "r1",
        "job": job,
        "kind": "cleanup-pods",
        "target": "hub",
        "started": NOON,
        "ended": NOON + timedelta(seconds=2),
        "summary": "",
    }
    return Run(**{**fields, "status": status, **more})


def change(result: str, resource: str = "pods") -> Change:
    return Change(object=ObjectRef(resource=resource, namespace="a", name="b"), verb="delete", result=result)


async def samples(metrics: Metrics, *names: str) -> Samples:
    """What a scrape finds, `name{label=value}` → value; only the metrics that begin with one of the names."""
    found = {}
    for family in text_string_to_metric_families((await metrics.exposition()).decode()):
        for sample in family.samples:
            if not names or sample.name.startswith(names):
                labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
                found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.fixture
def metrics() -> Metrics:
    """Knows the job `tidy`."""
    found = Metrics(revision="abc123")
    found.know_job("tidy", "cleanup-pods", last_success=None, consecutive_failures=0)
    return found


async def test_before_anything_has_run_the_daemon_and_its_jobs_are_there(metrics):
    assert await samples(metrics, "maintd_job", "maintd_build", "maintd_config", "maintd_log") == {
        "maintd_job_info{job=tidy,kind=cleanup-pods}": 1,
        "maintd_job_last_success_timestamp_seconds{job=tidy}": 0,
        "maintd_job_running{job=tidy}": 0,
        "maintd_job_missed_total{job=tidy}": 0,
        "maintd_job_consecutive_failures{job=tidy}": 0,
        "maintd_config_last_reload_successful{}": 0,
        "maintd_log_lines_dropped_total{}": 0,
        f"maintd_build_info{{revision=abc123,version={__version__}}}": 1,
    }


async def test_a_run_is_counted_by_how_it_ended_and_timed(metrics):
    metrics.run_started("tidy", "r1")
    assert await samples(metrics, "maintd_job_running") == {"maintd_job_running{job=tidy}": 1}

    metrics.observe_run(run_of(status=Status.ATTENTION), consecutive_failures=0)

    found = await samples(metrics, "maintd_job_r", "maintd_job_last", "maintd_job_duration_seconds_")
    assert found["maintd_job_runs_total{job=tidy,kind=cleanup-pods,status=attention}"] == 1
    assert found["maintd_job_running{job=tidy}"] == 0
    assert found["maintd_job_last_success_timestamp_seconds{job=tidy}"] == NOON.timestamp() + 2
    assert found["maintd_job_duration_seconds_sum{job=tidy,kind=cleanup-pods}"] == 2
    buckets = [value for name, value in found.items() if name.startswith("maintd_job_duration_seconds_bucket")]
    assert buckets == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("status", [status for status in Status if not status.good])
async def test_a_run_that_was_not_good_is_no_success(metrics, status):
    metrics.observe_run(run_of(status=status), consecutive_failures=3)

    found = await samples(metrics, "maintd_job_last", "maintd_job_runs", "maintd_job_consecutive")
    assert found == {
        f"maintd_job_runs_total{{job=tidy,kind=cleanup-pods,status={status}}}": 1,
        "maintd_job_last_success_timestamp_seconds{job=tidy}": 0,
        "maintd_job_consecutive_failures{job=tidy}": 3,
    }


async def test_a_record_of_a_run_that_never_started_ends_and_times_nothing(metrics):
    metrics.run_started("tidy", "r1")

    metrics.observe_run(run_of(run_id="r2", status=Status.SKIPPED, in_the_way="r1"), consecutive_failures=0)

    found = await samples(metrics, "maintd_job_running", "maintd_job_duration")
    assert found == {"maintd_job_running{job=tidy}": 1}


async def test_missed_due_instants_are_counted_one_by_one(metrics):
    metrics.observe_run(run_of(status=Status.MISSED, count=7), consecutive_failures=0)

    assert await samples(metrics, "maintd_job_missed") == {"maintd_job_missed_total{job=tidy}": 7}


async def test_only_pods_that_were_really_deleted_are_counted(metrics):
    changes = [change(result) for result in ("done", "done", "planned", "gone", "kept", "left", "failed")]

    metrics.observe_run(run_of(changes=(*changes, change("done", "jobs.batch"))), consecutive_failures=0)

    assert await samples(metrics, "maintd_pods") == {"maintd_pods_deleted_total{job=tidy}": 2}


async def test_after_a_restart_the_last_success_is_the_one_that_is_remembered():
    metrics = Metrics()

    metrics.know_job("tidy", "cleanup-pods", last_success=NOON, consecutive_failures=2)

    assert await samples(metrics, "maintd_job_last", "maintd_job_consecutive") == {
        "maintd_job_last_success_timestamp_seconds{job=tidy}": NOON.timestamp(),
        "maintd_job_consecutive_failures{job=tidy}": 2,
    }


async def test_a_reload_forgets_nothing_of_a_job_that_stays(metrics):
    metrics.observe_run(run_of(), consecutive_failures=0)
    for failures in range(1, 7):
        metrics.observe_run(run_of(status=Status.FAILED), consecutive_failures=failures)
    before = await samples(metrics)

    metrics.know_job("tidy", "cleanup-pods", last_success=None, consecutive_failures=0)

    assert await samples(metrics) == before


async def test_a_job_that_became_one_of_another_kind_is_of_that_kind_alone(metrics):
    metrics.know_job("tidy", "backup", last_success=None, consecutive_failures=0)

    assert await samples(metrics, "maintd_job_info") == {"maintd_job_info{job=tidy,kind=backup}": 1}


async def test_a_job_that_left_the_file_leaves_the_metrics(metrics):
    metrics.watch(
        last_wakeup=lambda: NOON, overdue=lambda: timedelta(0), next_due=lambda _: NOON, dropped_lines=lambda: 0
    )
    metrics.know_job("other", "cleanup-pods", last_success=None, consecutive_failures=0)
    metrics.run_started("tidy", "r1")
    metrics.observe_run(run_of(metrics={"up": 1, "bytes": 3}, changes=(change("done"),)), consecutive_failures=0)
    assert any("tidy" in name for name in await samples(metrics))

    metrics.forget_job("tidy")
    metrics.observe_run(run_of(metrics={"up": 1}), consecutive_failures=0)  # it was running still
    metrics.run_started("tidy", "r2")

    found = await samples(metrics)
    assert [name for name in found if "tidy" in name] == []
    assert "maintd_job_running{job=other}" in found


async def test_the_scheduler_and_the_log_are_asked_at_each_scrape(metrics):
    asked = {"due": NOON, "overdue": timedelta(seconds=1), "dropped": 0}
    metrics.watch(
        last_wakeup=lambda: NOON,
        overdue=lambda: asked["overdue"],
        next_due=lambda job: asked["due"] if job == "tidy" else None,
        dropped_lines=lambda: asked["dropped"],
    )
    assert (await samples(metrics, "maintd_job_next"))[
        "maintd_job_next_run_timestamp_seconds{job=tidy}"
    ] == NOON.timestamp()

    asked.update(due=None, overdue=timedelta(seconds=40), dropped=9)

    assert await samples(metrics, "maintd_job_next", "maintd_scheduler", "maintd_log") == {
        "maintd_scheduler_last_wakeup_timestamp_seconds{}": NOON.timestamp(),
        "maintd_scheduler_overdue_seconds{}": 40,
        "maintd_log_lines_dropped_total{}": 9,
    }


async def test_who_leads_and_what_others_saw_fail_is_asked_at_each_scrape(metrics):
    epoch, failures = 0, {"tidy": 3}
    metrics.watch_state(epoch=lambda: epoch, failures=lambda job: failures.get(job, 0))
    follows = await samples(metrics, "maintd_leader", "maintd_job_consecutive_failures")
    epoch, failures = 7, {}
    leads = await samples(metrics, "maintd_leader", "maintd_job_consecutive_failures")

    tidy = "maintd_job_consecutive_failures{job=tidy}"
    assert (follows["maintd_leader{}"], follows["maintd_leader_epoch{}"], follows[tidy]) == (0, 0, 3)
    assert (leads["maintd_leader{}"], leads["maintd_leader_epoch{}"], leads[tidy]) == (1, 7, 0)


async def test_a_reload_that_failed_is_seen_until_one_succeeds(metrics):
    seen = []
    for successful in (True, False, True):
        metrics.config_reloaded(successful=successful)
        seen += (await samples(metrics, "maintd_config")).values()

    assert seen == [1, 0, 1]


async def test_records_that_were_not_kept_are_counted_by_sink(metrics):
    metrics.sink_failed("history")
    metrics.sink_failed("history")

    assert await samples(metrics, "maintd_store") == {"maintd_store_failures_total{sink=history}": 2}


async def test_figures_have_the_names_that_dashboards_expect(metrics):
    measured = {
        "up": 1,
        "p95_seconds": 0.2,
        "first_byte_median_seconds": 0.1,
        "certificate_expiry_timestamp_seconds": 5,
    }

    metrics.observe_run(run_of(kind="latency-sample", metrics=measured), consecutive_failures=0)

    assert await samples(metrics, "maintd_probe", "maintd_certificate", "maintd_job_figure") == {
        "maintd_probe_up{job=tidy,target=hub}": 1,
        "maintd_probe_phase_seconds{job=tidy,phase=first_byte,target=hub}": 0.1,
        "maintd_certificate_expiry_timestamp_seconds{job=tidy,target=hub}": 5,
        "maintd_job_figure{figure=p95_seconds,job=tidy,kind=latency-sample,target=hub}": 0.2,
    }


async def test_what_a_backup_holds_has_names_of_its_own(metrics):
    metrics.observe_run(run_of(kind="backup", metrics={"objects": 12, "bytes": 3456}), consecutive_failures=0)

    assert await samples(metrics, "maintd_backup", "maintd_job_figure") == {
        "maintd_backup_objects{job=tidy,target=hub}": 12,
        "maintd_backup_size_bytes{job=tidy,target=hub}": 3456,
    }


async def test_how_far_nodes_are_behind_has_a_name_of_its_own(metrics):
    measured = {"worst_pool_minors_behind": 2}

    metrics.observe_run(run_of(kind="version-check", metrics=measured), consecutive_failures=0)

    assert await samples(metrics, "maintd_node") == {"maintd_node_version_skew{job=tidy,target=hub}": 2}


async def test_a_figure_that_was_not_measured_again_does_not_stay(metrics):
    metrics.observe_run(run_of(metrics={"up": 1, "p95_seconds": 0.2}), consecutive_failures=0)

    metrics.observe_run(run_of(metrics={"up": 0}), consecutive_failures=0)

    assert await samples(metrics, "maintd_probe", "maintd_job_figure") == {"maintd_probe_up{job=tidy,target=hub}": 0}


async def test_a_run_that_measured_nothing_leaves_what_was_measured(metrics):
    metrics.observe_run(run_of(metrics={"up": 1}), consecutive_failures=0)

    metrics.observe_run(run_of(status=Status.FAILED), consecutive_failures=1)

    assert await samples(metrics, "maintd_probe") == {"maintd_probe_up{job=tidy,target=hub}": 1}


async def test_a_kind_cannot_fill_prometheus_with_names(metrics):
    odd = {"web-7f9c6b-x2x1p": 1.0, "Größe": 1.0, "": 1.0, "a" * 64: 1.0, "a b": 1.0}
    many = {f"figure_{n:03}": 1.0 for n in range(500)}

    metrics.observe_run(run_of(metrics=odd | many), consecutive_failures=0)

    found = await samples(metrics, "maintd_job_figure")
    assert [name.partition("figure=")[2].partition(",")[0] for name in found] == [f"figure_{n:03}" for n in range(50)]


async def test_counters_have_no_birth_dates(metrics):
    metrics.observe_run(run_of(), consecutive_failures=0)
    metrics.observe_lag(0.02)

    assert [name for name in await samples(metrics) if "_created" in name] == []


async def test_a_late_loop_is_seen(metrics):
    metrics.observe_lag(0.02)
    metrics.observe_lag(0.3)

    found = await samples(metrics, "maintd_loop_lag_seconds")
    assert list(found.values()) == [0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0.32]


async def test_two_daemons_in_one_process_do_not_share_their_figures(metrics):
    other = Metrics()

    metrics.sink_failed("log")

    assert await samples(other, "maintd_store") == {}


@pytest.mark.cluster
async def test_promtool_finds_nothing_to_say_about_the_names(metrics):
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing: apt-get install prometheus"
    metrics.watch(
        last_wakeup=lambda: NOON, overdue=lambda: timedelta(0), next_due=lambda _: NOON, dropped_lines=lambda: 1
    )
    metrics.run_started("tidy", "r1")
    measured = {"up": 1, "total_median_seconds": 0.1, "certificate_expiry_timestamp_seconds": 5, "p95_seconds": 0.1}
    metrics.observe_run(run_of(metrics=measured, changes=(change("done"),)), consecutive_failures=0)
    metrics.observe_run(run_of(kind="backup", metrics={"objects": 1, "bytes": 1}), consecutive_failures=0)
    metrics.observe_run(run_of(kind="version-check", metrics={"worst_pool_minors_behind": 1}), consecutive_failures=0)
    metrics.sink_failed("history")
    metrics.observe_lag(0.1)

    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    checking = await asyncio.create_subprocess_exec(promtool, "check", "metrics", **pipes)

    assert await checking.communicate(await metrics.exposition()) == (b"", b"")
    assert checking.returncode == 0
