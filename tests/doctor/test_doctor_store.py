"""The store and the bucket behind it, with every fault that a bucket can have before the first night."""

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath

import pytest

from maintd.app.doctor.bucket import bucket as bucket_lines
from maintd.app.doctor.line import Verdict
from maintd.app.doctor.store import store as store_lines
from maintd.storage.bucket_settings import BucketSettings
from maintd.storage.folder import FolderStore
from maintd.storage.prunable import check_prunable

DAY = 24 * 60 * 60
SAFE = {
    "iamConfiguration": {"publicAccessPrevention": "enforced", "uniformBucketLevelAccess": {"enabled": True}},
    "softDeletePolicy": {"retentionDurationSeconds": str(7 * DAY)},
}
FOLDER = "pre/lab/backups/"


async def lines_of(check, patient):
    async with patient.visit() as visit:
        return await check(visit)


def deletes(**condition):
    return {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": condition}]}}


@pytest.fixture
def in_bucket(patient, bucket):
    patient.storage = "gs://bucket/pre"
    bucket.about = SAFE
    return patient


async def test_a_folder_is_written_read_and_listed_below_doctor_and_nowhere_else(patient):
    [line, _] = await lines_of(store_lines, patient)

    written = [path for path in (patient.folder / "store/lab").rglob("*") if path.is_file()]
    assert (line.verdict, line.message) == (Verdict.OK, "written, read and listed")
    assert [path.parent.relative_to(patient.folder / "store/lab") for path in written] == [
        PurePath("doctor", f"{datetime.now(UTC):%Y-%m-%d}")
    ]


async def test_what_it_writes_is_swept_by_retention(patient):
    await lines_of(store_lines, patient)

    [path] = [path for path in (patient.folder / "store/lab").rglob("*") if path.is_file()]
    check_prunable(str(path.relative_to(patient.folder / "store/lab")), datetime.now(UTC) + timedelta(days=1))


async def test_a_store_that_can_no_longer_be_written_is_a_problem_an_hour_after_it_could(in_bucket, bucket):
    [before] = await lines_of(store_lines, in_bucket)
    bucket.refused = {"write": 403}
    [after] = await lines_of(store_lines, in_bucket)

    assert (before.verdict, after.verdict) == (Verdict.OK, Verdict.PROBLEM)


async def test_a_folder_that_cannot_be_written_is_a_problem(patient):
    (patient.folder / "store").write_text("a file")

    [line] = await lines_of(store_lines, patient)

    assert (line.verdict, str(patient.folder / "store") in line.message) == (Verdict.PROBLEM, True)


async def test_what_is_read_and_is_not_what_was_written_is_a_problem(in_bucket, bucket):
    bucket.altered = b"something else"

    [line] = await lines_of(store_lines, in_bucket)

    assert line.verdict is Verdict.PROBLEM


class Forgetful(FolderStore):
    """Takes everything, and gives back something else."""

    async def read(self, path):
        return b"something else"


class Unlisted(FolderStore):
    """Finds what is asked for by name, and lists nothing."""

    async def names(self, prefix, *, reverse=False):
        for name in ():
            yield name


@pytest.mark.parametrize(
    ("kind", "said"), [(Forgetful, "is not what was written there"), (Unlisted, "was read and is not listed")]
)
async def test_a_store_that_only_seems_to_work_is_a_problem(patient, kind, said):
    async with patient.visit() as visit:
        [line] = await store_lines(replace(visit, store=kind(patient.folder / "store", "lab")))

    assert (line.verdict, said in line.message) == (Verdict.PROBLEM, True)


@pytest.mark.parametrize("in_pod", [True, False])
async def test_a_folder_is_seldom_what_is_meant(patient, in_pod):
    patient.in_pod = in_pod

    [_, folder] = await lines_of(store_lines, patient)

    assert folder.verdict is Verdict.WARNING
    assert ("gone with the pod" if in_pod else "of this machine") in folder.message


async def test_a_bucket_is_written_read_and_listed_and_its_settings_are_read(in_bucket):
    lines = [*await lines_of(store_lines, in_bucket), *await lines_of(bucket_lines, in_bucket)]

    assert [(line.verdict, line.subject, line.message) for line in lines] == [
        (Verdict.OK, "gs://bucket/pre/lab/", "written, read and listed"),
        (Verdict.OK, "lifecycle", f"no rule deletes what lies in {FOLDER}"),
        (Verdict.OK, "deletion", "what somebody deletes is not lost: soft delete for 7d"),
        (Verdict.OK, "public access", "prevented"),
        (Verdict.OK, "uniform access", "on: no object has an access list of its own"),
        (Verdict.OK, "rights", "maintd may not delete backups, nor change the bucket"),
    ]


@pytest.mark.parametrize("permission", ["storage.objects.delete", "storage.buckets.update", "storage.buckets.delete"])
async def test_a_daemon_that_can_destroy_backups_is_a_problem(in_bucket, bucket, permission):
    bucket.held = {permission, "storage.objects.create"}

    line = (await lines_of(bucket_lines, in_bucket))[-1]

    assert (line.verdict, line.subject, line.message.endswith(f"it has {permission}")) == (
        Verdict.PROBLEM,
        "rights",
        True,
    )


async def test_what_you_may_do_elsewhere_says_nothing_of_the_daemon(in_bucket, bucket):
    bucket.held = {"storage.objects.delete"}
    in_bucket.in_pod = False

    assert {line.verdict for line in await lines_of(bucket_lines, in_bucket)} == {Verdict.OK}


async def test_a_bucket_as_fake_gcs_server_describes_it_can_be_read(patient, fake_gcs, bucket, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs)
    patient.storage = "gs://bucket"

    lines = await lines_of(bucket_lines, patient)

    assert [line.subject for line in lines] == ["lifecycle", "deletion", "public access", "uniform access", "rights"]
    assert lines[-1].verdict is Verdict.WARNING  # it does not know the question


@pytest.mark.parametrize("in_pod", [True, False])
@pytest.mark.parametrize(("operation", "role"), [("write", "objectCreator"), ("read", "objectViewer")])
async def test_a_right_that_is_missing_at_the_bucket_is_named_and_elsewhere_it_is_not_the_daemons(
    in_bucket, bucket, in_pod, operation, role
):
    in_bucket.in_pod = in_pod
    bucket.refused = {operation: 403}

    [line] = await lines_of(store_lines, in_bucket)

    assert line.verdict is (Verdict.PROBLEM if in_pod else Verdict.WARNING)
    assert f"--role=roles/storage.{role}" in line.message
    assert "secret words" not in line.message
    assert in_pod or line.remedy == "kubectl exec -n maintd deploy/maintd -- maintd doctor"


async def test_a_bucket_that_does_not_exist_is_a_problem_with_the_line_that_makes_it(in_bucket, bucket):
    bucket.refused = {"write": 404}

    [line] = await lines_of(store_lines, in_bucket)

    assert (line.verdict, "gcloud storage buckets create gs://bucket" in line.message) == (Verdict.PROBLEM, True)


async def test_a_bucket_that_does_not_answer_is_a_problem_within_the_time(in_bucket, bucket):
    bucket.silent = True
    in_bucket.patience = 0.5

    found = await in_bucket.examine()

    assert {name: [line.verdict for line in found[name]] for name in ("store", "bucket")} == {
        "store": [Verdict.PROBLEM],
        "bucket": [Verdict.PROBLEM],
    }
    assert found["namespaces"][0].verdict is Verdict.OK


async def test_settings_that_maintd_may_not_see_are_no_fault_and_the_command_to_see_them_is_printed(in_bucket, bucket):
    bucket.refused = {"about": 403}

    [line, _] = await lines_of(bucket_lines, in_bucket)

    assert (line.verdict, line.verdict.fails) == (Verdict.WARNING, False)
    assert line.remedy.startswith("gcloud storage buckets describe gs://bucket --format='default(versioning_enabled,")
    assert "--role=roles/storage.legacyBucketReader" in line.remedy


async def test_a_description_that_is_none_proves_nothing(in_bucket, bucket):
    bucket.about = {"lifecycle": ["delete everything"]}

    [line] = (await in_bucket.examine())["bucket"]

    assert (line.verdict, line.message) == (
        Verdict.PROBLEM,
        "gs://bucket describes itself as no bucket does (lifecycle); look for a proxy on the way",
    )


@pytest.mark.parametrize(
    ("about", "subject", "verdict", "message", "typed"),
    [
        (deletes(age=7), "lifecycle", Verdict.PROBLEM, "after 7 days: sooner than 30", "--lifecycle-file=FILE"),
        (deletes(age=90), "lifecycle", Verdict.OK, "after 90 days, the newest backup too if none follows", ""),
        (
            deletes(age=7) | {"retentionPolicy": {"retentionPeriod": str(40 * DAY)}},
            "lifecycle",
            Verdict.OK,
            "after 40 days",
            "",
        ),
        ({"softDeletePolicy": {}}, "deletion", Verdict.PROBLEM, "is lost", "--soft-delete-duration=30d --versioning"),
        ({"softDeletePolicy": {}, "versioning": {"enabled": True}}, "deletion", Verdict.OK, "versioning", ""),
        (
            {"retentionPolicy": {"retentionPeriod": str(14 * DAY), "isLocked": True}},
            "deletion",
            Verdict.OK,
            "soft delete for 7d; retention of 14d, locked",
            "",
        ),
        (
            {"iamConfiguration": {"publicAccessPrevention": "inherited"}},
            "public access",
            Verdict.WARNING,
            "not prevented",
            "--public-access-prevention",
        ),
        ({"iamConfiguration": {}}, "uniform access", Verdict.WARNING, "off", "--uniform-bucket-level-access"),
    ],
)
async def test_what_protects_or_endangers_backups_is_told(in_bucket, bucket, about, subject, verdict, message, typed):
    bucket.about = SAFE | about

    [line] = [line for line in await lines_of(bucket_lines, in_bucket) if line.subject == subject]

    assert line.verdict is verdict
    assert message in line.message
    assert typed in line.remedy
    assert bool(typed) == bool(line.remedy)


@pytest.mark.parametrize(
    ("condition", "days"),
    [
        ({"age": 7}, 7),
        ({}, 0),
        ({"age": 7, "isLive": True}, 7),
        ({"age": 7, "isLive": False}, None),
        ({"age": 7, "numNewerVersions": 3}, None),
        ({"daysSinceNoncurrentTime": 7}, None),
        ({"noncurrentTimeBefore": "2026-11-01"}, None),
        ({"daysSinceCustomTime": 0}, None),
        ({"customTimeBefore": "2026-11-01"}, None),
        ({"age": 7, "matchesPrefix": ["logs/"]}, None),
        ({"age": 7, "matchesPrefix": ["logs/", "pre/"]}, 7),
        ({"age": 7, "matchesPrefix": ["pre/lab/runs/", "pre/lab/samples/"]}, None),
        ({"age": 7, "matchesPrefix": ["pre/lab/backups/2026"]}, 7),
        ({"age": 7, "matchesSuffix": [".tmp"]}, None),
        ({"age": 7, "matchesSuffix": ["json"]}, 7),
        ({"age": 7, "matchesSuffix": ["manifest.json"]}, 7),
        ({"createdBefore": "2026-11-20"}, 3),
        ({"createdBefore": "2027-01-01"}, 0),
        ({"age": 7, "createdBefore": "2026-11-20"}, 7),
        ({"age": 7, "matchesStorageClass": ["STANDARD"]}, 7),
        ({"age": 7, "aConditionOfTomorrow": True}, 7),
    ],
)
def test_a_lifecycle_rule_is_judged_by_the_youngest_backup_that_it_can_delete(condition, days):
    settings = BucketSettings.model_validate(deletes(**condition))

    assert settings.deleted_after(FOLDER, date(2026, 11, 23)) == days


@pytest.mark.parametrize("action", ["SetStorageClass", "AbortIncompleteMultipartUpload"])
def test_only_a_rule_that_deletes_endangers(action):
    settings = BucketSettings.model_validate({"lifecycle": {"rule": [{"action": {"type": action}, "condition": {}}]}})

    assert settings.deleted_after(FOLDER, date(2026, 11, 23)) is None


def test_of_several_rules_the_soonest_counts():
    rules = [deletes(age=days)["lifecycle"]["rule"][0] for days in (60, 10)]

    assert BucketSettings.model_validate({"lifecycle": {"rule": rules}}).deleted_after(FOLDER, date(2026, 11, 23)) == 10


async def test_nobody_but_the_named_server_is_asked(in_bucket, bucket):
    """The bucket is a stand-in: the line says so where the environment is looked at."""
    in_bucket.environ = {"STORAGE_EMULATOR_HOST": os.environ["STORAGE_EMULATOR_HOST"]}
    in_bucket.allowed_emulator = bucket.url

    [line] = (await in_bucket.examine())["environment"]

    assert (line.verdict, "without authentication" in line.message) == (Verdict.WARNING, True)


def test_a_soft_delete_is_a_span():
    assert BucketSettings.model_validate(SAFE).soft_deleted_for == timedelta(days=7)
