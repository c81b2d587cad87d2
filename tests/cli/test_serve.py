"""The daemon as a whole process: it rings, reloads, answers, and drains."""

import asyncio
import contextlib
import json
import signal
from pathlib import Path


async def test_a_due_job_is_one_start_one_end_and_one_record_under_one_operation(serving, shell):
    finished = await serving.said("run finished")
    operation = finished["logging.googleapis.com/operation"]
    started = next(line for line in serving.lines if line["message"] == "run started")

    assert started["logging.googleapis.com/operation"]["id"] == operation["id"]
    assert (started["logging.googleapis.com/operation"]["first"], operation["last"]) == (True, True)
    assert await serving.stop() == 0
    records = list((shell.folder / ".maintd/store/default/runs").rglob("*.json"))
    finishes = [line for line in serving.lines if line["message"] == "run finished"]
    assert len(records) == len(finishes) >= 1
    assert operation["id"] in {record.stem for record in records}


async def test_health_and_metrics_are_answered(serving):
    await serving.said("run finished")

    assert await serving.get("/livez") == (200, "alive\n")
    status, text = await serving.get("/readyz")
    assert (status, text.splitlines()) == (
        200,
        ["ready", "config: ok", "store: ok", "state: ok", "lease: ok", "cluster: ok", "role: leads, in reign 1"],
    )
    metrics = (await serving.get("/metrics"))[1]
    assert 'maintd_job_runs_total{job="node-versions",kind="version-check",status="attention"}' in metrics
    assert "maintd_config_last_reload_successful 1.0" in metrics
    assert 'maintd_job_next_run_timestamp_seconds{job="cleanup-failed-pods"}' in metrics


async def test_an_edited_file_is_taken_and_a_bad_one_changes_nothing_and_is_said(serving, shell):
    jobs = shell.folder / "jobs.yaml"
    good = jobs.read_text()
    await serving.said("daemon started")
    jobs.write_text(good.replace("node-versions", "versions"))
    taken = await serving.said("jobs taken", added=["versions"])
    assert (taken["removed"], taken["jobs"]) == (["node-versions"], 2)
    await serving.said("run finished")

    jobs.write_text(good.replace("kind: version-check", "kind: version-chek"))
    refused = await serving.said("jobs file refused")
    assert "did you mean version-check?" in "\n".join(refused["why"])
    status, text = await serving.get("/readyz")
    assert (status, "the jobs before it run on: " in text) == (200, True)
    metrics = (await serving.get("/metrics"))[1]
    assert "maintd_config_last_reload_successful 0.0" in metrics
    assert 'job="versions"' in metrics
    assert 'job="node-versions"' not in metrics

    jobs.write_text(good)
    await serving.said("jobs taken", added=["node-versions"])
    assert "config: ok" in (await serving.get("/readyz"))[1]


async def test_serve_with_a_bad_file_prints_every_mistake_and_exits_2(shell):
    (shell.folder / "jobs.yaml").write_text("version: 1\njobs:\n- {name: A, kind: nothing, every: 5}\n")
    said = await shell("serve")

    assert said.code == 2
    assert "jobs.yaml:3:10" in said.err
    assert "3 mistakes in jobs.yaml" in said.err


async def test_a_signal_lets_what_runs_end_and_exits_0(serving, shell):
    await serving.said("run started")
    serving.process.send_signal(signal.SIGINT)

    assert await serving.ended() == 0
    messages = [line["message"] for line in serving.lines]
    assert messages.count("run started") == messages.count("run finished")
    assert messages[-1] == "daemon stopped"
    assert "run started" not in messages[messages.index("daemon stopping") :]


async def test_a_cluster_that_is_away_stops_neither_the_daemon_nor_its_clock(serving, shell):
    await serving.said("run finished")
    await shell.box.__aexit__(None, None, None)
    failed = await serving.said("run finished", status="failed")

    assert failed["severity"] == "ERROR"
    assert (await serving.get("/livez"))[0] == 200
    assert await serving.stop() == 0


async def test_every_line_of_the_log_is_json_of_the_right_fields(serving):
    await serving.said("run finished")
    await serving.stop()

    assert all({"severity", "message", "time"} <= line.keys() for line in serving.lines)
    runs = [line for line in serving.lines if line["message"].startswith("run ")]
    assert {line["logging.googleapis.com/labels"]["job"] for line in runs} == {"node-versions"}


async def test_a_store_that_cannot_be_written_is_said_and_the_run_keeps_its_status(serving, shell):
    store = shell.folder / ".maintd/store/default"
    await serving.said("run finished")
    while not store.is_file():  # a run may make the folder anew in between
        with contextlib.suppress(OSError):
            store.rename(shell.folder / f"aside-{len(list(shell.folder.iterdir()))}")
            store.touch(exist_ok=False)
    kept = await serving.said("records kept aside")
    async with asyncio.timeout(20):
        while " wait in " not in (await serving.get("/readyz"))[1]:
            await asyncio.sleep(0.1)

    assert "maintd_spool_bytes 0.0" not in (await serving.get("/metrics"))[1]
    assert await serving.stop() == 0
    assert {line["status"] for line in serving.lines if line["message"] == "run finished"} == {"attention"}
    assert list(Path(kept["spool"]).iterdir())


async def test_state_survives_a_restart(serving, shell):
    await serving.said("run finished")
    await serving.stop()
    kept = json.loads(shell.box.get("v1", "ConfigMap", "maintd-state", "maintd")["data"]["node-versions"])

    assert kept["last_runs"][0]["status"] == "attention"
    assert kept["last_due"]
