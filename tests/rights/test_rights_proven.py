"""maintd under its own ServiceAccount, with what was rendered: enough for every job, and not a right too many."""

from pathlib import Path

import pytest

from maintd.cli.jobsfile import loader
from maintd.config.settings import Settings
from maintd.core.outcome import Status
from maintd.derive.rights import Right
from maintd.kinds import load_kinds

GOOD = (Status.OK, Status.ATTENTION)
METHODS = ("GetCluster", "GetServerConfig", "ListOperations", "FetchClusterUpgradeInfo", "FetchNodePoolUpgradeInfo")


def test_the_shipped_jobs_are_of_every_kind():
    jobs = loader(Settings()).load(Path(__file__).parents[2] / "jobs.yaml").jobs

    assert {job.kind.name for job in jobs} == set(load_kinds())


@pytest.mark.parametrize("mode", ["dry-run", "act"])
async def test_every_job_runs_with_the_rendered_rights_and_nothing_is_refused(world, mode):
    world.jobs_text = world.jobs_text.replace("mode: dry-run", f"mode: {mode}")
    await world.install(await world.render())

    for _ in range(2):  # the first time makes the state, the second finds it
        runs = await world.run(*world.file.jobs)

        assert {run.job: run.summary for run in runs if run.status not in GOOD} == {}
        assert world.wire.refused == []
    assert bool(world.changes(runs)) is True
    assert set(world.changes(runs)) == ({"done"} if mode == "act" else {"planned"})


async def test_each_job_runs_alone_with_what_is_said_to_be_for_it(world):
    """Together they could live on each other's rights."""
    world.jobs_text = world.jobs_text.replace("mode: dry-run", "mode: act")
    await world.install(await world.render())

    for job in world.file.jobs:
        await world.only_for(job)
        [run] = await world.run(job)

        assert (run.status in GOOD, world.wire.refused) == (True, []), run.summary


async def test_each_right_that_is_taken_away_is_missed_by_everyone_it_is_said_to_be_for(world):
    world.jobs_text = world.jobs_text.replace("mode: dry-run", "mode: act")
    await world.install(await world.render())
    await world.run(*world.file.jobs)

    unmissed = []
    for right, needed_by in world.rights.items():
        await world.remember(right != Right(world.own, "configmaps", "create"))
        await world.without(right)
        for who in needed_by:
            [run] = await world.run(world.job(who))
            if run.status in GOOD and not world.wire.refused:
                unmissed.append((right, who))
        await world.granted(right)

    assert unmissed == []
    assert len(world.rights) > 30


async def test_with_the_rights_of_a_dry_run_a_job_that_acts_changes_nothing_and_names_each_rule(world):
    await world.install(await world.render())
    world.jobs_text = world.jobs_text.replace("mode: dry-run", "mode: act")

    [run] = await world.run(world.file.job("cleanup-failed-pods"))

    rules = ("delete, get pods", "get pods/log", "list events")
    assert (run.status, world.changes([run])) == (Status.FAILED, ["left"])
    assert [rule for rule in rules if f"may not {rule} in namespace {world.space}" not in run.error] == []


async def test_a_backup_of_everything_lists_the_custom_resources_that_exist_only_when_it_is_rendered_live(
    world, widgets
):
    """Without --live it is partial, and names the kind and the right."""
    world.jobs_text = "version: 1\njobs: [{name: all, kind: backup, manual: true}]\n"
    plain, live = await world.render(), await world.render("--live")
    await world.install(plain)

    [short] = await world.run(*world.file.jobs)
    await world.replace_rules(live)
    [whole] = await world.run(*world.file.jobs)

    assert short.status is Status.PARTIAL
    assert any(widgets in finding.subject for finding in short.findings), short.findings
    assert (whole.status in GOOD, world.wire.refused) == (True, []), whole.findings
    assert widgets.partition(".")[0] in live


async def test_the_permissions_in_google_cloud_are_enough_and_each_that_is_taken_away_is_missed(world):
    await world.install(await world.render())
    versions = world.file.job("node-versions")
    wanted = {permission.name for permission in versions.kind.permissions(versions.params, versions.target)}

    world.google.permissions = set(wanted)
    [whole] = await world.run(versions)
    short = {}
    for name in wanted:
        world.google.permissions = wanted - {name}
        [run] = await world.run(versions)
        short[name] = (run.status, name in str(run.findings))

    assert (whole.status in GOOD, set(world.google.calls)) == (True, set(METHODS)), whole.findings
    assert short == dict.fromkeys(wanted, (Status.PARTIAL, True))
