"""Replies that are lost, servers that stutter, others who write meanwhile, stores that cannot be written."""

import asyncio
import json
from pathlib import Path

import pytest

from maintd.core.errors import Unreadable
from maintd.core.outcome import Run, Status
from maintd.core.resource import Json
from maintd.sandbox.faults import Fault, unavailable
from maintd.sandbox.reply import Reply
from maintd.sandbox.server import Sandbox
from maintd.scheduling.hold import KEY
from tests.restore.conftest import Rescue, config_map, contents, reasons, results

pytestmark = pytest.mark.parametrize("cluster_backend", ["sandbox"], indirect=True)


def box(rescue: Rescue) -> Sandbox:
    assert rescue.backend.sandbox is not None
    return rescue.backend.sandbox


@pytest.mark.parametrize("reset", ["before", "after"])
async def test_a_creation_whose_reply_was_lost_is_done_once(rescue: Rescue, reset: str) -> None:
    before = await rescue.backup()
    await rescue.delete("configmaps", "flags")
    box(rescue).faults.append(Fault("create", "*/configmaps*", reset=reset))

    run = await rescue.restore()

    assert (run.status, results(run)) == (Status.OK, {"configmaps/flags": "create done"})
    assert contents(await rescue.backup()) == contents(before)


@pytest.mark.parametrize("reset", ["before", "after"])
async def test_an_update_whose_reply_was_lost_is_done(rescue: Rescue, reset: str) -> None:
    before = await rescue.backup()
    await rescue.change("configmaps", "flags", {"data": {"FLAG": "off"}})
    box(rescue).faults.append(Fault("update", "*/configmaps/flags", nth=2, reset=reset))  # the first is the rehearsal

    run = await rescue.restore(existing="update")

    assert (run.status, results(run)) == (Status.OK, {"configmaps/flags": "update done"})
    assert contents(await rescue.backup()) == contents(before)


async def test_a_server_that_stutters_is_asked_again(rescue: Rescue) -> None:
    await rescue.backup()
    for name in ("flags", "other"):
        await rescue.delete("configmaps", name)
    box(rescue).faults.append(Fault("create", "*/configmaps*", times=2, answer=unavailable(429, retry_after=0)))
    box(rescue).faults.append(Fault("list", times=2, answer=unavailable(503)))

    run = await rescue.restore()

    assert (run.status, set(results(run).values())) == (Status.OK, {"create done"})


async def test_an_object_that_somebody_changed_meanwhile_is_judged_once_more(rescue: Rescue) -> None:
    """Between the look and the write: the PUT is refused, and what is there by then is judged by the same rules."""
    before = await rescue.backup()
    await rescue.change("configmaps", "flags", {"data": {"FLAG": "off"}})

    def meddled(reply: Reply) -> Reply:
        live = box(rescue).get("v1", "ConfigMap", "flags", rescue.space)
        assert live is not None
        box(rescue).put(live | {"data": {"FLAG": "meddled"}})
        return reply

    box(rescue).faults.append(Fault("update", "*/configmaps/flags", edit=meddled))  # right after the rehearsal
    run = await rescue.restore(existing="update")

    assert (run.status, results(run)) == (Status.OK, {"configmaps/flags": "update done"})
    assert contents(await rescue.backup()) == contents(before)


async def test_an_object_that_somebody_made_meanwhile_is_theirs_unless_it_may_be_updated(rescue: Rescue) -> None:
    await rescue.backup()
    await rescue.delete("configmaps", "flags")

    def made(reply: Reply) -> Reply:
        theirs = config_map("flags", FLAG="theirs")
        box(rescue).put(theirs | {"metadata": {"name": "flags", "namespace": rescue.space}})
        return reply

    box(rescue).faults.append(Fault("list", "*/configmaps", edit=made))
    run = await rescue.restore()

    assert results(run) == {"configmaps/flags": "update kept"}
    assert (await rescue.get("configmaps", "flags"))["data"] == {"FLAG": "theirs"}


async def test_a_file_that_was_changed_is_named_and_nothing_of_it_is_restored(rescue: Rescue) -> None:
    made = await rescue.backup()
    await rescue.delete("configmaps", "flags")
    await rescue.delete("services", "web")
    file = made.folder / rescue.space / "configmaps.yaml"
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b"FLAG", b"GALF"))

    run = await rescue.restore()

    assert (run.status, results(run)) == (Status.PARTIAL, {"services/web": "create done"})
    assert "it was changed after it was written" in run.findings[0].message
    assert await rescue.gone("configmaps", "flags")


async def test_a_manifest_of_a_later_format_is_refused(rescue: Rescue) -> None:
    made = await rescue.backup()
    manifest = made.folder / "manifest.json"
    manifest.chmod(0o600)
    manifest.write_bytes(manifest.read_bytes().replace(b'"format": 1', b'"format": 2', 1))

    with pytest.raises(Unreadable, match="use the maintd that wrote it"):
        await rescue.restore(made.manifest.id)


async def test_where_what_is_overwritten_cannot_be_kept_beside_the_backups_it_lies_here(
    rescue: Rescue, tmp_path: Path
) -> None:
    await rescue.backup()
    await rescue.change("configmaps", "flags", {"data": {"FLAG": "off"}})
    (rescue.desk.root / "test" / "before-restore").touch()  # in the way of the folder

    run = await rescue.restore(existing="update")

    assert (run.status, results(run)) == (Status.OK, {"configmaps/flags": "update done"})
    [kept] = run.artifacts
    assert kept.startswith(f"file://{tmp_path}/.maintd/test/before-restore/backups/")
    assert "FLAG: 'off'" in (Path(kept.removeprefix("file://")) / rescue.space / "configmaps.yaml").read_text()


async def test_where_it_can_be_kept_nowhere_nothing_is_overwritten(rescue: Rescue, tmp_path: Path) -> None:
    await rescue.backup()
    await rescue.change("configmaps", "flags", {"data": {"FLAG": "off"}})
    (rescue.desk.root / "test" / "before-restore").touch()
    (tmp_path / ".maintd").touch()

    with pytest.raises(Exception, match="can be kept nowhere"):
        await rescue.restore(existing="update")

    assert (await rescue.get("configmaps", "flags"))["data"] == {"FLAG": "off"}


async def test_the_record_is_a_run_in_the_store_and_acting_jobs_are_held_until_it_ends(rescue: Rescue) -> None:
    await rescue.backup()
    await rescue.delete("configmaps", "flags")
    state = rescue.desk.root / "test" / "state" / "state.json"
    during: list[Json] = []

    def look(reply: Reply) -> Reply:
        during.append(json.loads(state.read_text())["jobs"][KEY]["hold"])
        return reply

    box(rescue).faults.append(Fault("create", "*/configmaps*", edit=look))
    run = await rescue.restore()

    [record] = (rescue.desk.root / "test" / "runs").rglob("*.json")
    assert Run.model_validate_json(record.read_bytes()) == run
    assert [{by: hold["namespaces"] for by, hold in each.items()} for each in during] == [{run.run_id: [rescue.space]}]
    assert json.loads(state.read_text())["jobs"].get(KEY, {}).get("hold") is None


async def test_one_that_is_interrupted_says_what_was_done_and_the_next_one_does_the_rest(rescue: Rescue) -> None:
    before = await rescue.backup()
    for plural, name in (("configmaps", "flags"), ("deployments", "web")):
        await rescue.delete(plural, name)
    box(rescue).faults.append(Fault("create", "*/deployments*", delay_seconds=30))

    async def interrupt() -> None:
        while await rescue.gone("configmaps", "flags"):
            await asyncio.sleep(0.01)
        restoring.cancel()

    restoring = asyncio.create_task(rescue.restore())
    await interrupt()
    stopped = await restoring
    box(rescue).faults.clear()
    rest = await rescue.restore()

    assert (stopped.status, results(stopped)) == (Status.INTERRUPTED, {"configmaps/flags": "create done"})
    assert (rest.status, results(rest)) == (Status.OK, {"deployments.apps/web": "create done"})
    assert contents(await rescue.backup()) == contents(before)
    assert reasons(rest) == {}
