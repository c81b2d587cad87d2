"""What a restore does with each object, against the sandbox and the real API server."""

import pytest

from maintd.core.errors import ConfigError
from maintd.core.outcome import Status
from tests.restore.conftest import Rescue, config_map, contents, deployment, reasons, results, service


async def test_what_is_missing_is_made_and_a_second_run_has_nothing_to_do(rescue: Rescue) -> None:
    before = await rescue.backup()
    await rescue.delete("deployments", "web")
    await rescue.delete("configmaps", "flags")

    first, second = await rescue.restore(), await rescue.restore()
    after = await rescue.backup()

    assert (first.status, results(first)) == (
        Status.OK,
        {"configmaps/flags": "create done", "deployments.apps/web": "create done"},
    )
    assert (second.status, results(second), second.summary.split(":")[0]) == (Status.OK, {}, "nothing to do")
    assert contents(after) == contents(before)


async def test_what_is_there_and_differs_is_skipped_and_with_update_becomes_what_it_was(rescue: Rescue) -> None:
    before = await rescue.backup()
    await rescue.change(
        "configmaps", "flags", {"data": {"FLAG": "off", "ADDED": "since"}, "metadata": {"labels": {"a": "b"}}}
    )
    await rescue.change("deployments", "web", {"spec": {"template": {"spec": {"nodeSelector": {"added": "since"}}}}})
    changed = await rescue.backup()

    skipped = await rescue.restore(before.manifest.id)
    untouched = await rescue.backup()
    updated = await rescue.restore(before.manifest.id, existing="update")
    after = await rescue.backup()

    assert (skipped.status, results(skipped)) == (
        Status.OK,
        {"configmaps/flags": "update kept", "deployments.apps/web": "update kept"},
    )
    assert "--existing update brings it back" in reasons(skipped)["configmaps/flags"]
    assert contents(untouched) == contents(changed)
    assert (updated.status, results(updated)) == (
        Status.OK,
        {"configmaps/flags": "update done", "deployments.apps/web": "update done"},
    )
    assert contents(after) == contents(before)


async def test_what_is_overwritten_is_kept_where_it_is_no_backup_and_can_be_put_back(rescue: Rescue) -> None:
    first = await rescue.backup()
    await rescue.change("configmaps", "flags", {"data": {"FLAG": "mine"}})
    changed = await rescue.backup()
    newest = await rescue.backup()

    done = await rescue.restore(first.manifest.id, existing="update")
    [kept] = done.artifacts
    undone = await rescue.restore(source=kept, existing="update")
    after = await rescue.backup()

    assert kept.startswith(f"file://{rescue.desk.root}/test/before-restore/backups/")
    ordinary = {made.manifest.id for made in (first, changed, newest, after)}  # of one second, perhaps
    assert (await rescue.restore()).config["backup"] in ordinary
    assert results(undone) == {"configmaps/flags": "update done"}
    assert contents(after) == contents(changed)


async def test_a_service_keeps_its_address_when_it_is_brought_back(rescue: Rescue) -> None:
    await rescue.backup()
    address = (await rescue.get("services", "web"))["spec"]["clusterIP"]
    await rescue.change("services", "web", {"spec": {"selector": {"app": "another"}}})

    run = await rescue.restore(existing="update")

    now = (await rescue.get("services", "web"))["spec"]
    assert (run.status, now["selector"], now["clusterIP"]) == (Status.OK, {"app": "web"}, address)


async def test_only_what_was_asked_for_is_restored(rescue: Rescue) -> None:
    await rescue.backup()
    for plural, name in (("deployments", "web"), ("configmaps", "flags"), ("configmaps", "other")):
        await rescue.delete(plural, name)

    by_name = await rescue.restore("cm/flags")
    by_kind = await rescue.restore(kinds=("deployments",))

    assert (results(by_name), results(by_kind)) == (
        {"configmaps/flags": "create done"},
        {"deployments.apps/web": "create done"},
    )
    assert await rescue.gone("configmaps", "other")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"words": ("cm/flag",)}, "did you mean flags"),
        ({"namespaces": ("nowhere",)}, "nothing of namespace nowhere"),
        ({"kinds": ("widgets",)}, "no kind widgets"),
        ({"mapped": ("elsewhere=b",)}, "nothing of elsewhere is restored"),
        ({"words": ("2026",)}, "could be any of"),
        ({"words": ("20250101T000000Z",)}, "no backup is called"),
        ({"source": "gs://x"}, "not where a backup is"),
    ],
)
async def test_what_makes_no_sense_is_said_and_nothing_is_changed(rescue: Rescue, asked: dict, said: str) -> None:
    await rescue.backup()
    await rescue.backup()
    await rescue.delete("configmaps", "flags")
    words = asked.pop("words", ())

    with pytest.raises(ConfigError, match=said):
        await rescue.restore(*words, **asked)

    assert await rescue.gone("configmaps", "flags")


async def test_whoever_says_no_changes_nothing(rescue: Rescue) -> None:
    await rescue.backup()
    await rescue.delete("configmaps", "flags")

    run = await rescue.restore(agree=False)

    assert (run.status, await rescue.gone("configmaps", "flags")) == (Status.REFUSED, True)


async def test_a_dry_run_tells_what_the_server_would_refuse_and_changes_nothing(rescue: Rescue) -> None:
    await rescue.backup()
    await rescue.delete("configmaps", "flags")
    await rescue.delete("deployments", "web")

    run = await rescue.restore(dry_run=True)

    assert results(run) == {"configmaps/flags": "create planned", "deployments.apps/web": "create planned"}
    assert (await rescue.gone("configmaps", "flags"), run.mode) == (True, "dry-run")


async def test_into_a_namespace_of_another_name(rescue: Rescue) -> None:
    await rescue.make(config_map("addresses", DB=f"db.{rescue.space}.svc"))
    before = await rescue.backup()
    other = f"{rescue.space}-copy"

    run = await rescue.restore(mapped=(f"{rescue.space}={other}",))
    copied = await rescue.backup(namespaces=[other])

    assert run.status is Status.ATTENTION
    assert [finding.message for finding in run.findings if finding.subject == f"configmaps {other}/addresses"] == [
        f"restored from {rescue.space} in {other}, it still mentions the old name in data.DB"
    ]
    moved = {path.replace(rescue.space, other): data for path, data in before.files.items()}
    assert set(copied.files) == set(moved)
    assert (
        copied.documents(f"{other}/deployments.apps.yaml")[0]["spec"]
        == before.documents(f"{rescue.space}/deployments.apps.yaml")[0]["spec"]
    )


async def test_an_object_that_needs_a_secret_or_a_volume_names_it(rescue: Rescue) -> None:
    volumes = [
        {"name": "s", "secret": {"secretName": "passwords"}},
        {"name": "d", "persistentVolumeClaim": {"claimName": "data"}},
    ]
    await rescue.make(deployment("needy", volumes=volumes))
    await rescue.backup()
    await rescue.delete("deployments", "needy")

    run = await rescue.restore()

    assert run.status is Status.ATTENTION
    assert [finding.subject for finding in run.findings] == [
        f"persistentvolumeclaims {rescue.space}/data",
        f"secrets {rescue.space}/passwords",
    ]


async def test_a_whole_namespace_that_was_deleted_comes_back(rescue: Rescue) -> None:
    await rescue.make(service("headless", clusterIP="None"))
    before = await rescue.backup()
    assert (await rescue.backend.request("DELETE", f"/api/v1/namespaces/{rescue.space}")).status == 200

    run = await rescue.restore()
    after = await rescue.backup()

    assert (run.status, {change.result for change in run.changes}) == (Status.OK, {"done"})
    assert contents(after) == contents(before)
