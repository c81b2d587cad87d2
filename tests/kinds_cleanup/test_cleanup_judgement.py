"""Which finished pods nobody needs any more: the pure part of cleanup-pods, over pods that no API server would take."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maintd.objects.jobs import has_finished
from maintd.objects.leftovers import Verdict, Wanted, judged, settled

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
WANTED = Wanted(phases=("Failed", "Succeeded"), reasons=(), older_than=timedelta(hours=24))
OLD = "2026-11-20T20:00:00Z"
"""31 h before."""
METADATA = {
    "name": "a",
    "namespace": "shop",
    "uid": "u1",
    "resourceVersion": "7",
    "creationTimestamp": "2026-11-19T00:00:00Z",
}


def ended(at, name="app"):
    return {"name": name, "state": {"terminated": {"exitCode": 1, "finishedAt": at}}}


def transition(kind, at):
    return {"type": kind, "status": "True", "lastTransitionTime": at}


RUNNING = {"name": "b", "state": {"running": {}}}


def pod(**status):
    return {"metadata": METADATA, "status": {"phase": "Failed"} | status}


def verdict(pod, wanted=WANTED):
    """(decision, rule), or None."""
    found = judged(pod, wanted, NOW)
    return found and (found.considered(None).decision, found.rule)


def owned(kind, api_version="batch/v1", **more):
    reference = {"apiVersion": api_version, "kind": kind, "name": "o", "uid": "u9", "controller": True} | more
    return pod(containerStatuses=[ended(OLD)]) | {"metadata": METADATA | {"ownerReferences": [reference]}}


@pytest.mark.parametrize(
    ("status", "rule"),
    [
        ({"containerStatuses": [ended(OLD)]}, "finished 1d7h ago (finishedAt), older than 1d"),
        (
            {"containerStatuses": [ended("2026-11-01T00:00:00Z"), ended("2026-11-20T20:00:00.5+00:00", "b")]},
            "finished 1d6h59m ago (finishedAt), older than 1d",
        ),
        (
            {"initContainerStatuses": [ended(OLD)], "containerStatuses": [{"name": "app", "state": {"waiting": {}}}]},
            "finished 1d7h ago (finishedAt), older than 1d",
        ),
        (
            {"conditions": [transition("PodScheduled", "2026-11-01T00:00:00Z"), transition("Ready", OLD)]},
            "finished 1d7h ago (transition of condition Ready), older than 1d",
        ),
        ({"startTime": OLD}, "finished 1d7h ago (startTime), older than 1d"),
        (
            {"startTime": OLD, "containerStatuses": None, "conditions": []},
            "finished 1d7h ago (startTime), older than 1d",
        ),
        (
            {"containerStatuses": [ended(None)], "conditions": [transition("Ready", OLD)]},
            "finished 1d7h ago (transition of condition Ready), older than 1d",
        ),
        (
            {"containerStatuses": [ended("2026-11-01T00:00:00Z"), RUNNING], "startTime": OLD},
            "finished 1d7h ago (startTime), older than 1d",
        ),
    ],
)
def test_the_rule_says_how_long_ago_it_finished_and_what_told_so(status, rule):
    assert verdict(pod(**status)) == ("delete", rule)


@pytest.mark.parametrize(
    ("finished", "decision"),
    [("2026-11-21T03:00:00Z", "delete"), ("2026-11-21T03:00:01Z", "keep")],
)
def test_older_than_is_to_the_second(finished, decision):
    assert verdict(pod(containerStatuses=[ended(finished)]))[0] == decision


def test_a_pod_that_finished_in_the_future_is_kept_and_said_so():
    rule = "finished at 2026-11-22T03:00:01Z (finishedAt), in the API server's future"

    assert verdict(pod(containerStatuses=[ended("2026-11-22T03:00:01Z")])) == ("keep", rule)


@pytest.mark.parametrize(
    "status",
    [
        {},
        {"containerStatuses": [ended("0001-01-01T00:00:00Z")]},
        {"containerStatuses": [ended("not-a-date")]},
        {"containerStatuses": [ended(1700000000)]},
        {"containerStatuses": [ended("2026-11-20")]},
        {"containerStatuses": [ended("2026-11-20T20:00:00")]},
        {"containerStatuses": [ended("2026-13-45T99:99:99Z")]},
        {"containerStatuses": [ended("2026-11-20T23:59:60Z")]},
        {"containerStatuses": [ended("9999-12-31T23:59:59-12:00")]},
        {"containerStatuses": [ended("٢٠٢٦-11-20T20:00:00Z")]},
        {"containerStatuses": [ended("2126-11-20T20:00:00Z")]},
        {"containerStatuses": [ended("2026-11-22T03:00:01Z")]},
        {"containerStatuses": [ended(OLD), ended("nonsense", "b")]},
        {"containerStatuses": [None], "startTime": OLD},
        {"containerStatuses": "none", "startTime": OLD},
        {"containerStatuses": {"app": 1}, "startTime": OLD},
        {"containerStatuses": [{"name": "app", "state": "terminated"}], "startTime": OLD},
        {"containerStatuses": [{"name": "app", "state": {"terminated": "yes"}}], "startTime": OLD},
        {"conditions": "Ready", "startTime": OLD},
        {"conditions": [{"type": "Ready", "lastTransitionTime": "0001-01-01T00:00:00Z"}]},
        {"conditions": [{"type": "\x1b[2J", "lastTransitionTime": "2126-11-20T20:00:00Z"}]},
        {"conditions": [{"type": ["Ready"], "lastTransitionTime": OLD}]},
        {"startTime": "0001-01-01T00:00:00Z"},
        {"startTime": "2126-01-01T00:00:00Z"},
        {"phase": None},
        {"phase": ""},
        {"phase": ["Failed"]},
        {"phase": "failed"},
        {"phase": "Unknown"},
        {"phase": "\x1b[31mFailed"},
    ],
)
def test_a_pod_that_tells_nothing_or_nonsense_is_kept_with_a_reason(status):
    decision, rule = verdict(pod(**status))

    assert decision == "keep"
    assert len(rule) > 20
    assert rule.isprintable()


@pytest.mark.parametrize("phase", ["Running", "Pending"])
def test_a_pod_that_has_not_finished_is_no_candidate(phase):
    assert verdict(pod(phase=phase, containerStatuses=[ended(OLD)])) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"metadata": METADATA | {"resourceVersion": None}},
        {"metadata": METADATA | {"creationTimestamp": None}},
        {"metadata": METADATA | {"creationTimestamp": "0001-01-01T00:00:00Z"}},
        {"metadata": METADATA | {"annotations": ["maintd.dev/protect"]}},
        {"metadata": METADATA | {"ownerReferences": "none"}},
        {"metadata": METADATA | {"ownerReferences": [{"controller": True}]}},
        {"metadata": {"name": "a", "namespace": "shop"}},
        {"metadata": None},
        {"status": "Failed"},
        {"status": None},
    ],
)
def test_a_broken_object_is_kept_with_a_reason(broken):
    decision, rule = verdict(pod(containerStatuses=[ended(OLD)]) | broken)

    assert (decision, bool(rule)) == ("keep", True)


@pytest.mark.parametrize(
    ("kind", "api_version", "decision"),
    [
        ("ReplicaSet", "apps/v1", "delete"),
        ("ReplicationController", "v1", "delete"),
        ("DaemonSet", "apps/v1", "keep"),
        ("StatefulSet", "apps/v1", "keep"),
        ("Node", "v1", "keep"),
        ("Workflow", "argoproj.io/v1alpha1", "keep"),
        ("ReplicaSet", "example.com/v1", "keep"),
        ("Job", "batch.volcano.sh/v1alpha1", "keep"),
    ],
)
def test_pods_are_left_to_the_controllers_that_may_still_need_them(kind, api_version, decision):
    assert verdict(owned(kind, api_version))[0] == decision


def test_an_owner_that_is_no_controller_has_no_say():
    assert verdict(owned("Workflow", "argoproj.io/v1alpha1", controller=False))[0] == "delete"


def test_a_pod_of_a_job_waits_for_what_the_job_says():
    found = judged(owned("Job"), WANTED, NOW)

    left, freed = settled(found, {"another"}), settled(found, {"u9"})

    assert left == Verdict(found.object, "left to Job o, which is not known to have finished")
    assert freed.rule == "finished 1d7h ago (finishedAt), older than 1d; its Job o has finished"
    assert freed.wish.rule == freed.rule


@pytest.mark.parametrize(
    ("status", "finished"),
    [
        ({"conditions": [{"type": "Complete", "status": "True"}]}, True),
        ({"conditions": [{"type": "Failed", "status": "True"}]}, True),
        ({"conditions": [{"type": "Failed", "status": "False"}]}, False),
        ({"conditions": [{"type": "FailureTarget", "status": "True"}]}, False),
        ({"conditions": [{"type": "Suspended", "status": "True"}]}, False),
        ({"conditions": "Complete"}, False),
        ({"conditions": [{"type": "Complete", "status": True}]}, False),
        ({"conditions": [None]}, False),
        (None, False),
        ("Complete", False),
    ],
)
def test_a_job_has_finished_only_when_it_says_so(status, finished):
    assert has_finished({"status": status}) is finished


FIELDS = (
    "phase reason containerStatuses initContainerStatuses conditions startTime name state terminated running type "
    "finishedAt lastTransitionTime ownerReferences uid kind"
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just(OLD),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5),
    max_leaves=12,
)


@given(
    status=ANYTHING,
    metadata=st.dictionaries(st.sampled_from([*METADATA, "ownerReferences", "annotations"]), ANYTHING, max_size=4),
)
def test_no_pod_whatever_makes_the_judge_raise(status, metadata):
    found = judged({"metadata": METADATA | metadata, "status": status}, WANTED, NOW)

    assert found is None or found.rule


@given(st.dictionaries(st.sampled_from(["metadata", "status", "spec"]), ANYTHING))
def test_no_object_whatever_makes_the_judge_raise(obj):
    assert judged(obj, WANTED, NOW) is None or judged(obj, WANTED, NOW).wish is None
