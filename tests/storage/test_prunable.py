"""Which paths may ever be deleted, and what they tell of their age."""

from datetime import UTC, datetime

import pytest

from maintd.core.errors import Refused
from maintd.storage.prunable import AREAS, begun, check_prunable, run_of, written

RUN = "20261122T030405Z-cleanup-failed-pods-3f9a1c"
AT = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
DAY = datetime(2026, 11, 22, tzinfo=UTC)
LATER = datetime(2030, 1, 1, tzinfo=UTC)
OURS = {
    f"runs/2026/11/22/{RUN}.json": AT,
    f"runs/2026/11/22/{RUN}.considered.0001.ndjson": AT,
    "samples/omtx-latency/2026-11-22/030405Z-3f9a1c.ndjson": AT,
    f"evidence/{RUN}/omtx-hub/pods/api-1/manifest.yaml": AT,
    f"evidence/{RUN}/_cluster/nodes/n 1/logs.txt": AT,
    f"evidence/{RUN}/x": AT,
    "doctor/2026-11-22/pod.txt": DAY,
}
NEVER = [
    "backups/20261122T030000Z-3f9a1c/manifest.json",
    "backups/20261122T030000Z-3f9a1c/omtx-hub/configmaps.yaml",
    f"backups/{RUN}/manifest.json",
    f"backups/runs/2026/11/22/{RUN}.json",
    "verifications/20261122T030000Z-3f9a1c/20261122T040000Z-read.json",
    "state/state.json",
    "state/state.lock",
    "logs/omtx-hub/2026-11-22/a.txt",
    "notes.txt",
    "runs",
    "runs/",
    "runs/2026/11/22/",
    "runs/2026/11/22/mine.json",
    "runs/2026/11/22/README",
    f"runs/2026/11/23/{RUN}.json",
    f"runs/2026/11/{RUN}.json",
    f"runs/2026/11/22/{RUN}",
    f"runs/2026/11/22/{RUN}.json.bak",
    f"runs/2026/11/22/old/{RUN}.json",
    f"runs/2026/11/22/{RUN}.json\n",
    "runs/2026/13/22/20261322T030405Z-a-b.json",
    "runs/2026/02/31/20260231T030405Z-a-b.json",
    "runs/0000/01/01/00000101T000000Z-a-b.json",
    "runs/2026/11/22/20261122T250405Z-a-b.json",
    "runs/٢٠٢٦/11/22/٢٠٢٦1122T030405Z-a-b.json",
    f"runs/2026/11/22/../../../../backups/{RUN}.json",
    f"./runs/2026/11/22/{RUN}.json",
    f"/runs/2026/11/22/{RUN}.json",
    f"../other/runs/2026/11/22/{RUN}.json",
    f"other/runs/2026/11/22/{RUN}.json",
    f"Runs/2026/11/22/{RUN}.json",
    "samples/omtx-latency/2026-11-22/notes.ndjson",
    "samples/omtx-latency/2026-11-22/030405Z-3f9a1c.json",
    "samples/omtx-latency/2026-11-31/030405Z-3f9a1c.ndjson",
    "samples/2026-11-22/030405Z-3f9a1c.ndjson",
    "samples/../2026-11-22/030405Z-3f9a1c.ndjson",
    f"evidence/{RUN}",
    f"evidence/{RUN}/",
    f"evidence/{RUN}/../../backups/a/manifest.json",
    f"evidence/{RUN}/.hidden",
    "evidence/keep-this/manifest.yaml",
    "doctor/2026-11-22/pod.json",
    "doctor/pod.txt",
    "",
    ".",
    "..",
]


@pytest.mark.parametrize(("path", "at"), OURS.items())
def test_what_is_ours_tells_when_it_was_written(path, at):
    assert written(path) == at
    check_prunable(path, LATER)


@pytest.mark.parametrize("path", NEVER)
def test_nothing_else_is_ever_deleted_whatever_is_asked(path):
    assert written(path) is None
    with pytest.raises(Refused, match=r"is never deleted: its path is not one of runs/, samples/, evidence/, doctor/"):
        check_prunable(path, LATER)


@pytest.mark.parametrize(("path", "at"), OURS.items())
def test_what_is_ours_stays_until_it_is_old_enough(path, at):
    with pytest.raises(Refused, match="it is not yet as old as `retention`"):
        check_prunable(path, at)


@pytest.mark.parametrize(
    ("folder", "at"),
    [
        ("runs/", datetime(1, 1, 1, tzinfo=UTC)),
        ("runs/2026/", datetime(2026, 1, 1, tzinfo=UTC)),
        ("runs/2026/11/", datetime(2026, 11, 1, tzinfo=UTC)),
        ("runs/2026/11/22/", DAY),
        ("samples/a-job/", datetime(1, 1, 1, tzinfo=UTC)),
        ("samples/a-job/2026-11-22/", DAY),
        (f"evidence/{RUN}/", AT),
        (f"evidence/{RUN}/omtx-hub/pods/", AT),
        ("doctor/2026-11-22/", DAY),
    ],
)
def test_a_folder_tells_the_earliest_time_of_what_is_in_it(folder, at):
    assert begun(folder) == at


@pytest.mark.parametrize(
    "folder",
    ["backups/", "", "/", "runs/old/", "runs/2026/11/22/more/", "samples/A/", "evidence/x/", "runs/../backups/"],
)
def test_a_folder_that_is_none_of_ours_is_not_looked_into(folder):
    assert begun(folder) is None


@pytest.mark.parametrize("path", [path for path in OURS if path.startswith(("runs/", "evidence/"))])
def test_records_and_evidence_tell_their_run(path):
    assert run_of(path) == RUN


def test_samples_have_no_run_and_the_areas_are_four():
    assert run_of("samples/omtx-latency/2026-11-22/030405Z-3f9a1c.ndjson") == ""
    assert AREAS == ("runs", "samples", "evidence", "doctor")
