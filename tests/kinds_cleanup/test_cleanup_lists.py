"""cleanup-pods on half lists, odd replies and many pods; random clusters are in tests/faults."""

import tracemalloc

import pytest

from maintd.core.errors import JobError
from maintd.core.limits import Limits
from maintd.sandbox import faults
from maintd.sandbox.faults import Fault

SPACE = "shop"


def names(sandbox):
    return {pod["metadata"]["name"] for pod in sandbox.select("v1", "Pod", SPACE)}


def job(name, *conditions):
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": SPACE},
        "spec": {},
        "status": {"conditions": [{"type": kind, "status": "True"} for kind in conditions]},
    }


async def test_pods_of_jobs_that_are_listed_as_finished_go_and_the_jobs_are_listed_once(sandbox, tidy, pod, owned):
    for name, conditions in (("lives", ()), ("ended", ("Complete",)), ("broke", ("Failed",))):
        uid = sandbox.put(job(name, *conditions))["metadata"]["uid"]
        for number in range(3):
            sandbox.put(pod(f"of-{name}-{number}", SPACE, **owned("Job", name, uid, "batch/v1")))
    sandbox.put(pod("of-gone", SPACE, **owned("Job", "gone", "no-such-uid", "batch/v1")))
    sandbox.requests.clear()

    await tidy(SPACE)

    assert names(sandbox) == {"of-gone", *(f"of-lives-{number}" for number in range(3))}
    assert [line.verb for line in sandbox.requests if line.resource == "jobs"] == ["list"]


async def test_jobs_are_not_asked_for_where_no_pod_has_one(sandbox, tidy, pod):
    sandbox.put(pod("a", SPACE))

    await tidy(SPACE)

    assert [line for line in sandbox.requests if line.resource == "jobs"] == []


@pytest.mark.parametrize("resource", ["pods", "jobs"])
@pytest.mark.parametrize(
    "fault",
    [
        {"edit": faults.null_items},
        {"edit": faults.truncated},
        {"answer": faults.html()},
        {"answer": faults.status_for_a_list()},
        {"answer": faults.raw(b"")},
    ],
    ids=["null items", "truncated", "html", "status", "empty"],
)
async def test_half_a_list_deletes_nothing(sandbox, tidy, pod, owned, resource, fault):
    uid = sandbox.put(job("lives"))["metadata"]["uid"]
    sandbox.put(pod("a", SPACE))
    sandbox.put(pod("b", SPACE, **owned("Job", "lives", uid, "batch/v1")))
    sandbox.faults.append(Fault("list", f"*/{resource}", times=100, **fault))

    with pytest.raises(JobError):
        await tidy(SPACE)

    assert names(sandbox) == {"a", "b"}


async def test_a_list_that_is_started_over_counts_each_pod_once(sandbox, tidy, pod):
    for number in range(501):
        sandbox.put(pod(f"p{number:03}", SPACE, phase="Running"))
    sandbox.put(pod("a", SPACE))

    def forget(reply):
        sandbox.forget_pages()
        return reply

    sandbox.faults.append(Fault("list", "*/pods", edit=forget))

    outcome = await tidy(SPACE)

    assert outcome.metrics["listed_pods"] == 502
    assert [change.object.name for change in outcome.changes] == ["a"]


async def test_hostile_pods_stay_and_do_not_keep_the_others(sandbox, tidy, pod):
    sandbox.put(pod("fine", SPACE))
    for number, status in enumerate(
        [
            {"containerStatuses": None, "phase": "Failed"},
            {"phase": "Failed", "startTime": "0001-01-01T00:00:00Z"},
            {"phase": "Failed", "startTime": "2126-01-01T00:00:00Z"},
            {"phase": "Failed", "conditions": [None]},
            {"phase": 7},
            {},
        ]
    ):
        sandbox.put(pod(f"odd-{number}", SPACE) | {"status": status})

    outcome = await tidy(SPACE)

    assert names(sandbox) == {f"odd-{number}" for number in range(6)}
    assert {one.decision for one in outcome.considered if one.object.name.startswith("odd")} == {"keep"}
    assert len(outcome.considered) == 7


async def test_memory_does_not_hold_the_pods_of_a_large_namespace(sandbox, tidy, pod):
    """5,000 pods of 8 KiB each are 40 MiB as JSON; what is kept of each, verdict and change and all, is 4 KiB."""
    for number in range(5_000):
        sandbox.put(pod(f"p{number:04}", SPACE, annotations={"example.com/notes": f"{number:08}" * 1024}))
    sandbox.requests.clear()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()

    outcome = await tidy(SPACE, "dry-run", limits=Limits(max_count=50))

    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(outcome.changes), len(outcome.considered)) == (5_000, 5_000)
    assert len([line for line in sandbox.requests if line.resource == "pods"]) == 10
    assert after - before < 30_000_000
    # The parser reserves, and hardly touches, twelve times a page: 50 MB. With all pods kept it would be 120.
    assert peak - before < 95_000_000
