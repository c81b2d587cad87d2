"""The Lease itself: in a cluster (the embedded one; with `make test-cluster` a real control plane), and in a file."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from maintd.cluster.api import Api
from maintd.cluster.reader import ClusterReader
from maintd.cluster.writer import ClusterWriter
from maintd.core.errors import Conflict, Denied, JobError, Unreadable
from maintd.election.elector import Elector, identity
from maintd.election.lease_homes import ClusterLease, FolderLease, lease_needs
from maintd.election.lease_record import Record, read, stamp
from maintd.sandbox.faults import Fault, html, raw
from tests.elector.conftest import Lines

MINE = Record("me", 7, 1.5, stamp(), stamp(), 2, write="aa")
AFTER_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
async def space(cluster_backend) -> str:
    return await cluster_backend.namespace()


@pytest.fixture
def path(space) -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{space}/leases/maintd"


@pytest.fixture
async def api(cluster_backend, space) -> AsyncIterator[Api]:
    """As a ServiceAccount that has the rights the lease asks for, and no others."""
    made = await Api.connect(await cluster_backend.grant(lease_needs(space)))
    yield made
    await made.close()


def lease_of(api: Api, space: str) -> ClusterLease:
    api = api.scoped(patience=timedelta(seconds=1.5))
    return ClusterLease(ClusterReader(api), ClusterWriter(api), space)


@pytest.fixture
def home(api, space) -> ClusterLease:
    return lease_of(api, space)


@pytest.fixture(params=["cluster", "folder"])
def either(request, tmp_path, home):
    return FolderLease(tmp_path) if request.param == "folder" else home


class TestEitherHome:
    """One contract for the cluster and the folder."""

    async def test_where_nothing_is_there_is_no_record(self, either):
        assert (await either.load())[0] is None

    async def test_what_is_written_is_read_again(self, either):
        token = await either.save(MINE, (await either.load())[1])
        renewed = replace(MINE, renewed=stamp(), write="bb")
        await either.save(renewed, token)

        assert (await either.load())[0] == renewed

    async def test_of_two_who_write_over_the_same_one_is_refused(self, either):
        _, nothing = await either.load()
        token = await either.save(MINE, nothing)
        with pytest.raises(Conflict):
            await either.save(replace(MINE, holder="other", write="bb"), nothing)
        await either.save(replace(MINE, write="cc"), token)
        with pytest.raises(Conflict):
            await either.save(replace(MINE, holder="other", write="dd"), token)

        assert (await either.load())[0] == replace(MINE, write="cc")

    async def test_a_released_lease_names_nobody(self, either):
        token = await either.save(MINE, (await either.load())[1])
        released = replace(MINE, holder="", seconds=1.0, released=True, write="bb")
        await either.save(released, token)

        assert (await either.load())[0] == released


async def test_the_lease_is_one_that_kubectl_and_other_clients_can_read(cluster_backend, home, path):
    await home.save(MINE, None)
    found = (await cluster_backend.request("GET", path)).json

    assert found["spec"] == {
        "holderIdentity": "me",
        "leaseDurationSeconds": 2,
        "acquireTime": MINE.acquired,
        "renewTime": MINE.renewed,
        "leaseTransitions": 2,
    }
    assert AFTER_FRACTION.fullmatch(found["spec"]["renewTime"])
    assert found["metadata"]["annotations"] == {
        "maintd.dev/epoch": "7",
        "maintd.dev/lease-seconds": "1.5",
        "maintd.dev/released": "false",
        "maintd.dev/write": "aa",
    }
    assert found["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "maintd"


async def test_what_others_wrote_into_its_metadata_stays(cluster_backend, home, path):
    await home.save(MINE, None)
    patch = {"metadata": {"annotations": {"team": "a"}}}
    await cluster_backend.request("PATCH", path, patch, content="application/merge-patch+json")
    _, token = await home.load()
    await home.save(replace(MINE, write="bb"), token)

    assert (await cluster_backend.request("GET", path)).json["metadata"]["annotations"]["team"] == "a"


async def test_a_lease_that_was_deleted_is_not_brought_back_by_its_renewal(cluster_backend, home, path):
    """A Lease may be created by PUT: without its uid a renewal would do so."""
    token = await home.save(MINE, None)
    await cluster_backend.request("DELETE", path)

    with pytest.raises(JobError):
        await home.save(replace(MINE, write="bb"), token)
    assert (await cluster_backend.request("GET", path)).status == 404


async def test_without_the_rights_it_is_denied_and_the_rule_is_named(cluster_backend, space):
    api = await Api.connect(await cluster_backend.grant([]))
    try:
        with pytest.raises(Denied, match="leases"):
            await lease_of(api, space).load()
        with pytest.raises(Denied, match="leases"):
            await lease_of(api, space).save(MINE, None)
    finally:
        await api.close()


async def test_leadership_goes_from_hand_to_hand_and_every_reign_has_its_epoch(cluster_backend, api, space, path):
    """The whole of it: created where there is none, released, taken; all that stays is one Lease."""
    log, epochs = Lines(), []

    async def lead(reign):
        epochs.append(reign.epoch)
        assert reign.seconds_left() > 0
        await asyncio.sleep(0.7)  # a renewal or more

    for _ in range(2):
        await Elector(lease_of(api, space), identity(), timedelta(seconds=1.5), log).run(lead)
    found = (await cluster_backend.request("GET", path)).json

    assert log.events() == ["leadership gained", "leadership released"] * 2
    assert epochs == [1, 2]
    assert read(found).released
    assert (found["spec"]["leaseDurationSeconds"], found["spec"]["leaseTransitions"]) == (1, 1)


@pytest.mark.parametrize("verb", ["create", "update"])
async def test_a_write_whose_reply_was_lost_is_known_again(sandbox, tmp_path, verb):
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    home = lease_of(api, "default")
    token = await home.save(replace(MINE, write="00"), None) if verb == "update" else None
    sandbox.faults.append(Fault(verb, "*/leases*", reset="after"))
    token = await home.save(MINE, token)
    await home.save(replace(MINE, write="bb"), token)
    await api.close()

    assert read(sandbox.get("coordination.k8s.io/v1", "Lease", "maintd", "default")).write == "bb"


@pytest.mark.parametrize("answer", [html(), raw(b'{"kind":"Status","apiVersion":"v1"}'), raw(b"{}"), raw(b"[]")])
async def test_what_a_proxy_answers_is_no_renewal(sandbox, tmp_path, answer):
    api = await Api.connect(sandbox.kubeconfig(tmp_path / "kubeconfig"))
    home = lease_of(api, "default")
    token = await home.save(MINE, None)
    sandbox.faults.append(Fault("update", "*/leases*", times=100, answer=answer))

    with pytest.raises(Unreadable):
        await home.save(replace(MINE, write="bb"), token)
    await api.close()


NONSENSE = [
    {},
    {"spec": None},
    {"spec": []},
    {"metadata": {"annotations": []}, "spec": {"holderIdentity": 7, "leaseDurationSeconds": "x"}},
    {"metadata": {"annotations": {"maintd.dev/epoch": "-4", "maintd.dev/lease-seconds": "nan"}}, "spec": {}},
    {"metadata": {"annotations": {"maintd.dev/epoch": "9" * 400, "maintd.dev/released": 1}}, "spec": 1},
    {"spec": {"leaseTransitions": True, "leaseDurationSeconds": -1}},
]


@pytest.mark.parametrize("lease", NONSENSE)
def test_a_lease_that_says_nothing_that_can_be_read_is_held_by_somebody(lease):
    assert read(lease) == Record()
    assert read(lease).lasts(15.0) == 15.0


@pytest.mark.parametrize(
    ("whole", "exact", "seconds"),
    [
        (2, "1.5", 1.5),
        (1, "0.3", 0.3),
        (15, "15", 15.0),
        (60, "15", 60.0),
        (15, "inf", 15.0),
        (15, None, 15.0),
        (15, "-1", 15.0),
        (15, "15.5", 15.0),
    ],
)
def test_the_exact_duration_counts_unless_somebody_changed_the_one_that_people_see(whole, exact, seconds):
    notes = {} if exact is None else {"maintd.dev/lease-seconds": exact}
    lease = {"metadata": {"annotations": notes}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": whole}}

    assert read(lease).seconds == seconds


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff", json.dumps(NONSENSE[3]).encode()])
async def test_a_file_that_is_no_lease_is_waited_out_and_written_over(tmp_path, text):
    (tmp_path / "lease.json").write_bytes(text)
    home = FolderLease(tmp_path)
    record, token = await home.load()
    assert record == Record()
    await home.save(MINE, token)

    assert (await home.load())[0] == MINE
