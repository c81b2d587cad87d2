"""Which backups are read back, what is kept of it, and how the run tells it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from maintd.core.errors import Transient
from maintd.core.kind import Context
from maintd.core.outcome import Outcome, Status
from maintd.core.ports import Fetched, Store
from maintd.core.target import Target
from maintd.kinds.protect.backup_verify import KIND
from maintd.objects import archive, verification
from maintd.objects.backup_census import census
from maintd.objects.backup_manifest import NotWhole
from maintd.objects.signature import public_key
from maintd.sandbox.server import Sandbox
from maintd.storage.folder import FolderStore
from maintd.telemetry import logs
from tests.kinds_backup.conftest import Desk
from tests.storage.test_backup_damage import written

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
MISSED = NotWhole(resource="configmaps", why="denied", remedy="grant")


def named(day: int, job: str = "nightly") -> dict[str, Any]:
    return {"backup_id": f"202611{day:02}T010000Z-aaaaaa", "run_id": f"202611{day:02}T010000Z-{job}-abc123"}


async def verify(store: Store, **params: Any) -> Outcome:
    unused = cast("Any", None)
    context = Context(
        run_id="20261123T013000Z-backup-verify-abc123",
        job="backup-verify",
        target=Target(),
        cluster=unused,
        gate=unused,
        store=store,
        http=unused,
        log=logs.get("test"),
        now=lambda: NOW,
        memory={},
    )
    return cast("Outcome", await KIND.run(context, KIND.params.model_validate(params)))


async def checked(store: Store) -> dict[str, str]:
    """What is noted of each backup that was ever verified."""
    known = {name: await verification.newest(store, name) for name in await verification.verified(store)}
    return {name[6:8]: found.result for name, found in known.items() if found}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, "c")


async def test_what_the_kind_wrote_can_be_read_back(sandbox: Sandbox, desk: Desk, tmp_path: Path) -> None:
    for number in range(30):
        metadata = {"name": f"c{number:03}", "namespace": f"space-{number % 3}"}
        sandbox.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"k": "---\n- a\n"}})
    made = await desk.backup(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    store = FolderStore(desk.root, "test")

    outcome = await verify(store)

    assert outcome.judged() is Status.OK
    assert outcome.metrics["objects"] == made.manifest.objects > 30
    found = await verification.newest(store, made.manifest.id)
    assert found
    assert (found.ok, found.complete, found.files) == (True, True, len(made.manifest.files))


async def test_the_newest_of_each_job_is_read_and_no_other(store: FolderStore) -> None:
    for day, job in ((19, "weekly"), (20, "nightly"), (21, "nightly"), (22, "nightly")):
        await written(store, **named(day, job))

    outcome = await verify(store)

    assert await checked(store) == {"19": "ok", "22": "ok"}
    assert outcome.summary == "2 backups read back without a fault: 8 objects, 588 B"
    assert outcome.artifacts == tuple(
        f"verifications/202611{day}T010000Z-aaaaaa/0001-read.json" for day in ("19", "22")
    )


async def test_all_that_came_since_the_last_verification_are_read(store: FolderStore) -> None:
    await written(store, **named(19))
    await written(store, **named(20))
    await verify(store)
    await written(store, **named(21))
    await written(store, **named(22))

    outcome = await verify(store, since_last=True)

    assert outcome.metrics["backups"] == 2
    assert await checked(store) == {"20": "ok", "21": "ok", "22": "ok"}


async def test_one_is_read_by_the_beginning_of_its_id_and_again_under_another_number(store: FolderStore) -> None:
    await written(store, **named(19))
    await written(store, **named(20))

    first, second = await verify(store, id="20261119"), await verify(store, id="20261119")

    assert first.artifacts == ("verifications/20261119T010000Z-aaaaaa/0001-read.json",)
    assert second.artifacts == ("verifications/20261119T010000Z-aaaaaa/0002-read.json",)
    assert await checked(store) == {"19": "ok"}


async def test_damage_asks_for_attention_and_names_the_object(store: FolderStore, tmp_path: Path) -> None:
    await written(store, **named(20))
    path = "backups/20261120T010000Z-aaaaaa/shop/configmaps.yaml"
    (tmp_path / "c" / path).unlink()

    outcome = await verify(store)

    assert outcome.judged() is Status.ATTENTION
    assert outcome.summary == "DAMAGED: 20261120T010000Z-aaaaaa; 0 of 1 backup without a fault"
    assert [(finding.severity, finding.subject) for finding in outcome.findings] == [
        ("error", path),
        ("info", "20261120T010000Z-aaaaaa"),
    ]
    assert await checked(store) == {"20": "DAMAGED"}


async def test_a_partial_backup_can_be_read_and_is_said_to_be_partial(store: FolderStore) -> None:
    await written(store, **named(20), not_whole=(MISSED,))

    outcome = await verify(store)

    assert outcome.judged() is Status.ATTENTION
    assert outcome.summary.endswith("read back without a fault: 4 objects, 294 B, but it is partial")
    found = await verification.newest(store, "20261120T010000Z-aaaaaa")
    assert found
    assert (found.ok, found.complete) == (True, False)


async def test_what_has_no_manifest_is_no_backup_and_is_named(store: FolderStore) -> None:
    await written(store, **named(20))
    await store.create("backups/20261121T010000Z-bbbbbb/shop/configmaps.yaml", b"---\n")
    await store.create("backups/20261119T010000Z-bbbbbb/shop/configmaps.yaml", b"---\n")

    outcome = await verify(store)

    assert outcome.judged() is Status.OK
    assert [finding.subject for finding in outcome.findings if "no manifest" in finding.message] == [
        "backups/20261121T010000Z-bbbbbb"
    ]


@pytest.mark.parametrize("left", [{}, {"backups/20261121T010000Z-bbbbbb/shop/configmaps.yaml": b"---\n"}])
async def test_no_backup_is_nothing_to_be_quiet_about(store: FolderStore, left: dict[str, bytes]) -> None:
    for path, data in left.items():
        await store.create(path, data)

    outcome = await verify(store)

    assert outcome.judged() is Status.ATTENTION
    assert outcome.summary == "there is no backup to verify"


async def test_a_manifest_of_a_later_format_is_neither_good_nor_damaged(store: FolderStore) -> None:
    await store.create("backups/20261121T010000Z-bbbbbb/manifest.json", b'{"format": 2}')

    outcome = await verify(store)

    assert outcome.judged() is Status.ATTENTION
    assert outcome.findings[0].message.startswith("not verified: its manifest cannot be used: it has format 2")
    assert await verification.verified(store) == frozenset()


async def test_a_missing_signature_is_told_and_is_no_damage_that_pruning_would_count(store: FolderStore) -> None:
    """Whoever gives a wrong key must not make the last good backup one that may go."""
    await written(store, **named(20))
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    outcome = await verify(store, verify_key=public_key(public))

    assert outcome.judged() is Status.ATTENTION
    assert outcome.summary == "there is no backup to verify; UNTRUSTED: 20261120T010000Z-aaaaaa"
    assert [finding.severity for finding in outcome.findings] == ["error", "warning"]
    assert await verification.verified(store) == frozenset()
    assert [each.complete for each in await census(store)] == [True]


class Away(FolderStore):
    """One file of it cannot be read now."""

    async def fetch(self, path: str) -> Fetched:
        if path.endswith("tools/configmaps.yaml"):
            raise Transient("the disk does not answer")
        return await super().fetch(path)


async def test_a_store_that_cannot_be_read_proves_nothing_and_leaves_no_note(tmp_path: Path) -> None:
    store = Away(tmp_path, "c")
    await written(store, **named(20))

    with pytest.raises(Transient):
        await verify(store)

    assert await verification.verified(store) == frozenset()


async def test_the_last_verification_is_the_one_with_the_highest_number_whatever_its_clock_said(
    store: FolderStore, tmp_path: Path
) -> None:
    await written(store, **named(20))
    await verify(store)
    known = await verification.newest(store, "20261120T010000Z-aaaaaa")
    assert known
    ahead = known.model_copy(update={"ended": NOW + timedelta(days=400)})
    await verification.keep(store, ahead)
    (tmp_path / "c/backups/20261120T010000Z-aaaaaa/s.age").unlink()

    await verify(store)

    assert await checked(store) == {"20": "DAMAGED"}


async def test_backups_are_found_eight_at_a_time_and_in_order(store: FolderStore) -> None:
    for day in range(1, 20):
        await written(store, **named(day))

    assert [found.id[6:8] async for found in archive.backups(store, limit=10)] == [
        f"{day:02}" for day in range(19, 9, -1)
    ]
