"""The commands of the README, as whole processes."""

import asyncio
import json
import subprocess
import sys

import pytest

HEAVY = ("kubernetes", "google", "aiohttp", "apscheduler", "structlog", "pydantic")


RUN = """
import runpy, sys
sys.argv = ["maintd", *{words!r}]
try:
    runpy.run_module("maintd", run_name="__main__")
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""


def imported_by(*words: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", RUN.format(words=words)], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in done.stderr.splitlines()}


def test_help_imports_nothing_heavy():
    assert imported_by("--help") & set(HEAVY) == set()


def test_help_of_a_command_is_not_a_start_of_the_daemon():
    assert imported_by("next", "--help") & {"kubernetes", "google", "aiohttp"} == set()


async def test_an_unknown_command_gets_a_suggestion_and_exit_code_2(shell):
    said = await shell("valdiate")

    assert (said.code, "did you mean validate?" in said.err) == (2, True)


async def test_an_unknown_setting_is_an_error(shell):
    shell.settings["MAINTD_STORGE"] = "file:///tmp/x"
    said = await shell("jobs")

    assert (said.code, "did you mean MAINTD_STORAGE" in said.err) == (2, True)
    assert "Traceback" not in said.err


async def test_run_is_a_dry_run_whatever_the_jobs_mode_says_and_act_does_it(shell):
    before = shell.pods()
    planned = await shell("run", "cleanup-failed-pods")
    assert (planned.code, shell.pods()) == (0, before)
    assert "would delete" in planned.out
    assert "annotation maintd.dev/protect" in planned.out
    assert "maintd run cleanup-failed-pods --act" in planned.err

    done = await shell("run", "cleanup-failed-pods", "--act", "--reason", "too many of them", "-o", "json")
    gone = before - shell.pods()
    assert (done.code, len(gone)) == (0, 5)
    assert {change["object"]["name"] for change in done.json["changes"] if change["result"] == "done"} == gone
    assert (done.json["mode"], done.json["trigger"], done.json["reason"]) == ("act", "manual", "too many of them")

    listed = (await shell("runs", "-o", "json")).json
    assert sorted((run["job"], run["mode"]) for run in listed) == [  # both may be of the same second
        ("cleanup-failed-pods", "act"),
        ("cleanup-failed-pods", "dry-run"),
    ]
    record = await shell("runs", done.json["run_id"], "-o", "json")
    assert record.json == done.json
    table = await shell("runs", done.json["run_id"])
    assert all(f"pods omtx-hub/{name}" in table.out for name in gone)


async def test_a_dry_run_plans_what_acting_then_does(shell):
    planned = (await shell("run", "cleanup-failed-pods", "-o", "json")).json["changes"]
    done = (await shell("run", "cleanup-failed-pods", "--act", "-o", "json")).json["changes"]

    as_done = [change | {"result": "done"} if change["result"] == "planned" else change for change in planned]
    assert [(c["object"], c["result"]) for c in as_done] == [(c["object"], c["result"]) for c in done]


async def test_set_gives_a_job_another_parameter_for_this_run(shell):
    said = await shell("run", "cleanup-failed-pods", "--set", "older_than=2000d", "-o", "json")

    assert said.json["config"]["params"]["older_than"] == "2000d"
    assert said.json["config"]["params"]["phases"] == ["Failed", "Succeeded"]
    assert all(change["result"] == "kept" for change in said.json["changes"])


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--set", "older_then=2h"], "older_then: unknown key; did you mean older_than?"),
        (["--set", "older_than=two"], "older_than"),
        (["--set", "older_than"], "write KEY=VALUE"),
        (["--set", "phases=[Faild]"], "did you mean Failed?"),
        (["--set", "namespaces=[kube-system]"], "Error: --set namespaces: nothing is ever changed in kube-system;"),
    ],
)
async def test_a_wrong_set_is_told_as_in_jobs_yaml(shell, words, complaint):
    said = await shell("run", "cleanup-failed-pods", *words)

    assert (said.code, complaint in said.err) == (2, True), said.err


async def test_a_kind_can_be_run_without_a_job_and_is_not_remembered(shell):
    said = await shell("run", "version-check", "-o", "json")

    assert (said.code, said.json["kind"], said.json["status"]) == (1, "version-check", "attention")
    assert [row["job"] for row in (await shell("jobs", "-o", "json")).json if row["last"]] == []


@pytest.mark.parametrize("command", ["run", "next", "runs"])
@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("cleanup-faild-pods", "; did you mean cleanup-failed-pods?\n"),
        ("nope", "` lists them\n"),
    ],
)
async def test_a_job_that_is_not_there_gets_a_suggestion_or_the_command_that_lists_them(shell, command, name, end):
    said = await shell(command, name)

    assert (said.code, said.out, said.err.endswith(end), said.err.count("\n")) == (2, "", True, 1), said.err


async def test_a_kind_that_is_not_there_gets_a_suggestion(shell):
    near, nowhere = await shell("kinds", "cleanup-pds"), await shell("kinds", "nope")

    assert (near.code, near.err) == (2, "maintd: no kind is called cleanup-pds; did you mean cleanup-pods?\n")
    assert (nowhere.code, nowhere.err) == (2, "maintd: no kind is called nope; `maintd kinds` lists them\n")


async def test_runs_of_a_job_that_never_ran_are_none_and_of_one_that_is_gone_from_the_file_are_still_listed(shell):
    await shell("run", "node-versions")
    never = await shell("runs", "cleanup-failed-pods", "-o", "json")
    (shell.folder / "jobs.yaml").write_text("version: 1\njobs: []\n")
    gone = await shell("runs", "node-versions", "-o", "json")

    assert (never.code, never.json) == (0, [])
    assert (gone.code, [run["job"] for run in gone.json]) == (0, ["node-versions"])


async def test_jobs_shows_how_the_last_run_ended_and_what_is_due_next(shell):
    await shell("run", "node-versions")
    rows = {row["job"]: row for row in (await shell("jobs", "-o", "json")).json}

    assert rows["node-versions"]["last"]["status"] == "attention"
    assert rows["cleanup-failed-pods"]["last"] is None
    assert rows["cleanup-failed-pods"]["next"]
    table = await shell("jobs")
    assert "never" in table.out
    assert "At 03:17 on Sunday" in table.out


async def test_the_state_of_runs_lies_in_the_clusters_config_map(shell):
    await shell("run", "cleanup-failed-pods", "--act")
    kept = shell.box.get("v1", "ConfigMap", "maintd-state", "maintd")

    assert json.loads(kept["data"]["cleanup-failed-pods"])["last_runs"][0]["status"] == "ok"


async def test_a_cluster_without_the_namespace_keeps_state_in_the_store(shell):
    shell.settings["MAINTD_NAMESPACE"] = "elsewhere"
    said = await shell("run", "node-versions")

    assert "kubectl create namespace elsewhere" in said.err
    assert json.loads((shell.folder / ".maintd/store/default/state/state.json").read_text())["jobs"]["node-versions"]


async def test_a_server_that_is_not_there_is_told_at_once_with_its_address_its_context_and_what_to_type(shell):
    server = shell.box.url.removeprefix("http://")
    said = f"{server} (context admin of {shell.folder / 'kubeconfig'}): Connection refused"
    await shell.box.__aexit__(None, None, None)
    async with asyncio.timeout(20):  # a daemon would try for a minute
        run, jobs = await shell("run", "cleanup-failed-pods"), await shell("jobs")

    assert run.code == 1
    for told in (run.out, jobs.err):
        assert f"cannot connect to {said}; see whether it answers: kubectl --context=admin get --raw /livez" in told
    assert all(line.startswith("warning: state ") for line in run.err.splitlines()), run.err


async def test_lines_for_people_are_json_where_the_settings_say_so(shell):
    shell.settings |= {"MAINTD_NAMESPACE": "elsewhere", "MAINTD_LOG_FORMAT": "json"}
    said = await shell("run", "node-versions")

    assert [json.loads(line)["message"] for line in said.err.splitlines()] == ["state kept in a folder"]


async def test_without_any_cluster_what_needs_none_runs_and_the_rest_says_what_is_missing(shell, app):
    shell.settings["KUBECONFIG"] = str(shell.folder / "none")
    failed = await shell("run", "node-versions")
    fine = await shell("kinds", "-o", "json")

    assert (failed.code, failed.err) == (1, "")
    assert "kubeconfig" in failed.out
    assert fine.code == 0


async def test_runs_of_a_run_that_never_was_says_so(shell):
    said = await shell("runs", "20260101T000000Z-nobody-000000")

    assert (said.code, "there is no record of" in said.err, "Traceback" in said.err) == (1, True, False)


async def test_every_kind_has_a_manual(shell):
    names = [kind["kind"] for kind in (await shell("kinds", "-o", "json")).json]
    pages = [await shell("kinds", name) for name in names]

    assert all(page.out.startswith(f"# {name}\n") for page, name in zip(pages, names, strict=True))


async def test_data_goes_to_stdout_and_nothing_is_coloured_when_piped(shell):
    said = await shell("run", "cleanup-failed-pods")

    assert "\x1b[" not in said.out + said.err
